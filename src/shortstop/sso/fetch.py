"""How the provider is asked, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from shortstop.errors import SignOnUnavailable

NO_HEADERS: Mapping[str, str] = {}
LONGEST_WORD = 100
"""Characters of the provider's words that an error repeats."""
T = TypeVar("T")


class Fetched(Protocol):
    """An answer that was read whole."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...


class Fetch(Protocol):
    """Asks the provider, bounded in time and bytes, and follows no redirect."""

    async def get(self, url: str) -> Fetched:
        """Raises SignOnUnavailable."""

    async def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
    ) -> Fetched:
        """Raises SignOnUnavailable."""


class OAuthRefusal(Struct, frozen=True):
    """An error of OAuth's (RFC 6749, 5.2)."""

    error: str = ""


def read(fetched: Fetched, into: type[T], what: str) -> T:
    """Raises SignOnUnavailable where the answer is not `what` it should be."""
    if fetched.status != 200:
        raise SignOnUnavailable(
            f"The identity provider answers with status {fetched.status} where {what} should be."
        )
    said = f"What the identity provider sends is not {what}"
    try:
        return msgspec.json.decode(fetched.body, type=into, strict=False)  # numbers as text
    except msgspec.ValidationError as error:
        raise SignOnUnavailable(f"{said}: {error}.") from None
    except (msgspec.DecodeError, RecursionError):
        raise SignOnUnavailable(f"{said}.") from None


def refusal_in(fetched: Fetched) -> str:
    """OAuth's word for why something was refused, such as `invalid_grant`; "" where none is."""
    try:
        word = msgspec.json.decode(fetched.body, type=OAuthRefusal).error
    except (msgspec.DecodeError, RecursionError):
        return ""
    return word[:LONGEST_WORD] if word.isascii() and word.isprintable() else ""
