"""Reads a request's body: plain or gzip, whole or chunked, never more than a limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request as HttpRequest
from starlette.types import Message, Receive

from shortstop.config import ServerConfig
from shortstop.errors import InvalidRequest, TooLarge, Unsupported
from shortstop.server.capacity import Share

Headers = dict[bytes, bytes]
STEP = 1 << 18
"""Bytes unpacked in one turn of the event loop, half a millisecond."""
GZIP = 31
"""zlib's `wbits` for gzip alone."""
WINDOW = 1 << 13
"""Packed bytes handed to zlib at once: it copies what it does not take, at the end of each member
and of each step."""
MAX_MEMBERS = 100
ANY_RATIO = 1 << 20
"""Bytes that a body may unpack to whatever its ratio: a short prompt may repeat itself."""


class Disconnected(Exception):
    """The client left before it had sent the whole body."""


async def read_request(request: HttpRequest, server: ServerConfig, share: Share) -> bytes:
    """The unpacked body of a Starlette request. Raises as `read_body`, but for Disconnected."""
    try:
        return await read_body(dict(request.headers.raw), request.receive, server, share)
    except Disconnected:
        raise InvalidRequest("The client disconnected before the body was complete.") from None


async def read_body(
    headers: Headers, receive: Receive, server: ServerConfig, share: Share
) -> bytes:
    """The unpacked body, of at most `max_body_mb` before and after unpacking; `share` holds it.

    Raises TooLarge, Unsupported, InvalidRequest, Disconnected, and RateLimited or Overloaded where
    too much is held already.
    """
    limit = int(server.max_body_mb * 1_000_000)
    declared = headers.get(b"content-length", b"0")
    announced = int(declared) if declared.isdigit() and len(declared) < 19 else 0
    if announced > limit or len(declared) >= 19:
        raise _too_large(limit)
    encoding = headers.get(b"content-encoding", b"identity").lower()
    if encoding == b"identity":
        return await _receive(receive, limit, share, announced)
    if encoding != b"gzip":
        raise Unsupported(
            f"The content encoding {encoding[:100].decode('latin-1')!r} is not supported.",
            hint="Send the body as it is, or compressed once with gzip.",
        )
    return await _Unpacker(limit, server.limits.gzip_ratio, share).read(_pieces(receive, limit))


async def _receive(receive: Receive, limit: int, share: Share, announced: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        share.take(len(body))
        return body
    # All that is announced: of large bodies that come at once, one is to be complete.
    share.take(announced)
    parts: list[bytes] = []
    async for piece in _pieces(receive, limit, message):
        share.grow(len(piece))
        parts.append(piece)
    return b"".join(parts)


async def _pieces(
    receive: Receive, limit: int, first: Message | None = None
) -> AsyncIterator[bytes]:
    """What arrives, `limit` bytes in all. Raises TooLarge or Disconnected."""
    message, size = first or await receive(), 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if piece:
            yield piece
        if not message.get("more_body"):
            return
        message = await receive()


class _Unpacker:
    """Unpacks gzip as it arrives (RFC 1952: members may follow one another)."""

    def __init__(self, limit: int, ratio: float, share: Share) -> None:
        self._limit = limit
        self._ratio = ratio
        self._share = share
        self._packed = 0
        self._size = 0
        self._parts: list[bytes] = []
        self._member = zlib.decompressobj(wbits=GZIP)
        self._members = 1

    async def read(self, pieces: AsyncIterator[bytes]) -> bytes:
        """Raises InvalidRequest, TooLarge, and what `pieces` and the share raise."""
        async for piece in pieces:
            self._packed += len(piece)
            for start in range(0, len(piece), WINDOW):
                rest = piece[start : start + WINDOW]
                while rest:
                    if self._member.eof:
                        self._next_member()
                    rest = await self._unpack(rest)
        if not self._member.eof:
            raise InvalidRequest("The gzip body is truncated.")
        return b"".join(self._parts)

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise InvalidRequest(f"The gzip body has more than {MAX_MEMBERS} members.")
        self._member = zlib.decompressobj(wbits=GZIP)

    async def _unpack(self, packed: bytes) -> bytes:
        """Take one piece; returns what follows the end of the member."""
        while True:
            try:
                plain = self._member.decompress(packed, STEP)
            except zlib.error as error:
                raise InvalidRequest("The body is not valid gzip.") from error
            self._keep(plain)
            if self._member.eof:
                return self._member.unused_data
            packed = self._member.unconsumed_tail
            if len(plain) < STEP:
                return packed
            await asyncio.sleep(0)

    def _keep(self, plain: bytes) -> None:
        self._size += len(plain)
        if self._size > self._limit:
            raise _too_large(self._limit)
        if self._size > max(ANY_RATIO, self._packed * self._ratio):
            raise TooLarge(
                f"The gzip body unpacks to more than {self._ratio:g} times its size.",
                hint="Send it as it is, or raise `server.limits.gzip_ratio`.",
            )
        self._share.grow(len(plain))
        self._parts.append(plain)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit / 1e6:g} MB.",
        hint="Send less, or raise `server.max_body_mb`.",
    )
