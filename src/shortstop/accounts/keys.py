"""API keys. The secret is shown once; what is kept is its SHA-256.

A plain hash is enough here: the secret is 256 random bits, so there is nothing to guess slowly
(OWASP's slow hashes are for passwords that people choose).
"""

from __future__ import annotations

import hashlib
import secrets
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

Period = Literal["day", "month", "total"]
Limit = Annotated[int, Meta(ge=1)]

PREFIX = "sk-ss-"


class Grant(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a key may do, as an operator says it.

    `targets` limits the models it may use, empty means all. `rpm` and `tpm` are requests and
    tokens a minute, `budget_usd` US dollars a `period` (calendar day or month in UTC, or for
    good), `expires` is Unix time.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    tenant: Annotated[str, Meta(min_length=1, max_length=100)] = "default"
    targets: tuple[str, ...] = ()
    rpm: Limit | None = None
    tpm: Limit | None = None
    budget_usd: Decimal | None = None
    period: Period = "month"
    expires: float | None = None


class Key(Grant, frozen=True, kw_only=True):
    """A grant with its key's name; `tail` is the end of the secret, to recognise it."""

    id: str
    created: float
    tail: str
    revoked: float | None = None

    @property
    def metered(self) -> bool:
        return self.rpm is not None or self.tpm is not None

    def active(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def new_id() -> str:
    return "key_" + secrets.token_hex(6)


def fingerprint(secret: str) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
