"""Who asks, read off the headers."""

from __future__ import annotations

import hashlib

from shortstop.server.body import Headers
from shortstop.types import Caller, Request

LONGEST = 128


def caller_of(headers: Headers, request: Request) -> Caller:
    """The caller; without `x-shortstop-conversation` a dialogue is known by how it began."""
    return Caller(
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
