"""What a request's headers say of its caller: conversation, task, betas."""

from __future__ import annotations

import hashlib
import re
from ipaddress import ip_address

from msgspec.structs import replace

from shortstop.dialects import description_of
from shortstop.server.body import Headers
from shortstop.types import UNNAMED, Caller, Party, Request

MAX_HEADER = 128
"""Characters of a header that are read."""
MAX_BETAS = 32
LONG = 1 << 17
"""Characters of a first message from which its middle says nothing about whose dialogue it is."""
_WORD = r"\d{0,3}[a-z]{1,24}\d{0,2}"
_BETA = re.compile(rf"{_WORD}(?:-{_WORD}){{0,7}}-20\d\d-?\d\d-?\d\d")
"""A name and a date. Anything else is not passed on: privacy reads bodies, not headers."""


def caller_of(caller: Caller, headers: Headers, request: Request) -> Caller:
    """`caller` with the conversation and task of one request.

    Without `x-shortstop-conversation` a dialogue is identified by its first messages.
    """
    return replace(
        caller,
        conversation=conversation_in(headers) or _opening(request),
        task=_header(headers, b"x-shortstop-task"),
    )


def party_of(caller: Caller, client: tuple[str, int] | None) -> Party:
    """With whom the caller shares its turns: its tenant and key; without a key its address, of
    which half is its own choice where it is IPv6. `client` is None for a socket without one."""
    if caller.key is not None:
        return Party(caller.tenant, caller.key)
    address = client[0] if client else ""
    if ":" in address:
        address = ":".join(ip_address(address.partition("%")[0]).exploded.split(":")[:4])
    return Party(f"@{address}")


def conversation_in(headers: Headers) -> str | None:
    """The conversation that the client names."""
    name = _header(headers, b"x-shortstop-conversation")
    return None if name is None else conversation_id(name)


def conversation_id(name: str) -> str:
    """The digest by which files and memory know a conversation; its name may be a person's."""
    data = name.encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=12, person=b"conversation").hexdigest()


def with_betas(request: Request, headers: Headers) -> Request:
    """`request` with the betas in the header that its dialect has for them, without repetitions."""
    header = description_of(request.dialect).betas
    value = headers.get(header.encode()) if header else None
    if value is None:
        return request
    names = dict.fromkeys(name.strip() for name in value.decode("latin-1").split(","))
    betas = [name for name in names if _BETA.fullmatch(name)]
    return replace(request, betas=tuple(betas[:MAX_BETAS]))


def _header(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name, b"").decode("latin-1").strip()[:MAX_HEADER]
    return value or None


def _abridged(text: str) -> bytes:
    """A text as it is or, of a very long one, its length and both ends, which tell it apart: this
    is done for every request of the dialogue."""
    if len(text) > LONG:
        text = f"{len(text)}\0{text[: LONG // 2]}{text[-LONG // 2 :]}"
    return text.encode("utf-8", "replace")


def _opening(request: Request) -> str:
    """Digest of everything up to and including the first user message."""
    state = hashlib.blake2b(digest_size=12)
    for message in request.messages:
        state.update(message.role.encode() + b"\0" + _abridged(message.text))
        if message.role == "user":
            break
    return UNNAMED + state.hexdigest()
