"""The Responses stream: numbered events that open, fill and close the items of one response."""

from __future__ import annotations

import msgspec

from shortstop.dialects.blocks import Block, Blocks, Step
from shortstop.dialects.failures import told_failure
from shortstop.dialects.finish import cut_off
from shortstop.dialects.openai.errors import error_body
from shortstop.dialects.parsing import EventDecoder
from shortstop.dialects.responses.describe import NAME
from shortstop.dialects.responses.order import (
    ARGUMENTS,
    CALLS,
    FINAL,
    INPUT,
    REASONING,
    REFUSAL,
    SUMMARY,
    TEXT,
    Events,
)
from shortstop.dialects.responses.wire import (
    addressed,
    call_item,
    finish_from,
    message_item,
    reasoning_item,
    response_out,
    status_out,
    text_part,
    usage_out,
)
from shortstop.dialects.sse import event
from shortstop.dialects.usage import is_plain, usage_of
from shortstop.dialects.validate import frame_type, with_frame
from shortstop.errors import ShortstopError
from shortstop.types import Chunk, Finish, Json, Request, ToolCall, ToolDelta, Usage

_ENCODE = msgspec.json.Encoder().encode


class ResponsesDecoder(EventDecoder):
    """One Chunk a frame, completed as OpenAI documents them; frames without neutral content carry
    only their `wire`."""

    def __init__(self, salt: object = "") -> None:
        super().__init__()
        self._complete = Events(salt)
        self._indexes: dict[int, int] = {}
        self._said = False
        self._finished = False

    @property
    def finished(self) -> bool:
        return self._finished

    def _chunks(self, frame: Json) -> list[Chunk]:
        frame_type(frame)
        frames = self._complete.feed(frame)
        return [with_frame(self._chunk(f), NAME, f) for f in frames]

    def _chunk(self, frame: Json) -> Chunk:
        kind = frame["type"]
        if kind in (TEXT, REFUSAL):
            self._said = self._said or bool(frame["delta"])
            text, refusal = (frame["delta"], "") if kind == TEXT else ("", frame["delta"])
            return Chunk(text=text, refusal=refusal)
        if kind in (SUMMARY, REASONING):
            return Chunk(thinking=frame["delta"])
        if kind == "response.output_item.added" and frame["item"]["type"] in CALLS:
            return self._opened(frame["output_index"], frame["item"])
        if kind in (ARGUMENTS, INPUT):
            index = self._indexes[frame["output_index"]]
            return Chunk(tools=(ToolDelta(index, arguments=frame["delta"]),))
        if kind in FINAL:
            return self._last(frame)
        if kind in ("response.failed", "response.cancelled"):
            raise told_failure((frame.get("response") or {}).get("error") or {})
        return Chunk()

    def _opened(self, place: int, item: Json) -> Chunk:
        """A call. What it is called with comes in deltas, also where a server gave it here."""
        index = self._indexes[place] = len(self._indexes)
        self._said = True
        return Chunk(tools=(ToolDelta(index, item["call_id"], item["name"]),))

    def _last(self, frame: Json) -> Chunk:
        response = frame["response"]
        told = response.get("usage")
        usage = usage_of(told, answer=response)
        if not is_plain(told):
            response["usage"] = usage_out(usage)
        if frame["type"] == "response.incomplete":
            response["status"] = "incomplete"
        finish = cut_off(finish_from(response), said=self._said, reason=response.get("status"))
        response["status"] = status_out(finish)
        if response["status"] == "incomplete" and not response.get("incomplete_details"):
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        frame["type"] = f"response.{response['status']}"
        self.done = self._finished = True
        return Chunk(finish=finish, usage=usage)


class ResponsesEncoder:
    """Passes a Responses stream on, or builds one; the first chunk with content decides which.

    Code that rewrites chunks must therefore remove `wire` from all chunks of a stream, not from
    some: the `done` events of a passed-on stream repeat the text.
    """

    def __init__(self, request: Request, created: int) -> None:
        self._request = request
        self._created = created
        self._blocks = Blocks(request.id, "call")
        self._custom = {t.name for t in request.tools if t.extra.get("type") == "custom"}
        self._held: list[Json] | None = []
        self._passing = False
        self._begun = False
        self._closed = False
        self._number = 0
        self._output: list[Json] = []
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self.response: Json | None = None
        """The finished response object, once the stream has ended well."""

    def encode(self, chunk: Chunk) -> bytes:
        if chunk.index:
            return b""
        self._usage = chunk.usage or self._usage
        self._finish = chunk.finish or self._finish
        native = chunk.dialect == NAME and chunk.wire is not None
        if self._held is None:
            return self._pass_on(chunk) if self._passing else self._build(chunk)
        content = chunk.text or chunk.thinking or chunk.tools or chunk.refusal or chunk.finish
        if native and not content:
            assert chunk.wire is not None
            self._held.append(chunk.wire)
            return b""
        held, self._held = self._held, None
        self._passing = native and bool(held) and held[0].get("type") == "response.created"
        if not self._passing:
            return self._build(chunk)
        return b"".join([self._frame_on(f) for f in held]) + self._pass_on(chunk)

    def _event(self, kind: str, **rest: object) -> bytes:
        frame = {"type": kind, "sequence_number": self._number, **rest}
        self._number += 1
        return event(_ENCODE(frame), kind)

    # ------------------------------------------------------------ passing on

    def _pass_on(self, chunk: Chunk) -> bytes:
        if chunk.wire is None or chunk.dialect != NAME:
            return b""
        return self._frame_on(chunk.wire)

    def _frame_on(self, frame: Json) -> bytes:
        kind = frame["type"]
        self._begun = True
        self._closed = self._closed or kind in FINAL
        frame = {**frame, "sequence_number": self._number}
        self._number += 1
        if isinstance(frame.get("response"), dict):
            frame["response"] = addressed(frame["response"], self._request)
            if kind in FINAL:
                self.response = frame["response"]
        return event(_ENCODE(frame), kind)

    # ------------------------------------------------------------ building

    def _build(self, chunk: Chunk) -> bytes:
        steps = self._blocks.feed(chunk)
        return self._start() + self._encode(steps) if steps else b""

    def _encode(self, steps: list[Step]) -> bytes:
        return b"".join([self._step_out(s) for s in steps])

    def _start(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        response = self._response("in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _response(self, status: str, error: Json | None = None) -> Json:
        return response_out(
            self._request,
            self._created,
            status=status,
            output=self._output,
            finish=self._finish,
            usage=self._usage if status in ("completed", "incomplete") else None,
            error=error,
        )

    def _step_out(self, step: Step) -> bytes:
        block = step.block
        if block.kind == "redacted" or step.verb == "sign":
            return b""
        if step.verb == "open":
            return self._open(block)
        if step.verb == "delta":
            block.text += step.piece
            return self._delta(block, step.piece)
        return self._close(block)

    def _place(self, block: Block) -> dict[str, object]:
        return {"item_id": self._id(block), "output_index": len(self._output)}

    def _id(self, block: Block) -> str:
        prefix = {"tool": "fc", "thinking": "rs"}.get(block.kind, "msg")
        return f"{prefix}_{self._request.id}_{len(self._output)}"

    def _item(self, block: Block, status: str) -> Json:
        id = self._id(block)
        if block.kind == "tool":
            extra = {"type": "custom"} if block.name in self._custom else {}
            if block.namespace:
                extra["namespace"] = block.namespace
            return call_item(id, ToolCall(block.id, block.name, block.text, extra), status)
        if block.kind == "thinking":
            return reasoning_item(id, block.text)
        done = status == "completed"
        return message_item(id, [self._part(block)] if done else [], status)

    @staticmethod
    def _part(block: Block) -> Json:
        if block.kind == "refusal":
            return {"type": "refusal", "refusal": block.text}
        return text_part(block.text)

    def _open(self, block: Block) -> bytes:
        item, place = self._item(block, "in_progress"), self._place(block)
        head = self._event(
            "response.output_item.added", output_index=place["output_index"], item=item
        )
        if block.kind == "thinking":
            part = {"type": "summary_text", "text": ""}
            return head + self._event(
                "response.reasoning_summary_part.added", **place, summary_index=0, part=part
            )
        if block.kind == "tool":
            return head
        return head + self._event(
            "response.content_part.added", **place, content_index=0, part=self._part(block)
        )

    def _delta(self, block: Block, piece: str) -> bytes:
        place = self._place(block)
        if block.kind == "tool" and block.name in self._custom:
            return self._event("response.custom_tool_call_input.delta", **place, delta=piece)
        if block.kind == "tool":
            return self._event("response.function_call_arguments.delta", **place, delta=piece)
        if block.kind == "thinking":
            kind = "response.reasoning_summary_text.delta"
            return self._event(kind, **place, summary_index=0, delta=piece)
        if block.kind == "refusal":
            return self._event("response.refusal.delta", **place, content_index=0, delta=piece)
        kind = "response.output_text.delta"
        return self._event(kind, **place, content_index=0, delta=piece, logprobs=[])

    def _close(self, block: Block) -> bytes:
        place, item = self._place(block), self._item(block, "completed")
        tail = self._done(block, place)
        tail += self._event(
            "response.output_item.done", output_index=place["output_index"], item=item
        )
        self._output.append(item)
        return tail

    def _done(self, block: Block, place: dict[str, object]) -> bytes:
        if block.kind == "tool" and block.name in self._custom:
            kind = "response.custom_tool_call_input.done"
            return self._event(kind, **place, input=block.text)
        if block.kind == "tool":
            kind = "response.function_call_arguments.done"
            return self._event(kind, **place, name=block.name, arguments=block.text)
        if block.kind == "thinking":
            part = {"type": "summary_text", "text": block.text}
            kind = "response.reasoning_summary_text.done"
            return self._event(kind, **place, summary_index=0, text=block.text) + self._event(
                "response.reasoning_summary_part.done", **place, summary_index=0, part=part
            )
        if block.kind == "refusal":
            done = self._event(
                "response.refusal.done", **place, content_index=0, refusal=block.text
            )
        else:
            kind = "response.output_text.done"
            done = self._event(kind, **place, content_index=0, text=block.text, logprobs=[])
        return done + self._event(
            "response.content_part.done", **place, content_index=0, part=self._part(block)
        )

    def finish(self) -> bytes:
        held, self._held = self._held or [], None
        tail = b"".join([self._frame_on(f) for f in held])
        tail += self._start()
        if self._closed:
            return tail
        self._closed = True
        tail += self._encode(self._blocks.close())
        status = status_out(self._finish)
        self.response = self._response(status)
        return tail + self._event(f"response.{status}", response=self.response)

    def error(self, error: ShortstopError) -> bytes:
        """`response.failed`, or the plain `error` event when nothing has been sent."""
        self._held = None
        failure = {"code": error.code or error.type, "message": error.told}
        if not self._begun:
            body = error_body(error)["error"]
            return self._event("error", **{k: body[k] for k in ("code", "message", "param")})
        return self._event("response.failed", response=self._response("failed", failure))
