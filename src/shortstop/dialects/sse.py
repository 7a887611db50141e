"""Server-sent events (WHATWG HTML, section 9.2): bytes in any chunking <-> events."""

from __future__ import annotations

from dataclasses import dataclass

PING = b": ping\n\n"
"""A comment, which clients skip."""
DONE = "[DONE]"
"""The data of OpenAI's closing event, which is not JSON."""


@dataclass(frozen=True, slots=True)
class Event:
    data: str
    name: str = ""


class EventParser:
    """Incremental: feed it bytes as they arrive, get the events that are complete.

    Lines may end in LF, CRLF or CR; comments are skipped; several data lines are joined by a
    newline. A character may be split between two feeds.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._name = b""
        self._skip_lf = False

    def feed(self, chunk: bytes) -> list[Event]:
        if self._skip_lf and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        buffer = self._rest + chunk
        if b"\r" in buffer:
            self._skip_lf = buffer.endswith(b"\r")
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._rest = buffer.split(b"\n")
        events = []
        for line in lines:
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        return None

    def _dispatch(self) -> Event | None:
        data, self._data = self._data, []
        name, self._name = self._name, b""
        if not data:
            return None
        return Event(b"\n".join(data).decode("utf-8", "replace"), name.decode("utf-8", "replace"))


def event(data: bytes, name: str | None = None) -> bytes:
    """One event. `data` must not contain a line break; encoded JSON never does."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"
