"""A vendor's JSON into our types, with one mapping of everything that can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from shortstop import bounded
from shortstop.bounded import TooManyValues
from shortstop.dialects.sse import DONE, Event
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk, Json

MALFORMED = (LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""What reading a tree raises that is not built as expected."""

T = TypeVar("T")


def parse_answer(
    body: bytes, build: Callable[[Json], T], kind: str, limit: int = bounded.MAX_VALUES
) -> T:
    """What `build` makes of a whole answer of at most `limit` JSON values.

    Raises UpstreamFailed when the bytes are not JSON, or `build` finds that they are not `kind`,
    for example "a chat completion".
    """
    try:
        return build(bounded.decode(body, limit))
    except TooManyValues as error:
        raise UpstreamFailed(f"The model's answer holds {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UpstreamFailed("The model's answer is not JSON.") from error
    except MALFORMED as error:
        raise UpstreamFailed(f"The model's answer is not {kind}.") from error


def parse_error(body: bytes) -> Json:
    """The object in the body of a non-2xx answer; {} when there is none. Never raises."""
    try:
        tree = bounded.decode(body)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def optional_text(value: object) -> str | None:
    """A text of an error body; None for anything else."""
    return value if isinstance(value, str) else None


def parse_frame(data: str | bytes, build: Callable[[Json], T]) -> T:
    """What `build` makes of one frame of a stream. Raises UpstreamFailed when it is malformed."""
    try:
        return build(bounded.decode(data))
    except MALFORMED as error:
        raise UpstreamFailed("The model sent a frame that is not in its dialect.") from error


def parse_events(events: Iterable[Event], build: Callable[[Json], Iterable[Chunk]]) -> list[Chunk]:
    """The chunks of a stream's events, the closing `[DONE]` left out. Raises UpstreamFailed."""
    return [
        chunk for event in events if event.data != DONE for chunk in parse_frame(event.data, build)
    ]
