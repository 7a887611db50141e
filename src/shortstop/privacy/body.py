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
