"""A vendor's JSON into our types, with one mapping of everything that can be wrong with it."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from shortstop import bounded
from shortstop.bounded import TooManyValues
from shortstop.dialects.failures import refuse_failure, told_failure
from shortstop.dialects.sse import ENDS, Event, EventParser
from shortstop.errors import UpstreamFailed
from shortstop.types import Chunk, Json

MALFORMED = (LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""What reading a tree raises that is not built as expected."""

BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may stand before the JSON of an answer: servers keep a connection alive with it."""
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[dD][89a-fA-F][\da-fA-F]{2}|\\."
)
"""A character as two halves, one half alone, or any other escape."""
_REPLACEMENT = "\\ufffd"
_LARGEST = sys.float_info.max
_LONGEST_INTEGER = 20
"""Digits, with a sign, of 64 bits."""

T = TypeVar("T")


def parse_answer(
    body: bytes, build: Callable[[Json], T], kind: str, limit: int = bounded.MAX_VALUES
) -> T:
    """What `build` makes of a whole answer of at most `limit` JSON values.

    Raises UpstreamFailed when the bytes are not JSON, or `build` finds that they are not `kind`,
    for example "a chat completion"; and the TargetError that is told in place of an answer.
    """
    try:
        tree = Halves().decoded(body.lstrip(BLANK), limit)
        refuse_failure(tree)
        return build(tree)
    except TooManyValues as error:
        raise UpstreamFailed(f"The model's answer holds {error}.") from error
    except (msgspec.DecodeError, json.JSONDecodeError) as error:
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


def parse_frame(
    data: str | bytes, build: Callable[[Json], T], decode: Callable[[Any], Any] = bounded.decode
) -> T:
    """What `build` makes of one frame of a stream. Raises UpstreamFailed when it is malformed."""
    try:
        return build(decode(data))
    except MALFORMED as error:
        raise UpstreamFailed("The model sent a frame that is not in its dialect.") from error


class Halves:
    """Decodes JSON as it should be, and as it is written: with raw line breaks in texts, bytes
    that are no characters, and with numbers that JSON does not have: NaN is null.

    A character beyond the basic plane may be written as two halves of which only one is there: the
    other one may come at the beginning of a later text. A half that never finds the other one is
    left out or replaced.
    """

    def __init__(self) -> None:
        self._high = ""

    def decoded(self, text: str | bytes, limit: int = bounded.MAX_VALUES) -> Any:
        """Raises as `bounded.decode` does."""
        try:
            return bounded.decode(text, limit)
        except (msgspec.DecodeError, UnicodeDecodeError):
            whole = text if isinstance(text, str) else text.decode("utf-8", "replace")
            return _LOOSE.decode(_ESCAPE.sub(self._mended, whole))

    def _mended(self, match: re.Match[str]) -> str:
        half, text = match[0], match.string
        if len(half) != 6 or half[1] != "u":
            return half
        if half[3] in "89abAB":
            self._high = half
            return "" if text[match.end()] == '"' else _REPLACEMENT
        high, self._high = self._high, ""
        return high + half if high and text[match.start() - 1] == '"' else _REPLACEMENT


def _number(text: str) -> float | None:
    """The nearest number that can be written again; None for what is none."""
    if len(text) <= _LONGEST_INTEGER and text.lstrip("-").isdecimal():
        return int(text)
    number = float(text)
    return None if math.isnan(number) else max(-_LARGEST, min(number, _LARGEST))


_LOOSE = json.JSONDecoder(
    parse_int=_number, parse_float=_number, parse_constant=_number, strict=False
)


class EventDecoder:
    """Reads an event stream, however servers write it. A dialect says what its frames mean."""

    def __init__(self) -> None:
        self._events = EventParser()
        self._halves = Halves()
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        """Raises TargetError on garbage, or on an error that is told."""
        return self._read(self._events.feed(data))

    def close(self) -> list[Chunk]:
        """What the end of the bytes tells. Raises UpstreamFailed where the answer has not ended."""
        chunks = self._read(self._events.close())
        chunks += self._ending()
        if not self.finished:
            raise UpstreamFailed("The upstream closed the stream before its end.")
        return chunks

    @property
    def finished(self) -> bool:
        """Whether the answer has ended: it may be closed at any time."""
        raise NotImplementedError

    def _chunks(self, frame: Json) -> Sequence[Chunk]:
        """What a frame means."""
        raise NotImplementedError

    def _known(self, data: str) -> Chunk | None:
        """What a frame means that need not be decoded."""
        return None

    def _learn(self, data: str, made: Sequence[Chunk]) -> None:
        """A frame that was decoded, and what it means."""

    def _ending(self) -> list[Chunk]:
        """What has been held back until the end."""
        return []

    def _read(self, events: Iterable[Event]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for event in events:
            data = event.data
            if not (event.name or self.done) and (known := self._known(data)) is not None:
                chunks.append(known)
            elif not self.done and data.strip() in ENDS:
                self.done = True
            elif event.name == "error":
                self._fail(data)
            elif not self.done and data.strip():
                made = parse_frame(data, self._understood, self._halves.decoded)
                self._learn(data, made)
                chunks += made
        return chunks

    def _understood(self, frame: Any) -> Sequence[Chunk]:
        if frame is None or isinstance(frame, str):
            return ()  # a sign of life
        refuse_failure(frame)
        return self._chunks(frame)

    def _fail(self, data: str) -> None:
        def fail(tree: Any) -> None:
            refuse_failure(tree)
            raise told_failure(tree if isinstance(tree, dict) else {})

        try:
            parse_frame(data, fail, self._halves.decoded)
        except UpstreamFailed as error:
            if error.__cause__ is None:
                raise
            raise told_failure({"message": data}) from error
