"""Which task a request belongs to: declared by the caller, or recognised by its template.

A template is what stays the same from request to request: system prompt, tools, promised shape.
Numbers and quoted values in a system prompt vary (dates, names), so they are left out. The id is
a hash of the template, so the same program has the same task on every machine and after a restart.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

import msgspec

from shortstop.types import Caller, Request

OPEN = "open"
"""The task of requests that carry no template: free chat."""

_VARYING = re.compile(r"\d+|\"[^\"\n]{0,80}\"|[0-9a-f]{8}-[0-9a-f-]{27}", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"[^\w.:/-]+")
TEMPLATE_CHARS = 4000
NAME_CHARS = 64


def task_of(request: Request, caller: Caller) -> str:
    """The declared hint if there is one, else the template's id, else `open`."""
    if caller.task:
        return _NAME.sub("-", caller.task)[:NAME_CHARS]
    return template(request)


def template(request: Request) -> str:
    system = "\n".join([m.text for m in request.messages if m.role in ("system", "developer")])
    if request.tools or request.format.schema:
        tools = sorted(tool.name for tool in request.tools)
        shape: list[object] = [request.format.kind, request.format.schema]
        return _id(system[:TEMPLATE_CHARS], tools, shape)
    return _worded(system[:TEMPLATE_CHARS], request.format.kind) if system else OPEN


@lru_cache(maxsize=256)
def _worded(system: str, kind: str) -> str:
    """A program sends the same system prompt again and again."""
    return _id(system, [], [kind, {}])


def _id(system: str, tools: list[str], shape: list[object]) -> str:
    said = _SPACE.sub(" ", _VARYING.sub("#", system)).strip().lower()
    whole = msgspec.json.encode([said, tools, shape], order="deterministic")
    return "t-" + blake2b(whole, digest_size=5).hexdigest()
