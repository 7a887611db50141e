"""Anthropic's stream: message_start, blocks one after the other, message_delta, message_stop."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.anthropic.wire import (
    FINISH_IN,
    error_body,
    finish_out,
    read_error,
    usage_from,
    usage_out,
)
from shortstop.dialects.blocks import Block, Blocks, Step
from shortstop.dialects.failures import clean
from shortstop.dialects.sse import EventParser, event
from shortstop.dialects.validate import kind_of, sound_chunk
from shortstop.errors import ShortstopError, UpstreamFailed
from shortstop.types import Chunk, Finish, Json, Request, ToolDelta, Usage

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


class AnthropicDecoder:
    """Each frame is one Chunk; those that say nothing neutral (ping) carry only their `wire`."""

    def __init__(self) -> None:
        self._events = EventParser()
        self._tools: dict[int, int] = {}
        self._input: dict[int, str] = {}
        self._usage: Json = {}
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        try:
            return [self._chunk(_DECODE(item.data)) for item in self._events.feed(data)]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise UpstreamFailed("The model sent a frame that is not in its dialect.") from error

    def _chunk(self, frame: Json) -> Chunk:
        kind = kind_of(frame)
        if kind == "content_block_delta":
            return self._delta(frame, frame["delta"])
        if kind == "content_block_start":
            return self._start(frame, frame["content_block"])
        if kind == "content_block_stop":
            return self._stop(frame)
        if kind == "message_start":
            return _chunk(frame, usage=self._counted(frame["message"].get("usage")))
        if kind == "message_delta":
            delta = frame["delta"]
            reason = delta.get("stop_reason")
            return _chunk(
                frame,
                finish=FINISH_IN.get(reason, "stop") if reason else None,
                stop_sequence=delta.get("stop_sequence"),
                usage=self._counted(frame.get("usage")),
            )
        if kind == "error":
            raise _failure(frame)
        self.done = self.done or kind == "message_stop"
        return _chunk(frame)

    def _counted(self, usage: Any) -> Usage | None:
        """Counts are cumulative; what a later frame does not repeat still holds."""
        self._usage.update((k, v) for k, v in (usage or {}).items() if v is not None)
        return usage_from(self._usage)

    def _start(self, frame: Json, block: Json) -> Chunk:
        kind = block["type"]
        if kind == "tool_use":
            index = self._tools[frame["index"]] = len(self._tools)
            self._input[index] = _ENCODE(block["input"]).decode() if block.get("input") else ""
            return _chunk(frame, tools=(ToolDelta(index, block["id"], block["name"]),))
        if kind == "redacted_thinking":
            return _chunk(frame, redacted=block["data"])
        return _chunk(frame, text=block.get("text") or "", thinking=block.get("thinking") or "")

    def _delta(self, frame: Json, delta: Json) -> Chunk:
        kind = delta["type"]
        if kind == "text_delta":
            return _chunk(frame, text=delta["text"])
        if kind == "input_json_delta" and frame["index"] in self._tools:
            index, piece = self._tools[frame["index"]], delta["partial_json"]
            if piece:
                self._input[index] = ""
            return _chunk(frame, tools=(ToolDelta(index, arguments=piece),))
        if kind == "thinking_delta":
            return _chunk(frame, thinking=delta["thinking"])
        if kind == "signature_delta":
            return _chunk(frame, signature=delta["signature"])
        return _chunk(frame)

    def _stop(self, frame: Json) -> Chunk:
        """Input that came whole, with the block's start, is told now that no pieces followed."""
        index = self._tools.get(frame["index"])
        whole = self._input.pop(index, "") if index is not None else ""
        if index is None or not whole:
            return _chunk(frame)
        return _chunk(frame, tools=(ToolDelta(index, arguments=whole),))


def _chunk(
    frame: Json,
    *,
    text: str = "",
    thinking: str = "",
    signature: str | None = None,
    redacted: str | None = None,
    tools: tuple[ToolDelta, ...] = (),
    finish: Finish | None = None,
    stop_sequence: str | None = None,
    usage: Usage | None = None,
) -> Chunk:
    chunk = Chunk(
        text=text,
        thinking=thinking,
        signature=signature,
        redacted=redacted,
        tools=tools,
        finish=finish,
        stop_sequence=stop_sequence,
        usage=usage,
        dialect="anthropic.messages",
        wire=frame,
    )
    return sound_chunk(chunk)


def _failure(frame: Json) -> UpstreamFailed:
    message, kind = read_error(_ENCODE(frame))
    return UpstreamFailed(f"The upstream failed mid-answer: {clean(message)}", code=kind)


def says_something(chunk: Chunk) -> bool:
    """Whether the chunk carries content, not only a frame."""
    return bool(
        chunk.text
        or chunk.thinking
        or chunk.tools
        or chunk.refusal
        or chunk.redacted
        or chunk.signature
    )


class AnthropicEncoder:
    """Passes an Anthropic stream on, or builds one: which, is settled by the first content.

    Whoever rewrites chunks must therefore take `wire` off all of a stream, not off some.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._blocks = Blocks(request.id, "toolu")
        self._held: list[Json] | None = []
        self._passing = False
        self._begun = False
        self._closed = False
        self._open: int | None = None
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._stop_sequence: str | None = None

    def encode(self, chunk: Chunk) -> bytes:
        if chunk.index:
            return b""
        self._usage = chunk.usage or self._usage
        if chunk.finish is not None:
            self._finish, self._stop_sequence = chunk.finish, chunk.stop_sequence
        own = chunk.dialect == "anthropic.messages" and chunk.wire is not None
        if self._held is None:
            return self._pass_on(chunk) if self._passing else self._build(chunk)
        if own and not says_something(chunk) and chunk.finish is None:
            assert chunk.wire is not None
            self._held.append(chunk.wire)
            return b""
        return self._settle(chunk, own)

    def _settle(self, chunk: Chunk, own: bool) -> bytes:
        held, self._held = self._held or [], None
        self._passing = own and bool(held) and held[0].get("type") == "message_start"
        if not self._passing:
            return self._build(chunk)
        return b"".join([self._frame_on(f) for f in held]) + self._pass_on(chunk)

    # ------------------------------------------------------------ passing on

    def _pass_on(self, chunk: Chunk) -> bytes:
        if chunk.wire is None or chunk.dialect != "anthropic.messages":
            return b""
        return self._frame_on(chunk.wire)

    def _frame_on(self, frame: Json) -> bytes:
        kind = frame["type"]
        if kind == "message_start":
            if self._begun:
                return b""
            self._begun = True
            frame = {**frame, "message": {**frame["message"], "model": self._request.model}}
        elif kind == "message_stop":
            return b""
        elif kind == "content_block_start":
            self._open = frame["index"]
        elif kind == "content_block_stop":
            self._open = None
        elif kind == "message_delta":
            self._closed = True
        return event(_ENCODE(frame), kind)

    # ------------------------------------------------------------ building

    def _build(self, chunk: Chunk) -> bytes:
        steps = self._blocks.feed(chunk)
        if not steps:
            return b""
        return self._start() + b"".join([_step_out(s) for s in steps])

    def _start(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        message: Json = {
            "id": f"msg_{self._request.id}",
            "type": "message",
            "role": "assistant",
            "model": self._request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage_out(self._usage), "output_tokens": 0},
        }
        return event(
            _ENCODE({"type": "message_start", "message": message}), "message_start"
        ) + event(b'{"type":"ping"}', "ping")

    def finish(self) -> bytes:
        tail = b"".join([self._frame_on(f) for f in self._unsettled()])
        tail += self._start()
        if not self._closed:
            self._closed = True
            if self._open is not None:
                tail += _step_out(Step("close", Block("text", self._open)))
            tail += b"".join([_step_out(s) for s in self._blocks.close()])
            reason = finish_out(self._finish, self._stop_sequence, called=self._blocks.called)
            usage = usage_out(self._usage)
            del usage["cache_creation"]
            delta = {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": self._stop_sequence},
                "usage": usage,
            }
            tail += event(_ENCODE(delta), "message_delta")
        return tail + event(b'{"type":"message_stop"}', "message_stop")

    def _unsettled(self) -> list[Json]:
        held, self._held = self._held or [], None
        return held if held and held[0].get("type") == "message_start" else []

    def error(self, error: ShortstopError) -> bytes:
        return event(_ENCODE(error_body(error, self._request.id)), "error")


def _step_out(step: Step) -> bytes:
    block, index = step.block, step.block.index
    if step.verb == "open":
        start = {"type": "content_block_start", "index": index, "content_block": _opened(block)}
        return event(_ENCODE(start), "content_block_start")
    if step.verb == "close":
        stop = {"type": "content_block_stop", "index": index}
        return event(_ENCODE(stop), "content_block_stop")
    delta = {"type": "content_block_delta", "index": index, "delta": _delta_out(step)}
    return event(_ENCODE(delta), "content_block_delta")


def _opened(block: Block) -> Json:
    if block.kind == "tool":
        return {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}
    if block.kind == "redacted":
        return {"type": "redacted_thinking", "data": block.text}
    if block.kind == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _delta_out(step: Step) -> Json:
    if step.verb == "sign":
        return {"type": "signature_delta", "signature": step.piece}
    if step.block.kind == "tool":
        return {"type": "input_json_delta", "partial_json": step.piece}
    if step.block.kind == "thinking":
        return {"type": "thinking_delta", "thinking": step.piece}
    return {"type": "text_delta", "text": step.piece}
