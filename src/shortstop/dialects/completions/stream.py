"""The legacy completions stream: `text_completion` frames, closed by `[DONE]`."""

from __future__ import annotations

import msgspec

from shortstop.dialects.completions.describe import NAME
from shortstop.dialects.completions.wire import choice_out, echoed, finish_out
from shortstop.dialects.finish import finish_of
from shortstop.dialects.openai.errors import encode_error
from shortstop.dialects.openai.wire import usage_out
from shortstop.dialects.parsing import EventDecoder
from shortstop.dialects.sse import DONE, event
from shortstop.dialects.usage import usage_of
from shortstop.dialects.validate import with_frame
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Json, Request

_ENCODE = msgspec.json.Encoder().encode


class CompletionsDecoder(EventDecoder):
    """One Chunk a choice; usage is a Chunk of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: set[int] = set()
        self._ended: set[int] = set()

    @property
    def finished(self) -> bool:
        return bool(self._ended) and self._begun <= self._ended

    def _chunks(self, frame: Json) -> list[Chunk]:
        usage = usage_of(frame.get("usage"), answer=frame)
        base = {k: v for k, v in frame.items() if k != "usage"}
        chunks = [
            with_frame(self._chunk(choice), NAME, {**base, "choices": [choice]})
            for choice in frame.get("choices") or ()
        ]
        if usage is not None or not chunks:
            chunks.append(Chunk(usage=usage, dialect=NAME, wire={**frame, "choices": []}))
        return chunks

    def _chunk(self, choice: Json) -> Chunk:
        index, reason = choice.get("index") or 0, choice.get("finish_reason")
        self._begun.add(index)
        finish = finish_of(reason)
        if finish is not None:
            self._ended.add(index)
        return Chunk(index=index, text=choice.get("text") or "", finish=finish)


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
        text = chunk.text + chunk.refusal
        if not (text or chunk.finish):
            return b""
        if chunk.finish is not None:
            self._finished.add(chunk.index)
        if own_frame is not None:
            self._begun.add(chunk.index)
            return self._frame({**own_frame, **self._head})
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
