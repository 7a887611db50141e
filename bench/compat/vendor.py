"""A scripted frontier for agents: a real HTTP server in Anthropic's dialect and OpenAI's.

It decides its next move from the transcript that it is sent, streams it, and keeps a memory of
everything it ever sent: what comes back changed in a later transcript is a fault. Of the vendors'
own rules it enforces those that gateways trip over: a key, and no beta field without its header.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]
KEY = "key-of-the-scripted-vendor"
BETA_FIELDS = {"context_management": "context-management-2025-06-27"}
"""Refused without the header, as the vendor does: "Extra inputs are not permitted"."""


@dataclass(frozen=True)
class Call:
    """What the model wants done. `given` is text for a tool that takes no JSON."""

    name: str
    given: Json | str


Script = Callable[[list[str]], Call | str]
"""The results of the tools so far -> the next call, or the last words."""


@dataclass
class ScriptedVendor:
    """`script` may be changed between agents, `received` and `faults` are read after each."""

    script: Script = lambda results: "Nothing was asked."
    received: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    url: str = ""
    _sent: dict[str, Json] = field(default_factory=dict)

    def begin(self, script: Script) -> None:
        self.script = script
        self.received, self.faults, self._sent = [], [], {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedVendor]:
        routes = [
            Route("/v1/messages", self._messages, methods=["POST"]),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), log_level="warning", access_log=False)
        server, door = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            yield self
        finally:
            server.should_exit = True
            await serving

    # ------------------------------------------------------------ Anthropic's dialect

    async def _messages(self, request: Request) -> Response:
        raw = await request.body()
        self.received.append(raw)
        body, betas = json.loads(raw), request.headers.get("anthropic-beta", "").split(",")
        if request.headers.get("x-api-key") != KEY:
            return self._refused(401, "authentication_error", "invalid x-api-key")
        for name, beta in BETA_FIELDS.items():
            if name in body and beta not in betas:
                reason = f"{name}: Extra inputs are not permitted"
                return self._refused(400, "invalid_request_error", reason)
        blocks = [b for m in body["messages"] if isinstance(m["content"], list)
                  for b in m["content"]]  # fmt: skip
        if body.get("tools"):
            self._compare([b for b in map(_plain, blocks) if b["type"] in _OURS])
        results = [_words(b.get("content")) for b in blocks if b["type"] == "tool_result"]
        frames = self._message(body, self._next(body, results))
        return StreamingResponse(frames, media_type="text/event-stream")

    def _refused(self, status: int, kind: str, message: str) -> Response:
        self.faults.append(f"{status} {message}")
        error = {"type": "error", "error": {"type": kind, "message": message}}
        return JSONResponse(error, status)

    def _message(self, body: Json, move: Call | str) -> Iterator[bytes]:
        def frame(kind: str, **more: Any) -> bytes:
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()

        usage = {"input_tokens": 900, "cache_read_input_tokens": 100, "output_tokens": 1}
        head = {"id": _id("msg_"), "type": "message", "role": "assistant", "model": body["model"],
                "content": [], "stop_reason": None, "stop_sequence": None}  # fmt: skip
        yield frame("message_start", message={**head, "usage": usage})
        yield frame("ping")
        for at, block in enumerate(self._blocks(body, move)):
            start, deltas = _pieces(block)
            yield frame("content_block_start", index=at, content_block=start)
            for delta in deltas:
                yield frame("content_block_delta", index=at, delta=delta)
            yield frame("content_block_stop", index=at)
        stop = {"stop_reason": "tool_use" if isinstance(move, Call) else "end_turn"}
        yield frame("message_delta", delta={**stop, "stop_sequence": None},
                    usage={"output_tokens": 60})  # fmt: skip
        yield frame("message_stop")

    def _blocks(self, body: Json, move: Call | str) -> list[Json]:
        """Thinking where it was asked for: signed, and once sealed as well."""
        asked = body.get("thinking") or {}
        blocks: list[Json] = []
        if asked.get("type") in ("enabled", "adaptive"):
            thought = "" if asked.get("display") == "omitted" else "Zwei + zwei \u2260 0 \u2026"
            blocks.append({"type": "thinking", "thinking": thought, "signature": _seal()})
            if isinstance(move, Call) and not self._sent:
                blocks.append({"type": "redacted_thinking", "data": _seal()})
        if isinstance(move, Call):
            call = {"type": "tool_use", "id": _id("toolu_01"), "name": move.name}
            blocks.append({**call, "input": move.given})
        else:
            blocks.append({"type": "text", "text": move})
        self._remember(b for b in blocks if b["type"] in _OURS)
        return blocks

    # ------------------------------------------------------------ OpenAI's dialect

    async def _chat(self, request: Request) -> Response:
        raw = await request.body()
        self.received.append(raw)
        body = json.loads(raw)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return self._refused(401, "invalid_api_key", "Incorrect API key provided")
        if body.get("tools"):
            self._compare([c for m in body["messages"] for c in m.get("tool_calls") or ()])
        results = [_words(m["content"]) for m in body["messages"] if m["role"] == "tool"]
        frames = self._chunks(body, self._next(body, results))
        return StreamingResponse(frames, media_type="text/event-stream")

    def _chunks(self, body: Json, move: Call | str) -> Iterator[bytes]:
        head = {"id": _id("chatcmpl-"), "object": "chat.completion.chunk", "created": 1,
                "model": body["model"]}  # fmt: skip

        def frame(choices: list[Json], **more: Any) -> bytes:
            return f"data: {json.dumps({**head, 'choices': choices, **more})}\n\n".encode()

        def delta(value: Json, finish: str | None = None) -> bytes:
            return frame([{"index": 0, "delta": value, "finish_reason": finish}])

        yield delta({"role": "assistant", "content": None if isinstance(move, Call) else ""})
        if isinstance(move, Call):
            yield from map(delta, self._called(move))
        else:
            for piece in _halves(move):
                yield delta({"content": piece})
        yield delta({}, "tool_calls" if isinstance(move, Call) else "stop")
        usage = {"prompt_tokens": 1000, "completion_tokens": 60, "total_tokens": 1060}
        yield frame([], usage=usage)
        yield b"data: [DONE]\n\n"

    def _called(self, move: Call) -> Iterator[Json]:
        custom = isinstance(move.given, str)
        kind, inside = ("custom", "input") if custom else ("function", "arguments")
        given = move.given if isinstance(move.given, str) else json.dumps(move.given)
        call = {"id": _id("call_"), "type": kind}
        self._remember([{**call, kind: {"name": move.name, inside: given}}])
        first, second = _halves(given)
        yield {"tool_calls": [{"index": 0, **call, kind: {"name": move.name, inside: first}}]}
        yield {"tool_calls": [{"index": 0, kind: {inside: second}}]}

    # ------------------------------------------------------------ memory

    def _next(self, body: Json, results: list[str]) -> Call | str:
        """A request that offers no tools is an agent's side errand: a title, a summary."""
        return self.script(results) if body.get("tools") else "A wrong sum"

    def _remember(self, things: Iterator[Json] | list[Json]) -> None:
        self._sent.update({_name(thing): thing for thing in things})

    def _compare(self, things: list[Json]) -> None:
        """Everything that was sent comes back, in its order and unchanged."""
        names = [_name(thing) for thing in things]
        for name, thing in zip(names, things, strict=True):
            if _meaning(self._sent.get(name)) != _meaning(thing):
                self.faults.append(f"came back changed: {json.dumps(thing)[:120]}")
        if names != list(self._sent):
            self.faults.append(f"lost or out of order: {len(names)} of {len(self._sent)} came back")


_OURS = ("thinking", "redacted_thinking", "tool_use")


def _plain(block: Json) -> Json:
    """Without the mark that clients set and move."""
    return {k: v for k, v in block.items() if k != "cache_control"}


def _name(thing: Json) -> str:
    return str(thing.get("id") or thing.get("signature") or thing.get("data"))


def _meaning(thing: Json | None) -> Json | None:
    """JSON that was carried as text is read: its spaces say nothing."""
    function = (thing or {}).get("function")
    if thing is None or function is None:
        return thing
    return {**thing, "function": {**function, "arguments": json.loads(function["arguments"])}}


def _id(start: str) -> str:
    return start + secrets.token_hex(11)


def _seal() -> str:
    """Long and with every character that a careless hand would escape or trim."""
    return f"Er+/{secrets.token_urlsafe(300)}/+=="


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or ())


def _halves(text: str) -> tuple[str, str]:
    middle = len(text) // 2
    return text[:middle], text[middle:]


def _pieces(block: Json) -> tuple[Json, list[Json]]:
    """A block as its stream tells it: how it starts, and its deltas."""
    kind = block["type"]
    if kind == "tool_use":
        first, second = _halves(json.dumps(block["input"]))
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in ("", first, second)]
        return {**block, "input": {}}, deltas
    if kind == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": block["thinking"]}]
        seal = {"type": "signature_delta", "signature": block["signature"]}
        start = {**block, "thinking": "", "signature": ""}
        return start, [*(thoughts if block["thinking"] else []), seal]
    if kind == "text":
        return {"type": "text", "text": ""}, [
            {"type": "text_delta", "text": piece} for piece in _halves(block["text"])
        ]
    return block, []
