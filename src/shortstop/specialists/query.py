"""What a specialist reads of a request."""

from __future__ import annotations

import re
from datetime import date

from msgspec import Struct

from shortstop.specialists.tools.days import day
from shortstop.types import Request, Text, Tool, ToolCall, ToolResult

SYSTEM = ("system", "developer")
_TODAY = re.compile(
    r"\b(?:today|date|now|hoje|data)\b[^\d\n]{0,30}?"
    r"(\d{4}-\d{2}-\d{2}|\d{1,2} (?:de )?[^\W\d]{3,9},? (?:de )?\d{4}"
    r"|[^\W\d]{3,9} \d{1,2},? \d{4})",
    re.IGNORECASE,
)


class Query(Struct, frozen=True):
    """The changing part of a request, whose constant part is its task.

    `text` is what the user wrote last; `before` the turns before it, oldest first, one a line.
    `tools` are those that may be called; `must_call`: an answer in words is none. `today` is the
    day that the system prompt names as such.
    """

    text: str
    before: str = ""
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    today: date | None = None

    @property
    def whole(self) -> str:
        return f"{self.before}\n{self.text}" if self.before else self.text


def query_of(request: Request) -> Query | None:
    """None for a request that no specialist reads: it holds more than text, a tool's result, or
    nothing that a user wrote last."""
    turns = [message for message in request.messages if message.role not in SYSTEM]
    if not turns or turns[-1].role != "user":
        return None
    if any(not isinstance(part, Text | ToolCall | ToolResult) for m in turns for part in m.parts):
        return None
    if any(not isinstance(part, Text) for part in turns[-1].parts):
        return None
    before = "\n".join(f"{message.role}: {message.text}" for message in turns[:-1])
    return Query(
        turns[-1].text,
        before,
        _callable(request),
        request.tool_choice.mode == "required",
        _today(request),
    )


def _today(request: Request) -> date | None:
    for message in request.messages:
        found = _TODAY.search(message.text) if message.role in SYSTEM else None
        if found:
            return day(found.group(1), "dmy", None)
    return None


def _callable(request: Request) -> tuple[Tool, ...]:
    choice = request.tool_choice
    if choice.mode == "none":
        return ()
    return tuple(tool for tool in request.tools if not choice.names or tool.name in choice.names)
