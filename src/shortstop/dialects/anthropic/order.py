"""Frames of a Messages stream in the order that Anthropic documents, however a server sends them.

Blocks come one after the other, each with its start and its stop and the next index. What belongs
to a block that is not open yet waits until the open one has ended.
"""

from __future__ import annotations

from typing import Any

from shortstop.types import Json

_BLOCKS: dict[str, Json] = {
    "text_delta": {"type": "text", "text": ""},
    "citations_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "signature_delta": {"type": "thinking", "thinking": "", "signature": ""},
}
"""The block that a delta belongs to, where none was opened for it."""


_BLOCK_FRAMES = frozenset(["content_block_start", "content_block_delta", "content_block_stop"])
_HOLDS = {
    "message_start": "message",
    "content_block_start": "content_block",
    "content_block_delta": "delta",
    "message_delta": "delta",
}


class Order:
    """Takes the frames as they come, gives them in order. They are corrected in place."""

    def __init__(self) -> None:
        self._open: Any = None
        self._kind = ""
        self._count = 0
        self._waiting: dict[Any, list[Json]] = {}

    def feed(self, frame: Json) -> list[Json]:
        """The frames to read now."""
        kind = frame["type"]
        if kind in _HOLDS and not isinstance(frame.get(_HOLDS[kind]), dict):
            return self._empty(frame)
        if kind in _BLOCK_FRAMES and frame.get("index") is None:
            frame["index"] = 0
        if kind == "content_block_delta":
            return self._delta(frame)
        if kind == "content_block_start":
            return self._start(frame)
        if kind == "content_block_stop":
            return self._stop(frame)
        if kind in ("message_delta", "message_stop"):
            return [*self.close(), frame]
        return [frame]

    def _empty(self, frame: Json) -> list[Json]:
        """A frame without what it should hold says nothing, unless it is the last one."""
        if frame["type"] != "message_delta":
            return []
        return [*self.close(), {**frame, "delta": {}}]

    def close(self) -> list[Json]:
        """The stop of what is open, and all that waits: nothing more belongs to it."""
        frames = self._closed()
        while self._waiting:
            index = next(iter(self._waiting))
            frames += self._released(index) + self._closed()
        return frames

    def _start(self, frame: Json) -> list[Json]:
        index = frame.get("index")
        if self._open is not None and self._open != index:
            if index in self._waiting:
                return [*self.close(), *self._opened(frame)]
            self._waiting[index] = [frame]
            return []
        return [*self._closed(), *self._opened(frame)]

    def _delta(self, frame: Json) -> list[Json]:
        index, kind = frame.get("index"), frame["delta"]["type"]
        if index in self._waiting:
            self._waiting[index].append(frame)
            return []
        block = _BLOCKS.get(kind)
        if self._open is None or self._open != index or (block and block["type"] != self._kind):
            if block is None:
                return [{**frame, "index": self._count - 1}] if self._open is not None else []
            start = {"type": "content_block_start", "index": index, "content_block": {**block}}
            return [*self._closed(), *self._opened(start), self._numbered(frame)]
        return [self._numbered(frame)]

    def _stop(self, frame: Json) -> list[Json]:
        index = frame.get("index")
        if index in self._waiting and index != self._open:
            self._waiting[index].append(frame)
            return []
        if self._open is None or index != self._open:
            return []
        frames = self._closed()
        while self._waiting and self._open is None:
            frames += self._released(next(iter(self._waiting)))
        return frames

    def _opened(self, frame: Json) -> list[Json]:
        self._open, self._kind = frame.get("index"), frame["content_block"]["type"]
        self._count += 1
        return [self._numbered(frame)]

    def _closed(self) -> list[Json]:
        if self._open is None:
            return []
        self._open = None
        return [{"type": "content_block_stop", "index": self._count - 1}]

    def _released(self, index: Any) -> list[Json]:
        """What waited for its block: the block is open after it, unless its stop had come, too."""
        first, *rest = self._waiting.pop(index)
        frames = self._opened(first)
        for frame in rest:
            stop = frame["type"] == "content_block_stop"
            frames += self._closed() if stop else [self._numbered(frame)]
        return frames

    def _numbered(self, frame: Json) -> Json:
        frame["index"] = self._count - 1
        return frame
