"""The recorded frontier: a real HTTP server that answers the day's requests as the teacher would.

    python -m bench.company.frontier --records FILE --calls FILE --port N --scale 0.05

Speaks OpenAI chat completions and Anthropic messages, whole and streamed, wants a key, and declares
its usage. Sleeps `--scale` times the latency that each record states. A record is known by its
system prompt and text; what is asked in other words (one field of a document) by the text that
stands in it, and answered with the fields that the schema wants. Unknown requests get a sentence
that says so. Asked to judge two answers, it says what bench/company/judge.py does. Every call is a
line of `--calls`. The records are read again when the file grows.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bench.company.judge import SECONDS, verdict
from bench.company.stream import Ask, count_tokens, prompt_tokens
from shortstop.pipeline.judge import INSTRUCTIONS

Json = dict[str, Any]
UNKNOWN = "This conversation is not among the recorded ones."
UNKNOWN_SECONDS = 1.0
PIECE = 24
"""Characters of a streamed piece."""
LEAST_QUOTED = 40
"""Characters of a document from which on it is looked for inside other prompts."""


def record(ask: Ask) -> Json:
    """What the frontier has to know of a request."""
    return {
        "id": ask.id,
        "key": key_of(ask.system, ask.text),
        "text": ask.text if ask.kind == "extract" else "",
        "answer": ask.teacher,
        "calls": ask.kind == "tools" and ask.teacher.startswith("["),
        "seconds": ask.seconds,
        "check": ask.check,
        "gold": ask.gold,
    }


def key_of(system: str, text: str) -> str:
    return hashlib.blake2b(f"{system}\0{text}".encode(), digest_size=16).hexdigest()


class Asked:
    """A request in either dialect: system prompt, last text, wanted fields, and all that counts."""

    def __init__(self, body: Json) -> None:
        messages = body["messages"]
        systems = [m["content"] for m in messages if m["role"] in ("system", "developer")]
        self.system = "\n".join(map(_text, [body.get("system") or "", *systems])).strip()
        users = [_text(m["content"]) for m in messages if m["role"] == "user"]
        self.text = users[-1] if users else ""
        texts = [_text(m["content"]) for m in messages if m["role"] not in ("system", "developer")]
        self.prompt_tokens = prompt_tokens([self.system, *texts], body.get("tools"))
        output: Json = body.get("output_config", {})
        wanted: Json = body.get("response_format") or output.get("format") or {}
        schema = wanted.get("json_schema", wanted).get("schema") or {}
        self.fields: list[str] = list(schema.get("properties", {}))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return str(content or "")


class Frontier:
    """Answers from `records`; appends a line to `calls` for every request."""

    def __init__(self, records: Path, calls: Path, scale: float) -> None:
        self._records = records
        self._calls = calls
        self._scale = scale
        self._known: dict[str, Json] = {}
        self._documents: dict[str, Json] = {}
        self._read = 0

    def find(self, asked: Asked) -> Json | None:
        """The record that a request is about."""
        self._refresh()
        exact = self._known.get(key_of(asked.system, asked.text))
        if exact is not None:
            return exact
        prompt = f"{asked.system}\n{asked.text}"
        inside = (r for text, r in self._documents.items() if text in prompt)
        found = max(inside, key=lambda r: len(r["text"]), default=None)
        return None if found is None else {**found, "answer": _only(found["answer"], asked.fields)}

    def _judged(self, asked: Asked) -> Json:
        """A verdict on two answers, as if it were a record."""
        self._refresh()
        material = json.loads(asked.text)
        turns = material["request"]
        system = "\n".join(turn["text"] for turn in turns if turn["role"] == "system").strip()
        users = [turn["text"] for turn in turns if turn["role"] == "user"]
        row = self._known.get(key_of(system, users[-1] if users else ""))
        said = verdict(row, material)
        return {"id": "judge", "key": "", "answer": said, "seconds": SECONDS}

    def _refresh(self) -> None:
        size = self._records.stat().st_size
        if size == self._read:
            return
        with self._records.open(encoding="utf-8") as file:
            file.seek(self._read)
            for line in file:
                row = json.loads(line)
                self._known[row["key"]] = row
                if len(row["text"]) >= LEAST_QUOTED:
                    self._documents[row["text"]] = row
            self._read = file.tell()

    async def openai(self, request: Request) -> Response:
        body = await request.json()
        if "authorization" not in request.headers:
            return JSONResponse({"error": {"message": "No key.", "type": "auth"}}, 401)
        asked, row = await self._answered(body)
        usage = _openai_usage(asked, row)
        head = {"id": "chatcmpl-recorded", "created": 1, "model": body["model"]}
        if body.get("stream"):
            frames = _openai_frames(head, row, usage)
            return StreamingResponse(_sent(frames), media_type="text/event-stream")
        choice = {"index": 0, **_openai_choice(row), "logprobs": None}
        return JSONResponse(
            {"object": "chat.completion", **head, "choices": [choice], "usage": usage}
        )

    async def anthropic(self, request: Request) -> Response:
        body = await request.json()
        if not {"x-api-key", "authorization"} & set(request.headers):
            error = {"type": "authentication_error", "message": "No key."}
            return JSONResponse({"type": "error", "error": error}, 401)
        asked, row = await self._answered(body)
        usage = {
            "input_tokens": asked.prompt_tokens,
            "output_tokens": count_tokens(row["answer"]),
        }
        message = {
            "id": "msg_recorded",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": _anthropic_blocks(row),
            "stop_reason": "tool_use" if row.get("calls") else "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }
        if body.get("stream"):
            frames = _anthropic_frames(message)
            return StreamingResponse(_sent(frames), media_type="text/event-stream")
        return JSONResponse(message)

    async def _answered(self, body: Json) -> tuple[Asked, Json]:
        asked = Asked(body)
        row = self._judged(asked) if asked.system == INSTRUCTIONS else self.find(asked)
        line = {
            "id": row["id"] if row else None,
            "prompt": asked.prompt_tokens,
            "completion": count_tokens(row["answer"] if row else UNKNOWN),
            "whole": row is not None and row["key"] == key_of(asked.system, asked.text),
        }
        if row is None:
            line["unknown"] = asked.text[:200]
        with self._calls.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        await asyncio.sleep(self._scale * (row["seconds"] if row else UNKNOWN_SECONDS))
        return asked, row or {"answer": UNKNOWN}


def _only(answer: str, fields: list[str]) -> str:
    """The fields that are wanted of an answer that holds more."""
    whole = json.loads(answer)
    return json.dumps({k: v for k, v in whole.items() if not fields or k in fields})


async def _sent(frames: Iterable[bytes]) -> AsyncIterator[bytes]:
    for frame in frames:
        yield frame


def _calls(row: Json) -> list[tuple[str, Json]]:
    return [pair for call in json.loads(row["answer"]) for pair in call.items()]


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _openai_usage(asked: Asked, row: Json) -> Json:
    completion = count_tokens(row["answer"])
    total = asked.prompt_tokens + completion
    return {
        "prompt_tokens": asked.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": total,
    }


def _openai_choice(row: Json) -> Json:
    message: Json = {"role": "assistant", "content": row["answer"], "refusal": None}
    if not row.get("calls"):
        return {"message": message, "finish_reason": "stop"}
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": k, "arguments": json.dumps(v)}}
        for n, (k, v) in enumerate(_calls(row))
    ]
    message = {**message, "content": None, "tool_calls": calls}
    return {"message": message, "finish_reason": "tool_calls"}


def _openai_frames(head: Json, row: Json, usage: Json) -> Iterable[bytes]:
    def frame(choices: list[Json], **more: Any) -> bytes:
        body = {"object": "chat.completion.chunk", **head, "choices": choices, **more}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    def delta(value: Json, finish: str | None = None) -> bytes:
        return frame([{"index": 0, "delta": value, "finish_reason": finish}])

    choice = _openai_choice(row)
    yield delta({"role": "assistant", "content": ""})
    for n, call in enumerate(choice["message"].get("tool_calls", [])):
        yield delta({"tool_calls": [{"index": n, **call}]})
    for piece in _pieces(choice["message"]["content"] or ""):
        yield delta({"content": piece})
    yield delta({}, choice["finish_reason"])
    yield frame([], usage=usage)
    yield b"data: [DONE]\n\n"


def _anthropic_blocks(row: Json) -> list[Json]:
    if not row.get("calls"):
        return [{"type": "text", "text": row["answer"]}]
    return [
        {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": arguments}
        for n, (name, arguments) in enumerate(_calls(row))
    ]


def _anthropic_frames(message: Json) -> Iterable[bytes]:
    def frame(kind: str, **body: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n".encode()

    yield frame("message_start", message={**message, "content": [], "stop_reason": None})
    for n, block in enumerate(message["content"]):
        if block["type"] == "text":
            yield frame("content_block_start", index=n, content_block={**block, "text": ""})
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
        else:
            yield frame("content_block_start", index=n, content_block={**block, "input": {}})
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        for delta in deltas:
            yield frame("content_block_delta", index=n, delta=delta)
        yield frame("content_block_stop", index=n)
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield frame("message_delta", delta=ending, usage=message["usage"])
    yield frame("message_stop")


def application(frontier: Frontier) -> Starlette:
    return Starlette(
        routes=[
            Route("/v1/chat/completions", frontier.openai, methods=["POST"]),
            Route("/v1/messages", frontier.anthropic, methods=["POST"]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The recorded frontier.")
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--calls", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scale", type=float, default=0.05)
    args = parser.parse_args()
    app = application(Frontier(args.records, args.calls, args.scale))
    uvicorn.run(app, host="127.0.0.1", port=args.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
