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
"""The task of requests without a template: free chat."""

_VARYING = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}|\d+|\"[^\"\n]{0,80}\"", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"[^\w.:/-]+")
MAX_TEMPLATE_CHARS = 4000
MAX_NAME_CHARS = 64


def task_of(request: Request, caller: Caller) -> str:
    """The caller's own name for the task if there is one, else the template's id, else `open`."""
    if caller.task:
        return _NAME.sub("-", caller.task)[:MAX_NAME_CHARS]
    return template(request)


def system_prompt(request: Request) -> str:
    return "\n".join([m.text for m in request.messages if m.role in ("system", "developer")])


def template(request: Request) -> str:
    """`t-` and a hash of the template; `open` for a request that has none."""
    system = system_prompt(request)[:MAX_TEMPLATE_CHARS]
    if request.tools or request.format.schema:
        tools = sorted(tool.name for tool in request.tools)
        shape: list[object] = [request.format.kind, request.format.schema]
        return _id(system, tools, shape)
    return _prompt_id(system, request.format.kind) if system else OPEN


@lru_cache(maxsize=256)
def _prompt_id(system: str, kind: str) -> str:
    """Cached: a program sends the same system prompt again and again."""
    return _id(system, [], [kind, {}])


def _id(system: str, tools: list[str], shape: list[object]) -> str:
    constant = _SPACE.sub(" ", _VARYING.sub("#", system)).strip().lower()
    whole = msgspec.json.encode([constant, tools, shape], order="deterministic")
    return "t-" + blake2b(whole, digest_size=5).hexdigest()
