"""What a specialist reads of a request."""

from __future__ import annotations

from msgspec import Struct

from shortstop.types import Request, Text, ToolCall, ToolResult

SYSTEM = ("system", "developer")


class Query(Struct, frozen=True):
    """The changing part of a request, whose constant part is its task.

    `text` is what the user wrote last; `before` the turns before it, oldest first, one a line.
    """

    text: str
    before: str = ""

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
    return Query(turns[-1].text, before)
