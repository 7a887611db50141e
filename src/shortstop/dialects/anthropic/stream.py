"""Anthropic's stream: message_start, blocks one after the other, message_delta, message_stop."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.anthropic.describe import DESCRIPTION, NAME
from shortstop.dialects.anthropic.errors import error_body
from shortstop.dialects.anthropic.order import Order
from shortstop.dialects.anthropic.wire import finish_out, input_text, is_known, text_at, usage_out
from shortstop.dialects.blocks import Block, Blocks, Step
from shortstop.dialects.finish import cut_off, finish_of
from shortstop.dialects.ids import GivenIds
from shortstop.dialects.names import fitted_id
from shortstop.dialects.parsing import EventDecoder
from shortstop.dialects.sse import event
from shortstop.dialects.usage import is_plain, usage_of
from shortstop.dialects.validate import frame_type, with_frame
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Finish, Json, Request, ToolDelta, Usage

_ENCODE = msgspec.json.Encoder().encode


class AnthropicDecoder(EventDecoder):
    """One Chunk a frame, in the order that Anthropic documents; frames without neutral content
    (ping) carry only their `wire`."""

    def __init__(self, salt: object = "") -> None:
        super().__init__()
        self._order = Order()
        self._ids = GivenIds(salt)
        self._calls = 0
        self._whole_input: str | None = None
        self._usage: Json = {}
        self._said = False
        self._finish: Finish | None = None

    @property
    def finished(self) -> bool:
        return self._finish is not None

    def _chunks(self, frame: Json) -> list[Chunk]:
        kind = frame_type(frame)
        if self._finish is not None and kind in ("content_block_start", "content_block_delta"):
            return []  # said after the end
        return self._read_in_order(self._order.feed(frame))

    def _ending(self) -> list[Chunk]:
        return self._read_in_order(self._order.close())

    def _read_in_order(self, frames: list[Json]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for frame in frames:
            if frame["type"] == "content_block_stop" and self._whole_input not in (None, "", "{}"):
                chunks.append(self._unsaid_input(frame["index"]))
            chunks.append(with_frame(self._chunk(frame), NAME, frame))
        return chunks

    def _chunk(self, frame: Json) -> Chunk:
        kind = frame["type"]
        if kind == "content_block_delta":
            return self._delta(frame["delta"])
        if kind == "content_block_start":
            return self._start(frame["content_block"])
        if kind == "content_block_stop":
            return self._stop()
        if kind == "message_start":
            return Chunk(usage=self._counted(frame["message"]))
        if kind == "message_delta":
            return self._last(frame)
        self.done = self.done or kind == "message_stop"
        return Chunk()

    def _last(self, frame: Json) -> Chunk:
        delta = frame["delta"]
        usage, reason = self._counted(frame), delta.get("stop_reason")
        finish = finish_of(reason)
        if finish == "stop" and self._calls:
            finish = "tool_calls"
        finish = cut_off(finish, said=self._said, reason=reason)
        if finish is not None and not is_known(reason):
            delta["stop_reason"] = finish_out(finish, None, called=bool(self._calls))
        first, self._finish = self._finish is None, self._finish or finish
        return Chunk(
            finish=finish if first else None,
            stop_sequence=delta.get("stop_sequence"),
            usage=usage,
        )

    def _counted(self, frame: Json) -> Usage | None:
        """Counts are cumulative; one that a later frame does not repeat still holds."""
        usage = frame.get("usage")
        if not isinstance(usage, dict):
            return usage_of(self._usage, beside=True)
        told = {k: v for k, v in usage.items() if v or k not in self._usage}
        self._usage.update((k, v) for k, v in told.items() if v is not None)
        counted = usage_of(self._usage, beside=True)
        if not is_plain(usage):
            frame["usage"] = usage_out(counted)
        return counted

    def _start(self, block: Json) -> Chunk:
        kind = block["type"]
        if kind == "tool_use":
            self._calls, self._said = self._calls + 1, True
            block["id"] = self._ids.next(block.get("id"))
            whole = block.get("input")
            self._whole_input = input_text(whole)
            block["input"] = {}
            return Chunk(tools=(ToolDelta(self._calls - 1, block["id"], block["name"]),))
        self._whole_input = None
        if kind == "redacted_thinking":
            return Chunk(redacted=block["data"])
        text = (block.get("text") or "") if kind == "text" else ""
        self._said = self._said or bool(text)
        return Chunk(text=text, thinking=block.get("thinking") or "")

    def _delta(self, delta: Json) -> Chunk:
        kind = delta["type"]
        if kind == "text_delta":
            delta["text"] = text_at(delta, "text")
            self._said = self._said or bool(delta["text"])
            return Chunk(text=delta["text"])
        if kind == "input_json_delta" and self._whole_input is not None:
            piece = delta["partial_json"] = _piece_of(delta.get("partial_json"))
            if piece:
                self._whole_input = ""
            return Chunk(tools=(ToolDelta(self._calls - 1, arguments=piece),))
        if kind == "thinking_delta":
            delta["thinking"] = text_at(delta, "thinking")
            return Chunk(thinking=delta["thinking"])
        if kind == "signature_delta":
            return Chunk(signature=delta.get("signature"))
        return Chunk()

    def _unsaid_input(self, index: int) -> Chunk:
        """Input that came whole with the block's start, as the piece that did not follow."""
        whole, self._whole_input = self._whole_input or "", ""
        delta = {"type": "input_json_delta", "partial_json": whole}
        frame = {"type": "content_block_delta", "index": index, "delta": delta}
        piece = Chunk(tools=(ToolDelta(self._calls - 1, arguments=whole),))
        return with_frame(piece, NAME, frame)

    def _stop(self) -> Chunk:
        """A call without any input has an empty object, which clients of this dialect know."""
        whole, self._whole_input = self._whole_input, None
        if not whole:
            return Chunk()
        return Chunk(tools=(ToolDelta(self._calls - 1, arguments=whole),))


def _piece_of(sent: Any) -> str:
    """A piece of a call's input: some servers send an object, whole."""
    if isinstance(sent, str):
        return sent
    return input_text(sent) if sent else ""


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
            if self._held or chunk.wire["type"] != "ping":
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
        id = fitted_id(block.id, DESCRIPTION.limits)
        return {"type": "tool_use", "id": id, "name": block.name, "input": {}}
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
