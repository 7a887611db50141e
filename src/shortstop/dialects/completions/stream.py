"""The legacy completions stream: `text_completion` frames, closed by `[DONE]`."""

from __future__ import annotations

import msgspec

from shortstop.dialects.openai.errors import encode_error
from shortstop.dialects.openai.stream import DONE, mid_stream_failure
from shortstop.dialects.openai.wire import COMPLETION_FINISH_OUT, FINISH_IN, usage_from, usage_out
from shortstop.dialects.sse import EventParser, event
from shortstop.dialects.validate import sound_chunk
from shortstop.errors import ShortstopError, UpstreamFailed
from shortstop.types import Chunk, Json, Request, Usage

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


class CompletionsDecoder:
    def __init__(self) -> None:
        self._events = EventParser()
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        chunks: list[Chunk] = []
        for item in self._events.feed(data):
            if item.data == DONE:
                self.done = True
            else:
                chunks.extend(self._frame(item.data))
        return chunks

    def _frame(self, data: str) -> list[Chunk]:
        try:
            frame = _DECODE(data)
            if frame.get("error"):
                raise mid_stream_failure(data)
            usage = usage_from(frame.get("usage"))
            alone = {k: v for k, v in frame.items() if k != "usage"}
            chunks = [
                _chunk(choice, {**alone, "choices": [choice]})
                for choice in frame.get("choices") or ()
            ]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise UpstreamFailed("The model sent a frame that is not in its dialect.") from error
        if usage is not None or not chunks:
            chunks.append(_usage_chunk(frame, usage))
        return chunks


def _chunk(choice: Json, wire: Json) -> Chunk:
    finish = choice.get("finish_reason")
    chunk = Chunk(
        index=choice.get("index") or 0,
        text=choice.get("text") or "",
        finish=FINISH_IN.get(finish, "stop") if finish else None,
        dialect="openai.completions",
        wire=wire,
    )
    return sound_chunk(chunk)


def _usage_chunk(frame: Json, usage: Usage | None) -> Chunk:
    return Chunk(usage=usage, dialect="openai.completions", wire={**frame, "choices": []})


class CompletionsEncoder:
    """The same `id`, `created` and `model` in every frame."""

    def __init__(self, request: Request, created: int) -> None:
        self._head = {
            "id": f"cmpl-{request.id}",
            "object": "text_completion",
            "created": created,
            "model": request.model,
        }
        echoed = request.messages[0].text if request.extra.get("echo") and request.messages else ""
        self._echo = echoed
        self._tells_usage = request.stream_usage
        self._usage: Json | None = None
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    def encode(self, chunk: Chunk) -> bytes:
        own = chunk.wire if chunk.dialect == "openai.completions" else None
        if chunk.usage is not None:
            self._usage = own["usage"] if own else usage_out(chunk.usage)
        if not (chunk.text or chunk.finish):
            return b""
        if chunk.finish is not None:
            self._finished.add(chunk.index)
        if own is not None:
            self._begun.add(chunk.index)
            return self._frame({**own, **self._head})
        text = chunk.text
        if chunk.index not in self._begun:
            self._begun.add(chunk.index)
            text = self._echo + text
        finish = None if chunk.finish is None else COMPLETION_FINISH_OUT[chunk.finish]
        choice = {
            "index": chunk.index,
            "text": text,
            "logprobs": None,
            "finish_reason": finish,
        }
        return self._frame({**self._head, "choices": [choice]})

    def _frame(self, frame: Json) -> bytes:
        if self._tells_usage:
            frame["usage"] = None
        return event(_ENCODE(frame))

    def finish(self) -> bytes:
        tail = b""
        for index in sorted((self._begun or {0}) - self._finished):
            tail += self.encode(Chunk(index=index, finish="stop"))
        if self._tells_usage and self._usage is not None:
            tail += event(_ENCODE({**self._head, "choices": [], "usage": self._usage}))
        return tail + event(DONE.encode())

    def error(self, error: ShortstopError) -> bytes:
        return event(encode_error(error))
