"""Server-sent events (WHATWG HTML, section 9.2): bytes in any chunking <-> events."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from shortstop.errors import UpstreamFailed

PING = b": ping\n\n"
"""A comment, which clients skip."""
DONE = "[DONE]"
"""The data of OpenAI's closing event, which is not JSON."""
ENDS = frozenset([DONE, f'"{DONE}"'])
"""The same, as proxies write it."""
MAX_EVENT = 16_000_000
"""Bytes of one event: an image in base64 is the largest that is known."""
LINE = 40
"""Bytes of memory that a line takes beside what is in it."""
_OPENINGS = (b"{", b"[")
MAX_EVENTS = 500_000
"""Events of one stream, some for each token."""


class Event(NamedTuple):
    data: str
    name: str = ""


class EventParser:
    """Incremental: feed it bytes as they arrive, get the events that are complete.

    Lines may end in LF, CRLF or CR; comments and a leading byte order mark are skipped; several
    data lines are joined by a newline. A character may be split between two feeds. Beyond the
    standard, as servers write it: a bare line of JSON is data, and a field named `error` is the
    data of an event of that name. No blank line is needed between two objects.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._count = 0
        self._held = 0
        self._data: list[bytes] = []
        self._name = b""
        self._skip_lf = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Raises UpstreamFailed beyond `MAX_EVENT` and `MAX_EVENTS`."""
        if self._skip_lf and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        if b"\r" in chunk:
            self._skip_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._size += len(chunk)
        self._rest.append(chunk)
        events = self._events() if b"\n" in chunk else []
        if self._size > MAX_EVENT:
            self._rest, self._data = [], []  # whoever keeps the error must not keep them
            raise UpstreamFailed(f"The model sent an event of more than {MAX_EVENT / 1e6:g} MB.")
        return events

    def close(self) -> list[Event]:
        """The event that no blank line ended: the bytes end here. Raises as `feed` does."""
        return self.feed(b"\n\n")

    def _events(self) -> list[Event]:
        """The events that the lines now complete end."""
        *lines, rest = b"".join(self._rest).split(b"\n")
        if not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
        self._rest = [rest]
        events = []
        for line in lines:
            event = self._line(line)
            if event is not None:
                events.append(event)
        self._size = len(rest) + self._held
        self._count += len(events)
        if self._count > MAX_EVENTS:
            raise UpstreamFailed(f"The model sent more than {MAX_EVENTS} events.")
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch() if self._data or self._name else None
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            begins = self._data and value.startswith(_OPENINGS) and self._whole
            before = self._dispatch() if begins else None
            self._data.append(value)
            self._held += len(value) + LINE
            return before
        elif field == b"event":
            before = self._dispatch() if self._name and self._whole else None
            self._name = value
            return before
        elif field == b"error":
            self._name = field
            self._data.append(value)
        elif line[:1] == b"{":
            self._data.append(line)
        return None

    @property
    def _whole(self) -> bool:
        """Whether the data may be a whole object: behind its end JSON opens nothing unless a comma
        stands between."""
        return bool(self._data) and self._data[-1].endswith(b"}")

    def _dispatch(self) -> Event | None:
        data, self._data, self._held = self._data, [], 0
        name, self._name = self._name, b""
        if not data:
            return None
        text = b"\n".join(data).decode("utf-8", "replace")
        return Event(text, name.decode("utf-8", "replace") if name else "")


def event(data: bytes, name: str | None = None) -> bytes:
    """One event. `data` must not contain a line break; encoded JSON never does."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"
