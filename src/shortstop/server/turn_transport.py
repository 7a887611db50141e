"""A transport on which what is written in one turn of the event loop leaves in one piece."""

from __future__ import annotations

import asyncio
from typing import Any

MOST = 1 << 16
"""Bytes that wait for the end of a turn; more leave at once."""


class TurnTransport(asyncio.Transport):
    """`transport`, which a head and its body, or a burst of a stream's events, need only once: a
    system call costs more than an event. Nothing waits longer than until the turn ends."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= MOST:
            self.flush()
        elif len(self._waiting) == 1:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + self._size

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        self._waiting.clear()
        self._size = 0
        self._transport.abort()

    # ------------------------------------------------------------ passed on

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
