"""Blocks of which only their vendor knows what they are, said in words.

A search result, a tool that ran at the vendor, a summary: their strings can be read, so another
model can be told them. Ciphers, files and references cannot: without them the question would be
another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.errors import UpstreamRejected
from shortstop.types import Json, Message, Opaque, Part, Request, Text, ToolResult

_UNSAID = re.compile(
    r"type|id|.*_id|status|role|media_type|mime_type|index|.*_index|score|signature|encrypted_.*"
    r"|cache_control|citations|environment|env|caller"
)
"""Fields that are no part of what a block tells."""
_BARE = frozenset(["text", "content", "data", "output", "logs", "stdout", "body", "summary"])
"""Fields whose text needs no name before it."""
_UNREADABLE = re.compile(r"(?:image|video|audio|file)(?:_url|_data)|b64_json|file_ids?")
"""Fields that hold what no text can say."""
WITHOUT_WORDS = frozenset(
    ["image_generation_call", "item_reference", "container_upload", "tokens", "computer_call"]
)
"""Kinds of blocks that are references, files or pictures."""


class Unsayable(Exception):
    """What a block holds cannot be put in words."""


def said(part: Opaque) -> str:
    """What a block tells, as text. Raises Unsayable."""
    if part.kind in WITHOUT_WORDS:
        raise Unsayable
    lines = list(_lines(part.raw))
    if not lines:
        raise Unsayable
    head = [] if part.kind == "document" else [f"[{part.kind}]"]
    return "\n".join([*head, *lines])


def is_sayable(part: Opaque) -> bool:
    """Whether a block can be said in words."""
    try:
        return bool(said(part))
    except Unsayable:
        return False


def in_words(request: Request) -> Request:
    """The request, its vendor's blocks said in words. Raises UpstreamRejected where one cannot."""
    if not any(map(_holds_opaque, request.messages)):
        return request
    messages = [
        replace(m, parts=tuple(map(_told, m.parts))) if _holds_opaque(m) else m
        for m in request.messages
    ]
    return replace(request, messages=tuple(messages))


def opaque_parts(request: Request) -> Iterator[Opaque]:
    """Every block that only its vendor knows, those in results of tools as well."""
    for message in request.messages:
        for part in message.parts:
            inner = part.parts if isinstance(part, ToolResult) else (part,)
            yield from (p for p in inner if isinstance(p, Opaque))


def _holds_opaque(message: Message) -> bool:
    return any(
        isinstance(p, Opaque)
        or (isinstance(p, ToolResult) and any(isinstance(q, Opaque) for q in p.parts))
        for p in message.parts
    )


def _told(part: Part) -> Any:
    if isinstance(part, ToolResult):
        return replace(part, parts=tuple(map(_told, part.parts)))
    if not isinstance(part, Opaque):
        return part
    try:
        return Text(said(part))
    except Unsayable:
        raise UpstreamRejected(
            f"This target cannot be told what a part of type '{part.kind}' holds.",
            hint="Leave it out, or name a model of the vendor that made it.",
            param="messages",
            code="unsupported_content",
        ) from None


def _lines(value: Any, name: str = "") -> Iterator[str]:
    """Every readable text with the name of its field. Raises Unsayable."""
    if isinstance(value, dict):
        for key, inner in _fields(value):
            yield from _lines(inner, key)
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield _line(" ".join(value), name)
    elif isinstance(value, list):
        for item in value:
            yield from _lines(item, name)
    elif isinstance(value, str):
        if value.startswith("data:"):
            raise Unsayable
        if value.strip():
            yield _line(value, name)
    elif value is not None and not isinstance(value, bool):
        yield _line(msgspec.json.encode(value).decode(), name)


def _fields(block: Json) -> Iterator[tuple[str, Any]]:
    """The fields that tell something. Raises Unsayable for a file or a picture."""
    if block.get("type") in ("base64", "image", "file"):
        raise Unsayable
    for key, inner in block.items():
        if _UNREADABLE.fullmatch(key) and inner:
            raise Unsayable
        if not _UNSAID.fullmatch(key):
            yield key, inner


def _line(text: str, name: str) -> str:
    return text if not name or name in _BARE else f"{name}: {text}"
