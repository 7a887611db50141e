"""Reading a request's body: bounded, plain or gzip, whole or chunked."""

from __future__ import annotations

import zlib

from starlette.types import Receive

from shortstop.errors import InvalidRequest, TooLarge, Unsupported

Headers = dict[bytes, bytes]


class Disconnected(Exception):
    """The client left while it was still sending."""


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The body, unpacked. Raises TooLarge, Unsupported, InvalidRequest, Disconnected."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    encoding = headers.get(b"content-encoding", b"identity").lower()
    if encoding not in (b"identity", b"gzip"):
        raise Unsupported(
            f"The content encoding {encoding.decode('latin-1')!r} is not supported.",
            hint="Send the body plain or with gzip.",
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
        raise InvalidRequest("The body says it is gzip but cannot be unpacked.") from error
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof:
        raise InvalidRequest("The gzip body ends too early.")
    return plain


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {limit / 1e6:g} MB.",
        hint="Send less, or raise server.max_body_mb.",
    )
