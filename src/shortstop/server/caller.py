"""Who asks, read off the headers."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from shortstop.server.body import Headers
from shortstop.types import Caller, Request

LONGEST = 128


def secret_of(headers: Headers) -> str | None:
    """The API key: `Authorization: Bearer`, or the header of Anthropic's or Azure's SDK."""
    said = headers.get(b"authorization", b"").decode("latin-1")
    if said[:7].lower() == "bearer ":
        return said[7:].strip()
    for name in (b"x-api-key", b"api-key"):
        if name in headers:
            return headers[name].decode("latin-1").strip()
    return None


def caller_of(known: Caller, headers: Headers, request: Request) -> Caller:
    """`known` with what the request says of itself; without `x-shortstop-conversation` a dialogue
    is known by how it began."""
    return replace(
        known,
        conversation=_header(headers, b"x-shortstop-conversation") or _beginning(request),
        task=_header(headers, b"x-shortstop-task"),
    )


def _header(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name, b"").decode("latin-1").strip()[:LONGEST]
    return value or None


def _beginning(request: Request) -> str:
    """Digest of everything up to and including the first user message."""
    state = hashlib.blake2b(digest_size=12)
    for message in request.messages:
        state.update(message.role.encode() + b"\0" + message.text.encode("utf-8", "replace"))
        if message.role == "user":
            break
    return state.hexdigest()
