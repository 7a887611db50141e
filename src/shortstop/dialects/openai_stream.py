"""OpenAI's chat stream: `chat.completion.chunk` events, closed by `[DONE]`."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.openai_errors import decode_error, encode_error
from shortstop.dialects.openai_wire import (
    FINISH_IN,
    FINISH_OUT,
    logprobs_from,
    logprobs_out,
    usage_from,
    usage_out,
)
from shortstop.dialects.sse import EventParser, event
from shortstop.errors import ShortstopError, UpstreamFailed
from shortstop.types import Chunk, Json, Request, ToolDelta

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
DONE = "[DONE]"


class OpenAIChatDecoder:
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
            if "error" in frame:
                raise decode_error(502, data.encode(), None)
            choices = frame.get("choices") or ()
            usage = usage_from(frame.get("usage"))
            if not choices:
                return [Chunk(usage=usage, dialect="openai.chat", wire=frame)]
            # A frame of several choices is not passed on as it is: each chunk is encoded anew.
            wire = frame if len(choices) == 1 else None
            return [self._chunk(choice, wire, usage) for choice in choices]
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
            raise UpstreamFailed("The model sent a frame that is not in its dialect.") from error

    @staticmethod
    def _chunk(choice: Json, wire: Json | None, usage: Any) -> Chunk:
        delta = choice.get("delta") or {}
        finish = choice.get("finish_reason")
        calls = delta.get("tool_calls")
        return Chunk(
            index=choice.get("index") or 0,
            text=delta.get("content") or "",
            thinking=delta.get("reasoning_content") or delta.get("reasoning") or "",
            refusal=delta.get("refusal") or "",
            tools=tuple(_tool_delta(c) for c in calls) if calls else (),
            logprobs=logprobs_from(choice.get("logprobs")),
            finish=FINISH_IN.get(finish, "stop") if finish else None,
            usage=usage,
            dialect="openai.chat",
            wire=wire,
        )


def _tool_delta(call: Json) -> ToolDelta:
    function = call.get("function") or {}
    return ToolDelta(
        call.get("index") or 0,
        call.get("id"),
        function.get("name"),
        function.get("arguments") or "",
    )


class OpenAIChatEncoder:
    """The same `id`, `created` and `model` in every chunk; the role only in the first."""

    def __init__(self, request: Request, created: int) -> None:
        self._request = request
        self._head = {
            "id": f"chatcmpl-{request.id}",
            "object": "chat.completion.chunk",
            "created": created,
            "model": request.model,
        }
        self._begun: set[int] = set()
        self._usage: Json | None = None

    def encode(self, chunk: Chunk) -> bytes:
        if chunk.usage is not None:
            self._usage = usage_out(chunk.usage)
        if chunk.dialect == "openai.chat" and chunk.wire is not None:
            return self._passed_on(chunk.wire)
        frames = b""
        delta = self._delta(chunk)
        if delta or chunk.logprobs:
            frames += self._frame(chunk, delta, None)
        if chunk.finish is not None:
            frames += self._frame(chunk, {}, FINISH_OUT[chunk.finish])
        return frames

    def _passed_on(self, wire: Json) -> bytes:
        """The upstream's own frame, unknown fields and all; usage waits for the end."""
        if not wire.get("choices"):
            return b""
        frame = {**wire, **self._head}
        if self._request.stream_usage:
            frame["usage"] = None
        else:
            frame.pop("usage", None)
        return event(_ENCODE(frame))

    def _delta(self, chunk: Chunk) -> Json:
        delta: Json = {}
        if chunk.text:
            delta["content"] = chunk.text
        if chunk.thinking:
            delta["reasoning_content"] = chunk.thinking
        if chunk.refusal:
            delta["refusal"] = chunk.refusal
        if chunk.tools:
            delta["tool_calls"] = [_tool_out(t) for t in chunk.tools]
        if (delta or chunk.finish) and chunk.index not in self._begun:
            self._begun.add(chunk.index)
            delta = {"role": "assistant", "content": "", **delta}
        return delta

    def _frame(self, chunk: Chunk, delta: Json, finish: str | None) -> bytes:
        choice: Json = {"index": chunk.index, "delta": delta, "finish_reason": finish}
        said = self._request.sampling
        asked = said.logprobs and chunk.logprobs and finish is None
        choice["logprobs"] = logprobs_out(chunk.logprobs, said.top_logprobs or 0) if asked else None
        frame = {**self._head, "choices": [choice]}
        if self._request.stream_usage:
            frame["usage"] = None
        return event(_ENCODE(frame))

    def finish(self) -> bytes:
        tail = event(DONE.encode())
        if not self._request.stream_usage or self._usage is None:
            return tail
        return event(_ENCODE({**self._head, "choices": [], "usage": self._usage})) + tail

    def error(self, error: ShortstopError) -> bytes:
        return event(encode_error(error))


def _tool_out(delta: ToolDelta) -> Json:
    function: Json = {"arguments": delta.arguments}
    if delta.name is not None:
        function["name"] = delta.name
    call: Json = {"index": delta.index, "function": function}
    if delta.id is not None:
        call |= {"id": delta.id, "type": "function"}
    return call
