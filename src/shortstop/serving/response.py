"""What came back over HTTP: whole, or in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from shortstop.dialects.parsing import BLANK
from shortstop.errors import UpstreamFailed, UpstreamTimeout
from shortstop.ports import Dialect, StreamDecoder
from shortstop.serving.gather import Gathering
from shortstop.types import Reply, Request

MAX_ERROR = 1_000_000
"""Bytes of an error's body that are read."""
AFTERWORD_SECONDS = 0.5
"""For how long a stream that has its finish reason is read on: usage may follow it."""
LONGEST_WAIT = 86_400.0
"""Seconds: who asks for more has made a mistake."""
_EVENTS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How a stream of events begins."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole response; `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        return is_good(self.status)

    @property
    def retry_after(self) -> float | None:
        """Seconds, or None where the server names none."""
        return retry_after(self.headers)


@dataclass(frozen=True, slots=True)
class HttpStream:
    """A response whose body arrives in pieces; `headers` by lower-case name.

    Reading raises UpstreamFailed or UpstreamTimeout.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    @property
    def good(self) -> bool:
        return is_good(self.status)

    async def error_body(self) -> bytes:
        """The beginning of the body, of at most `MAX_ERROR` bytes and a piece."""
        parts, size = [], 0
        async for data in self.chunks:
            parts.append(data)
            size += len(data)
            if size > MAX_ERROR:
                break
        return b"".join(parts)


async def read_to_the_end(
    pieces: AsyncIterator[bytes], decoder: StreamDecoder
) -> AsyncGenerator[bytes, None]:
    """The pieces of a stream until it says that it is complete. Of one that has its finish reason
    only what follows within `AFTERWORD_SECONDS`, and a connection that breaks then is its end."""
    while not decoder.done:
        if not decoder.finished:
            data = await anext(pieces, b"")
        else:
            try:
                async with asyncio.timeout(AFTERWORD_SECONDS):
                    data = await anext(pieces, b"")
            except (TimeoutError, UpstreamFailed, UpstreamTimeout):
                return
        if not data:
            return
        yield data


def whole_reply(dialect: Dialect, body: bytes, request: Request, salt: object = "") -> Reply:
    """The answer that `body` is: as JSON, or as events of a server that streams whether it was
    asked to or not. Raises TargetError."""
    if not body.lstrip(BLANK)[:9].startswith(_EVENTS):
        return dialect.decode_reply(body, salt)
    decoder, gathering = dialect.stream_decoder(salt), Gathering()
    for chunk in (*decoder.feed(body), *decoder.close()):
        gathering.add(chunk)
    if not gathering.finished:
        raise UpstreamFailed("The model's answer ends before its end.")
    return gathering.reply(request.id, request.model)


def is_good(status: int) -> bool:
    """Whether there should be an answer: 201 is what some frameworks say to every POST."""
    return 200 <= status < 300


def retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After-Ms` or `Retry-After` in seconds, a date by the server's own clock; None for
    anything else."""
    for read in (_milliseconds, _seconds, _until):
        try:
            seconds = read(headers)
        except (LookupError, TypeError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, LONGEST_WAIT)
    return None


def _milliseconds(headers: Mapping[str, str]) -> float:
    return float(headers["retry-after-ms"]) / 1000


def _seconds(headers: Mapping[str, str]) -> float:
    return float(headers["retry-after"])


def _until(headers: Mapping[str, str]) -> float:
    then, now = (parsedate_to_datetime(headers[name]) for name in ("retry-after", "date"))
    return (then - now).total_seconds()
