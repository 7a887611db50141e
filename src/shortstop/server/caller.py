"""What a request's headers say of its caller: conversation, task, betas."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from ipaddress import ip_address

from msgspec.structs import replace

from shortstop.dialects import description_of
from shortstop.errors import InvalidRequest
from shortstop.server.body import Headers
from shortstop.types import UNNAMED, CacheUse, Caller, Party, Request, RunLimits

MAX_HEADER = 128
"""Characters of a header that are read."""
MAX_FORWARDED = 512
"""Characters of a header that is passed on."""
MAX_BETAS = 32
MAX_STATE = 512
"""Characters of a `tracestate`, as many as W3C asks to pass on."""
LONG = 1 << 17
"""Characters of a first message from which its middle says nothing about whose dialogue it is."""
CAPS = tuple(f"x-shortstop-run-max-{what}" for what in ("usd", "steps", "seconds"))
_CAPS = frozenset(name.encode() for name in CAPS)
UNCAPPED = RunLimits()
_RUN = re.compile(rf"[!-~]{{1,{MAX_HEADER}}}")
_WORD = r"\d{0,3}[a-z]{1,24}\d{0,2}"
_BETA = re.compile(rf"{_WORD}(?:-{_WORD}){{0,7}}-20\d\d-?\d\d-?\d\d")
"""A name and a date. Anything else is not passed on: privacy reads bodies, not headers."""


def caller_of(caller: Caller, headers: Headers, request: Request) -> Caller:
    """`caller` with the conversation, task and run of one request. Raises InvalidRequest.

    Without `x-shortstop-conversation` a dialogue is identified by its first messages.
    """
    return replace(
        caller,
        conversation=conversation_in(headers) or _opening(request),
        task=_header(headers, b"x-shortstop-task"),
        run=_run(headers),
        user=_header(headers, b"x-shortstop-user") or _user(request),
        tag=_header(headers, b"x-shortstop-tag") or _tag(request),
        run_caps=_run_caps(headers),
        cache=_cache(headers),
        traceparent=_header(headers, b"traceparent"),
        tracestate=_header(headers, b"tracestate", MAX_STATE),
    )


def _user(request: Request) -> str | None:
    """The end user, as the body names it."""
    named = request.user or request.metadata.get("user_id")
    return named[:MAX_HEADER] if isinstance(named, str) and named else None


def _tag(request: Request) -> str | None:
    """The body's own tag, or the first of several."""
    told = request.metadata.get("tag") or request.metadata.get("tags")
    first = told[0] if isinstance(told, list) and told else told
    return first.partition(",")[0].strip()[:MAX_HEADER] or None if isinstance(first, str) else None


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


def with_headers(request: Request, headers: Headers, names: Iterable[bytes]) -> Request:
    """`request` with those of the client's headers that the operator lets vendors be told. What is
    long or not printable ASCII is left out."""
    told = {}
    for name in names:
        value = headers.get(name, b"").decode("latin-1").strip()
        if value and value.isascii() and value.isprintable() and len(value) <= MAX_FORWARDED:
            told[name.decode()] = value
    return replace(request, headers=told) if told else request


def _header(headers: Headers, name: bytes, most: int = MAX_HEADER) -> str | None:
    value = headers.get(name)
    return value.decode("latin-1").strip()[:most] or None if value else None


def _run(headers: Headers) -> str | None:
    """The run that the client names."""
    name = headers.get(b"x-shortstop-run", b"").decode("latin-1").strip()
    if name and not _RUN.fullmatch(name):
        raise InvalidRequest(
            f"A run's name has 1 to {MAX_HEADER} visible ASCII characters, and no spaces.",
            hint="Send a UUID or a number of your own in x-shortstop-run.",
            param="x-shortstop-run",
        )
    return name or None


def _cache(headers: Headers) -> CacheUse:
    """Whether an answer that was given before will do."""
    said = headers.get(b"x-shortstop-cache")
    if said is None:
        return ""
    if said == b"use":
        return "use"
    if said == b"bypass":
        return "bypass"
    raise InvalidRequest(
        "The header x-shortstop-cache is `use` or `bypass`.", param="x-shortstop-cache"
    )


def _run_caps(headers: Headers) -> RunLimits:
    if _CAPS.isdisjoint(headers):
        return UNCAPPED
    usd, steps, seconds = [_limit(headers, name) for name in CAPS]
    return RunLimits(usd, None if steps is None else int(steps), seconds)


def _limit(headers: Headers, name: str) -> float | None:
    value = headers.get(name.encode())
    if value is None:
        return None
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not (math.isfinite(limit) and limit > 0):
        raise InvalidRequest(f"The header {name} is no number above 0.", param=name)
    return limit


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
