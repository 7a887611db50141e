"""Calls of tools as answers: what a teacher called, and what a specialist would call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shortstop.types import Choice, ToolCall


class Invocation(Struct, frozen=True):
    """A call without an id. `arguments` is the JSON text of an object."""

    name: str
    arguments: str


def called(choice: Choice) -> tuple[Invocation, ...]:
    """The calls of an answer, in order."""
    calls = (part for part in choice.parts if isinstance(part, ToolCall))
    return tuple([Invocation(call.name, call.arguments) for call in calls])


def spelled(calls: Sequence[Invocation]) -> str:
    """One spelling for calls that mean the same, whatever the order of their arguments: graders
    compare it as they compare answers in words. Arguments that are no JSON stay as they are."""
    return msgspec.json.encode([[c.name, _plain(c.arguments)] for c in calls]).decode()


def _plain(arguments: str) -> Any:
    try:
        return _sorted(msgspec.json.decode(arguments or "{}"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return arguments


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
