"""What privacy must know of request bodies, in whatever dialect they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from shortstop.types import Json, Request, WireWords

Rebuild = Callable[[Request, Json], Request]
"""Decodes a rewritten body in the request's own dialect."""


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """How bodies are written: how to decode a rewritten one, and the words of all dialects."""

    rebuild: Rebuild
    words: WireWords


def readable_body(request: Request) -> Json:
    """The client's own body; for a request that has none, its decoded parts."""
    if request.body:
        return request.body
    fields: Json = msgspec.to_builtins(request)
    return {k: v for k, v in fields.items() if k not in ("id", "dialect", "body")}


def holds_tokens(body: Json, words: WireWords) -> bool:
    """Whether some of its text stands as numbers, which only their own model can read."""
    return any(_numbers(body[name]) for name in words.tokens & body.keys())


def _numbers(value: object) -> bool:
    return isinstance(value, list) and any(
        (isinstance(item, int) and not isinstance(item, bool)) or _numbers(item) for item in value
    )
