"""Breakpoints of Anthropic's prompt cache, for clients of dialects that know none.

Vendors of other dialects cache by themselves; this one caches up to where it is told. Marked are
what all requests of an agent begin with (tools, system) and, once there is a dialogue, its last
turn: the next request begins with all of it. A request that stands alone is not marked beyond its
system text, for what is written and never read costs a quarter more.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from shortstop.types import Json

MARK = "cache_control"
EPHEMERAL = {"type": "ephemeral"}
LEAST_CHARACTERS = 3_000
"""Below some 1,000 tokens the vendor caches nothing."""


def with_breakpoints(body: Json, scope: str) -> Json:
    """`body` with breakpoints, or as it is where the client has set its own or where it is short.

    A `scope` keeps hits apart: what is cached begins with its digest, so that nobody else's
    requests begin alike. "" is everybody's.
    """
    system, tools, messages = _blocks(body.get("system")), body.get("tools"), body["messages"]
    if _is_marked(system, tools, messages) or _size(body) < LEAST_CHARACTERS:
        return body
    marked = dict(body)
    if scope:
        # Tools stand before it, so they are not marked alone: a hit on them would be everybody's.
        digest = blake2b(scope.encode(), digest_size=8, person=b"prompt cache").hexdigest()
        system = [{"type": "text", "text": f"[{digest}]"}, *system]
    elif tools:
        marked["tools"] = [*tools[:-1], _marked(tools[-1])]
    if system:
        marked["system"] = [*system[:-1], _marked(system[-1])]
    if len(messages) > 1:
        marked["messages"] = [*messages[:-1], _with_marked_end(messages[-1])]
    return marked


def _blocks(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content or ())


def _with_marked_end(message: Json) -> Json:
    """A message whose last block is marked, if that may be: thinking cannot."""
    blocks = _blocks(message["content"])
    if not blocks or "thinking" in blocks[-1]["type"]:
        return message
    return {**message, "content": [*blocks[:-1], _marked(blocks[-1])]}


def _marked(block: Json) -> Json:
    return {**block, MARK: EPHEMERAL}


def _is_marked(system: list[Json], tools: list[Json] | None, messages: list[Json]) -> bool:
    blocks = [*system, *(tools or ())]
    for message in messages:
        content = message["content"]
        blocks += content if isinstance(content, list) else ()
    return any(MARK in block for block in blocks)


def _size(body: Json) -> int:
    """About how many characters the prompt has, counted no further than is asked."""
    size = 0
    pending: list[Any] = [body.get("system"), body.get("tools"), body["messages"]]
    while pending and size < LEAST_CHARACTERS:
        value = pending.pop()
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return size
