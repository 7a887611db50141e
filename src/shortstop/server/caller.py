"""Who asks, read off the headers."""

from __future__ import annotations

import hashlib
import re

from msgspec.structs import replace

from shortstop.server.body import Headers
from shortstop.types import UNNAMED, Caller, Request

LONGEST = 128
_WORD = r"\d{0,3}[a-z]{1,24}\d{0,2}"
_BETA = re.compile(rf"{_WORD}(?:-{_WORD}){{0,7}}-20\d\d-?\d\d-?\d\d")
"""A name and a day. What has another shape stays here: privacy reads bodies, not headers."""


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
        conversation=conversation_in(headers) or _beginning(request),
        task=_header(headers, b"x-shortstop-task"),
    )


def conversation_in(headers: Headers) -> str | None:
    """The conversation that the client names."""
    said = _header(headers, b"x-shortstop-conversation")
    return None if said is None else known_as(said)


def known_as(conversation: str) -> str:
    """What a conversation is called in files and memory: clients name them after people, too."""
    said = conversation.encode("utf-8", "replace")
    return hashlib.blake2b(said, digest_size=12, person=b"conversation").hexdigest()


def with_betas(request: Request, headers: Headers) -> Request:
    """`request` with the betas that its client asks for."""
    if b"anthropic-beta" not in headers:
        return request
    said = headers[b"anthropic-beta"].decode("latin-1").split(",")
    names = dict.fromkeys(name.strip() for name in said)
    return replace(request, betas=tuple([n for n in names if _BETA.fullmatch(n)][:32]))


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
    return UNNAMED + state.hexdigest()
