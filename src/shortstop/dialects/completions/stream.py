"""The legacy completions stream: `text_completion` frames, closed by `[DONE]`."""

from __future__ import annotations

import msgspec

from shortstop.dialects.completions.describe import NAME
from shortstop.dialects.completions.wire import choice_out, echoed, finish_out
from shortstop.dialects.openai.errors import encode_error, mid_stream_failure
from shortstop.dialects.openai.wire import FINISH_IN, usage_from, usage_out
from shortstop.dialects.parsing import parse_events
from shortstop.dialects.sse import DONE, EventParser, event
from shortstop.dialects.validate import with_frame
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Json, Request

_ENCODE = msgspec.json.Encoder().encode


class CompletionsDecoder:
    """One Chunk a choice; usage is a Chunk of its own."""

    def __init__(self) -> None:
        self._events = EventParser()
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        events = self._events.feed(data)
        self.done = self.done or any(item.data == DONE for item in events)
        return parse_events(events, _chunks)


def _chunks(frame: Json) -> list[Chunk]:
    if frame.get("error"):
        raise mid_stream_failure(frame)
    usage = usage_from(frame.get("usage"))
    base = {k: v for k, v in frame.items() if k != "usage"}
    chunks = [
        with_frame(_chunk(choice), NAME, {**base, "choices": [choice]})
        for choice in frame.get("choices") or ()
    ]
    if usage is not None or not chunks:
        chunks.append(Chunk(usage=usage, dialect=NAME, wire={**frame, "choices": []}))
    return chunks


def _chunk(choice: Json) -> Chunk:
    finish = choice.get("finish_reason")
    return Chunk(
        index=choice.get("index") or 0,
        text=choice.get("text") or "",
        finish=FINISH_IN.get(finish, "stop") if finish else None,
    )


class CompletionsEncoder:
    """Writes the same `id`, `created` and `model` in every frame."""

    def __init__(self, request: Request, created: int) -> None:
        self._head = {
            "id": f"cmpl-{request.id}",
            "object": "text_completion",
            "created": created,
            "model": request.model,
        }
        self._echo = echoed(request)
        self._shows_usage = request.stream_usage
        self._usage: Json | None = None
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    def encode(self, chunk: Chunk) -> bytes:
        own_frame = chunk.wire if chunk.dialect == NAME else None
        if chunk.usage is not None:
            self._usage = own_frame["usage"] if own_frame else usage_out(chunk.usage)
        if not (chunk.text or chunk.finish):
            return b""
        if chunk.finish is not None:
            self._finished.add(chunk.index)
        if own_frame is not None:
            self._begun.add(chunk.index)
            return self._frame({**own_frame, **self._head})
        text = chunk.text
        if chunk.index not in self._begun:
            self._begun.add(chunk.index)
            text = self._echo + text
        finish = None if chunk.finish is None else finish_out(chunk.finish)
        return self._frame({**self._head, "choices": [choice_out(chunk.index, text, finish)]})

    def _frame(self, frame: Json) -> bytes:
        if self._shows_usage:
            frame["usage"] = None
        return event(_ENCODE(frame))

    def finish(self) -> bytes:
        tail = b""
        for index in sorted((self._begun or {0}) - self._finished):
            tail += self.encode(Chunk(index=index, finish="stop"))
        if self._shows_usage and self._usage is not None:
            tail += event(_ENCODE({**self._head, "choices": [], "usage": self._usage}))
        return tail + event(DONE.encode())

    def error(self, error: ShortstopError) -> bytes:
        return event(encode_error(error))
