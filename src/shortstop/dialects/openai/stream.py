"""OpenAI's chat stream: `chat.completion.chunk` events, closed by `[DONE]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from shortstop.dialects.finish import cut_off, finish_of
from shortstop.dialects.openai.calls import CallIndex
from shortstop.dialects.openai.describe import NAME
from shortstop.dialects.openai.errors import encode_error
from shortstop.dialects.openai.twins import PROBE, Twins, retold
from shortstop.dialects.openai.wire import (
    finish_out,
    is_legacy,
    is_told_right,
    logprobs_from,
    logprobs_out,
    text_at,
    texts_of,
    thinking_of,
    usage_out,
    usage_told,
)
from shortstop.dialects.parsing import EventDecoder
from shortstop.dialects.sse import DONE, event
from shortstop.dialects.usage import count_of, usage_of
from shortstop.dialects.validate import validate_chunk
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Json, Request, ToolDelta, Usage

_ENCODE = msgspec.json.Encoder().encode


class OpenAIChatDecoder(EventDecoder):
    """Tool calls get the index and id that they should have, answers an end that can be told.

    What is no chat frame by OpenAI's documents is handed on without its `wire`.
    """

    def __init__(self, salt: object = "") -> None:
        super().__init__()
        self._salt = salt
        self._calls: dict[int, CallIndex] = {}
        self._begun: set[int] = set()
        self._said: set[int] = set()
        self._ended: set[int] = set()
        self._twins = Twins()

    @property
    def finished(self) -> bool:
        return bool(self._ended) and self._begun <= self._ended

    def _known(self, data: str) -> Chunk | None:
        """After an end a text may mean nothing any more."""
        return None if self._ended else self._twins.chunk(data)

    def _learn(self, data: str, made: Sequence[Chunk]) -> None:
        if len(made) == 1:
            self._twins.learn(data, made[0])

    def _chunks(self, frame: Json) -> list[Chunk]:
        told = _usage_told(frame)
        usage = usage_of(told, answer=frame)
        if told is not None:
            frame["usage"] = usage_told(told, usage)
        choices = frame.get("choices")
        if not choices:
            return [Chunk(usage=usage, dialect=NAME, wire=frame)]
        if len(choices) == 1:
            return self._choice(choices[0], frame, usage)
        base = {k: v for k, v in frame.items() if k != "usage"}
        chunks = [x for c in choices for x in self._choice(c, {**base, "choices": [c]}, None)]
        if usage is None:
            return chunks
        return [*chunks, Chunk(usage=usage, dialect=NAME, wire={**frame, "choices": []})]

    def _choice(self, choice: Json, frame: Json, usage: Usage | None) -> list[Chunk]:
        delta = choice.get("delta") or choice.get("message") or {}
        index = count_of(choice.get("index")) or 0
        if index in self._ended and not choice.get("finish_reason"):
            # Said after the end: only usage is still of interest.
            return [Chunk(usage=usage, dialect=NAME, wire={**frame, "choices": []})]
        choice["index"], choice["delta"] = index, delta
        content = delta.get("content") or ""
        odd = "message" in choice or "function_call" in delta
        thinking = thinking_of(delta)
        if not isinstance(content, str):
            thought, content = texts_of(content)
            thinking, odd = thinking or thought, True
        chunk = Chunk(
            index=index,
            text=content,
            thinking=thinking,
            refusal=text_at(delta, "refusal"),
            tools=self._tools(index, delta),
            logprobs=logprobs_from(choice.get("logprobs")),
            usage=usage,
            dialect=NAME,
            wire=None if odd else frame,
        )
        self._begun.add(index)
        if chunk.text or chunk.tools or chunk.refusal:
            self._said.add(index)
        reason = choice.get("finish_reason")
        if not reason or index in self._ended:
            choice["finish_reason"] = None
            return [validate_chunk(chunk)]
        return self._finish(validate_chunk(chunk), choice, reason)

    def _finish(self, chunk: Chunk, choice: Json, reason: Any) -> list[Chunk]:
        """The chunk with the end of its choice. A reason that a client would not know is replaced;
        calls that lack arguments get them first."""
        self._ended.add(chunk.index)
        finish = finish_of(reason)
        if finish == "stop" and chunk.index in self._calls:
            finish = "tool_calls"
        finish = cut_off(finish, said=chunk.index in self._said, reason=reason)
        if not is_told_right(reason, finish):
            choice["finish_reason"] = finish_out(finish)
        ended = replace(chunk, finish=finish)
        calls = self._calls.get(chunk.index)
        lacking = calls.ending() if calls is not None else ()
        if not lacking:
            return [ended]
        last = replace(chunk, wire=None, tools=chunk.tools + lacking)
        return [last, Chunk(index=chunk.index, finish=finish)]

    def _tools(self, index: int, delta: Json) -> tuple[ToolDelta, ...]:
        sent, legacy = delta.get("tool_calls"), delta.get("function_call")
        if not sent and not legacy:
            return ()
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = CallIndex(self._salt, index)
        return calls.deltas(sent or [{"index": 0, "function": legacy}])


def _usage_told(frame: Json) -> Any:
    """The usage, also where some servers put it."""
    usage = frame.get("usage")
    if usage:
        return usage
    choices = frame.get("choices")
    inner = choices[0].get("usage") if choices else None
    groq = frame.get("x_groq")
    return inner or (groq.get("usage") if isinstance(groq, dict) else None) or usage


class OpenAIChatEncoder:
    """Writes the same `id`, `created` and `model` in every chunk, the role only in the first."""

    def __init__(self, request: Request, created: int) -> None:
        self._head = {
            "id": f"chatcmpl-{request.id}",
            "object": "chat.completion.chunk",
            "created": created,
            "model": request.model,
        }
        self._alternatives = (
            (request.sampling.top_logprobs or 0) if request.sampling.logprobs else None
        )
        self._legacy = is_legacy(request)
        self._shows_usage = request.stream_usage
        self._usage: Json | None = None
        self._begun: set[int] = set()
        self._finished: set[int] = set()
        self._pattern: Json | None = None
        """The frame of twins, and what stands before and behind their texts."""
        self._around = b"", b""

    def encode(self, chunk: Chunk) -> bytes:
        if chunk.dialect == NAME and chunk.wire is not None:
            if chunk.wire is self._pattern:
                before, behind = self._around
                return b"%b%b%b" % (before, _ENCODE(chunk.text), behind)
            frame = retold(chunk.wire, chunk.text)
            if frame is not chunk.wire and chunk.index in self._begun:
                self._learn(chunk, chunk.wire)
            return self._passed_on(chunk, frame)
        if chunk.usage is not None:
            self._usage = usage_out(chunk.usage)
        frames = b""
        delta = self._delta(chunk)
        if delta or chunk.logprobs:
            frames = self._frame(chunk, delta, None)
        if chunk.finish is not None:
            self._finished.add(chunk.index)
            frames += self._frame(chunk, {}, finish_out(chunk.finish, legacy=self._legacy))
        return frames

    def _learn(self, twin: Chunk, pattern: Json) -> None:
        """How the others of its kind are written, unless something else in them looks the same."""
        parts = self._passed_on(twin, retold(pattern, PROBE)).split(_ENCODE(PROBE))
        if len(parts) == 2:
            self._pattern, self._around = pattern, (parts[0], parts[1])

    def _passed_on(self, chunk: Chunk, wire: Json) -> bytes:
        """The upstream's own frame with its unknown fields; usage waits for the end."""
        if wire.get("usage"):
            self._usage = wire["usage"]
        choices = wire.get("choices")
        if not choices:
            return b""
        frame = {**wire, **self._head}
        delta = choices[0].get("delta") or {}
        if "role" in delta:
            if chunk.index in self._begun:
                rest = {k: v for k, v in delta.items() if k != "role"}
                frame["choices"] = [{**choices[0], "delta": rest}]
            self._begun.add(chunk.index)
        elif chunk.index not in self._begun:
            self._begun.add(chunk.index)
            frame["choices"] = [{**choices[0], "delta": {"role": "assistant", **delta}}]
        if chunk.finish is not None:
            self._finished.add(chunk.index)
        if self._shows_usage:
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
        if chunk.tools and self._legacy:
            delta["function_call"] = _legacy_out(chunk.tools[0])
        elif chunk.tools:
            delta["tool_calls"] = [_tool_out(t) for t in chunk.tools]
        if (delta or chunk.finish) and chunk.index not in self._begun:
            self._begun.add(chunk.index)
            delta = {"role": "assistant", "content": "", **delta}
        return delta

    def _frame(self, chunk: Chunk, delta: Json, finish: str | None) -> bytes:
        choice: Json = {"index": chunk.index, "delta": delta, "finish_reason": finish}
        shown = chunk.logprobs if self._alternatives is not None and finish is None else ()
        choice["logprobs"] = logprobs_out(shown, self._alternatives or 0) if shown else None
        frame = {**self._head, "choices": [choice]}
        if self._shows_usage:
            frame["usage"] = None
        return event(_ENCODE(frame))

    def finish(self) -> bytes:
        """Closes every choice that was begun, or the only one, if the upstream did not."""
        tail = b""
        for index in sorted((self._begun or {0}) - self._finished):
            tail += self.encode(Chunk(index=index, finish="stop"))
        if self._shows_usage and self._usage is not None:
            tail += event(_ENCODE({**self._head, "choices": [], "usage": self._usage}))
        return tail + event(DONE.encode())

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


def _legacy_out(delta: ToolDelta) -> Json:
    name = {} if delta.name is None else {"name": delta.name}
    return {**name, "arguments": delta.arguments}
