"""OpenAI's chat stream: `chat.completion.chunk` events, closed by `[DONE]`."""

from __future__ import annotations

import msgspec

from shortstop.dialects.openai.describe import NAME
from shortstop.dialects.openai.errors import encode_error, mid_stream_failure
from shortstop.dialects.openai.wire import (
    FINISH_IN,
    finish_out,
    is_legacy,
    logprobs_from,
    logprobs_out,
    usage_from,
    usage_out,
)
from shortstop.dialects.parsing import parse_events
from shortstop.dialects.sse import DONE, EventParser, event
from shortstop.dialects.validate import validate_chunk
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Json, Request, ToolDelta, Usage

_ENCODE = msgspec.json.Encoder().encode


class OpenAIChatDecoder:
    """Tool calls get the index that they should have: some servers give all of them index 0."""

    def __init__(self) -> None:
        self._events = EventParser()
        self._calls: dict[int, _CallIndex] = {}
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        events = self._events.feed(data)
        self.done = self.done or any(item.data == DONE for item in events)
        return parse_events(events, self._chunks)

    def _chunks(self, frame: Json) -> list[Chunk]:
        if frame.get("error"):
            raise mid_stream_failure(frame)
        usage = usage_from(frame.get("usage"))
        choices = frame.get("choices")
        if not choices:
            return [Chunk(usage=usage, dialect=NAME, wire=frame)]
        if len(choices) == 1:
            return [self._chunk(choices[0], frame, usage)]
        base = {k: v for k, v in frame.items() if k != "usage"}
        chunks = [self._chunk(c, {**base, "choices": [c]}, None) for c in choices]
        if usage is None:
            return chunks
        return [*chunks, Chunk(usage=usage, dialect=NAME, wire={**frame, "choices": []})]

    def _chunk(self, choice: Json, frame: Json, usage: Usage | None) -> Chunk:
        delta = choice.get("delta") or {}
        finish = choice.get("finish_reason")
        index = choice.get("index") or 0
        chunk = Chunk(
            index=index,
            text=delta.get("content") or "",
            thinking=delta.get("reasoning_content") or delta.get("reasoning") or "",
            refusal=delta.get("refusal") or "",
            tools=self._tools(index, delta),
            logprobs=logprobs_from(choice.get("logprobs")),
            finish=FINISH_IN.get(finish, "stop") if finish else None,
            usage=usage,
            dialect=NAME,
            wire=frame,
        )
        return validate_chunk(chunk)

    def _tools(self, index: int, delta: Json) -> tuple[ToolDelta, ...]:
        if delta.get("tool_calls"):
            calls = self._calls.setdefault(index, _CallIndex())
            return tuple([calls.delta(call) for call in delta["tool_calls"]])
        if delta.get("function_call"):
            calls = self._calls.setdefault(index, _CallIndex())
            return (calls.legacy(delta["function_call"]),)
        return ()


class _CallIndex:
    """The calls of one choice: which id has which index, and which names have been sent."""

    __slots__ = ("_ids", "_indexes", "_named")

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._named: set[int] = set()
        self._indexes: dict[int, int] = {}

    def delta(self, call: Json) -> ToolDelta:
        """The neutral delta. Corrects `call` itself when its index or its repeated id is wrong."""
        index_sent, id = call.get("index") or 0, call.get("id") or None
        index = self._indexes.get(index_sent)
        first = index is None or (id is not None and id != self._ids[index])
        if index is None or first:
            index = self._indexes[index_sent] = len(self._ids)
            self._ids.append(id)
        function = call.get("function") or call.get("custom") or {}
        name = function.get("name") or None
        if not first and id:
            id = None
            del call["id"]
        if name and index in self._named:
            name = None
            del function["name"]
        elif name:
            self._named.add(index)
        call["index"] = index
        arguments = function.get("arguments") or function.get("input") or ""
        if not isinstance(arguments, str):
            arguments = function["arguments"] = _ENCODE(arguments).decode()
        return ToolDelta(index, id, name, arguments)

    def legacy(self, function: Json) -> ToolDelta:
        """The delta of a `function_call`, which has no id: its name serves as one."""
        name = None if self._ids else function.get("name")
        self._ids.append(name)
        return ToolDelta(0, name, name, function.get("arguments") or "")


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

    def encode(self, chunk: Chunk) -> bytes:
        if chunk.dialect == NAME and chunk.wire is not None:
            return self._passed_on(chunk, chunk.wire)
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

    def _passed_on(self, chunk: Chunk, wire: Json) -> bytes:
        """The upstream's own frame with its unknown fields; usage waits for the end."""
        if wire.get("usage"):
            self._usage = wire["usage"]
        choices = wire.get("choices")
        if not choices:
            return b""
        frame = {**wire, **self._head}
        delta = choices[0].get("delta")
        if delta and "role" in delta:
            if chunk.index in self._begun:
                rest = {k: v for k, v in delta.items() if k != "role"}
                frame["choices"] = [{**choices[0], "delta": rest}]
            self._begun.add(chunk.index)
        elif chunk.index not in self._begun:
            self._begun.add(chunk.index)
            frame["choices"] = [{**choices[0], "delta": {"role": "assistant", **(delta or {})}}]
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
