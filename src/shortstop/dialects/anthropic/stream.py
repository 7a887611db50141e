"""Anthropic's stream: message_start, blocks one after the other, message_delta, message_stop."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.anthropic.describe import NAME
from shortstop.dialects.anthropic.errors import error_body, mid_stream_failure
from shortstop.dialects.anthropic.wire import FINISH_IN, finish_out, usage_from, usage_out
from shortstop.dialects.blocks import Block, Blocks, Step
from shortstop.dialects.parsing import parse_events
from shortstop.dialects.sse import EventParser, event
from shortstop.dialects.validate import frame_type, with_frame
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Finish, Json, Request, ToolDelta, Usage

_ENCODE = msgspec.json.Encoder().encode


class AnthropicDecoder:
    """One Chunk a frame; frames without neutral content (ping) carry only their `wire`."""

    def __init__(self) -> None:
        self._events = EventParser()
        self._indexes: dict[int, int] = {}
        self._whole_inputs: dict[int, str] = {}
        self._usage: Json = {}
        self.done = False

    def feed(self, data: bytes) -> list[Chunk]:
        return parse_events(self._events.feed(data), self._chunks)

    def _chunks(self, frame: Json) -> tuple[Chunk, ...]:
        return (with_frame(self._chunk(frame), NAME, frame),)

    def _chunk(self, frame: Json) -> Chunk:
        kind = frame_type(frame)
        if kind == "content_block_delta":
            return self._delta(frame, frame["delta"])
        if kind == "content_block_start":
            return self._start(frame, frame["content_block"])
        if kind == "content_block_stop":
            return self._stop(frame)
        if kind == "message_start":
            return Chunk(usage=self._counted(frame["message"].get("usage")))
        if kind == "message_delta":
            delta = frame["delta"]
            reason = delta.get("stop_reason")
            return Chunk(
                finish=FINISH_IN.get(reason, "stop") if reason else None,
                stop_sequence=delta.get("stop_sequence"),
                usage=self._counted(frame.get("usage")),
            )
        if kind == "error":
            raise mid_stream_failure(frame)
        self.done = self.done or kind == "message_stop"
        return Chunk()

    def _counted(self, usage: Any) -> Usage | None:
        """Counts are cumulative; one that a later frame does not repeat still holds."""
        self._usage.update((k, v) for k, v in (usage or {}).items() if v is not None)
        return usage_from(self._usage)

    def _start(self, frame: Json, block: Json) -> Chunk:
        kind = block["type"]
        if kind == "tool_use":
            index = self._indexes[frame["index"]] = len(self._indexes)
            whole = block.get("input")
            self._whole_inputs[index] = _ENCODE(whole).decode() if whole else ""
            return Chunk(tools=(ToolDelta(index, block["id"], block["name"]),))
        if kind == "redacted_thinking":
            return Chunk(redacted=block["data"])
        return Chunk(text=block.get("text") or "", thinking=block.get("thinking") or "")

    def _delta(self, frame: Json, delta: Json) -> Chunk:
        kind = delta["type"]
        if kind == "text_delta":
            return Chunk(text=delta["text"])
        if kind == "input_json_delta" and frame["index"] in self._indexes:
            index, piece = self._indexes[frame["index"]], delta["partial_json"]
            if piece:
                self._whole_inputs[index] = ""
            return Chunk(tools=(ToolDelta(index, arguments=piece),))
        if kind == "thinking_delta":
            return Chunk(thinking=delta["thinking"])
        if kind == "signature_delta":
            return Chunk(signature=delta["signature"])
        return Chunk()

    def _stop(self, frame: Json) -> Chunk:
        """Input that came whole with the block's start is given now that no pieces followed."""
        index = self._indexes.get(frame["index"])
        whole = self._whole_inputs.pop(index, "") if index is not None else ""
        if index is None or not whole:
            return Chunk()
        return Chunk(tools=(ToolDelta(index, arguments=whole),))


def _has_content(chunk: Chunk) -> bool:
    """Whether the chunk is more than a frame without neutral content."""
    return bool(
        chunk.text
        or chunk.thinking
        or chunk.tools
        or chunk.refusal
        or chunk.redacted
        or chunk.signature
    )


class AnthropicEncoder:
    """Passes an Anthropic stream on, or builds one; the first chunk with content decides which.

    Code that rewrites chunks must therefore remove `wire` from all chunks of a stream, not from
    some.
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
        native = chunk.dialect == NAME and chunk.wire is not None
        if self._held is None:
            return self._pass_on(chunk) if self._passing else self._build(chunk)
        if native and not _has_content(chunk) and chunk.finish is None:
            assert chunk.wire is not None
            self._held.append(chunk.wire)
            return b""
        return self._decide(chunk, native)

    def _decide(self, chunk: Chunk, native: bool) -> bytes:
        held, self._held = self._held or [], None
        self._passing = native and bool(held) and held[0].get("type") == "message_start"
        if not self._passing:
            return self._build(chunk)
        return b"".join([self._frame_on(f) for f in held]) + self._pass_on(chunk)

    # ------------------------------------------------------------ passing on

    def _pass_on(self, chunk: Chunk) -> bytes:
        if chunk.wire is None or chunk.dialect != NAME:
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
        tail = b"".join([self._frame_on(f) for f in self._held_frames()])
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

    def _held_frames(self) -> list[Json]:
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
