"""Reads a request's body: plain or gzip, whole or chunked, never more than a limit."""

from __future__ import annotations

import zlib

from starlette.requests import Request as HttpRequest
from starlette.types import Receive

from shortstop.errors import InvalidRequest, TooLarge, Unsupported

Headers = dict[bytes, bytes]


class Disconnected(Exception):
    """The client left before it had sent the whole body."""


async def read_request(request: HttpRequest, max_mb: float) -> bytes:
    """The unpacked body of a Starlette request. Raises InvalidRequest, TooLarge or Unsupported."""
    try:
        return await read_body(dict(request.headers.raw), request.receive, int(max_mb * 1_000_000))
    except Disconnected:
        raise InvalidRequest("The client disconnected before the body was complete.") from None


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The unpacked body, of at most `limit` bytes before and after unpacking.

    Raises TooLarge, Unsupported, InvalidRequest or Disconnected.
    """
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    encoding = headers.get(b"content-encoding", b"identity").lower()
    if encoding not in (b"identity", b"gzip"):
        raise Unsupported(
            f"The content encoding {encoding.decode('latin-1')!r} is not supported.",
            hint="Send the body as it is, or compressed with gzip.",
        )
    body = await _receive(receive, limit)
    return body if encoding == b"identity" else _gunzip(body, limit)


async def _receive(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _gunzip(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidRequest("The body is not valid gzip.") from error
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        raise InvalidRequest("The gzip body is truncated.")
    return plain


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit / 1e6:g} MB.",
        hint="Send less, or raise `server.max_body_mb`.",
    )
