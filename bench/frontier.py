"""The recorded frontier: a real HTTP server in the OpenAI dialect that answers from a file.

    python -m bench.frontier --data bench/data/demo.jsonl --port 0

Knows the recorded conversations by their text; anything else gets a fixed sentence that says so.
Wants a bearer key, as vendors do. Counts tokens as characters / 4. Latency: time to the first
token is log-normal around `--first` seconds, then `--speed` tokens a second; 0 turns either off.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]
UNKNOWN = "This conversation is not among the recorded ones."
CHARS_PER_TOKEN = 4


def fingerprint(messages: list[Json]) -> str:
    """What a conversation says, whatever the order of its JSON keys."""
    text = json.dumps([[m["role"], m.get("content")] for m in messages], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def tokens(text: str) -> int:
    return math.ceil(len(text) / CHARS_PER_TOKEN)


class Frontier:
    def __init__(self, data: Path, first: float, speed: float, seed: int = 0) -> None:
        lines = data.read_text(encoding="utf-8").splitlines()
        self._answers = {fingerprint(r["messages"]): r for r in map(json.loads, lines)}
        self._first = first
        self._speed = speed
        self._chance = random.Random(seed)

    async def models(self, request: Request) -> Response:
        data = [{"id": "recorded", "object": "model", "created": 0, "owned_by": "bench"}]
        return JSONResponse({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Bearer "):
            error = {"message": "No key.", "type": "invalid_request_error", "code": None}
            return JSONResponse({"error": {**error, "param": None}}, 401)
        body = await request.json()
        message, finish = self._recorded(body)
        answer_text = message["content"] or json.dumps(message.get("tool_calls"))
        usage = _usage(json.dumps(body["messages"], ensure_ascii=False), answer_text)
        await self._think()
        head = {"id": "chatcmpl-recorded", "created": 1, "model": body["model"]}
        if body.get("stream"):
            stream = self._stream(head, message, finish, usage)
            return StreamingResponse(stream, media_type="text/event-stream")
        await self._speak(usage["completion_tokens"])
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        answer = {"object": "chat.completion", **head, "choices": [choice], "usage": usage}
        return JSONResponse(answer)

    def _recorded(self, body: Json) -> tuple[Json, str]:
        row = self._answers.get(fingerprint(body["messages"]), {"answer": UNKNOWN})
        message: Json = {"role": "assistant", "content": row["answer"], "refusal": None}
        if "answer_call" not in row:
            return message, "stop"
        call = {"id": "call_1", "type": "function", "function": row["answer_call"]}
        return {**message, "content": None, "tool_calls": [call]}, "tool_calls"

    async def _stream(
        self, head: Json, message: Json, finish: str, usage: Json
    ) -> AsyncIterator[bytes]:
        def frame(choices: list[Json], **more: Any) -> bytes:
            body = {"object": "chat.completion.chunk", **head, "choices": choices, **more}
            return b"data: " + json.dumps(body).encode() + b"\n\n"

        def delta(value: Json, finish: str | None = None) -> bytes:
            return frame([{"index": 0, "delta": value, "finish_reason": finish}])

        yield delta({"role": "assistant", "content": ""})
        if message.get("tool_calls"):
            yield delta({"tool_calls": [{"index": 0, **message["tool_calls"][0]}]})
        text = message["content"] or ""
        for at in range(0, len(text), CHARS_PER_TOKEN):
            await self._speak(1)
            yield delta({"content": text[at : at + CHARS_PER_TOKEN]})
        yield delta({}, finish)
        yield frame([], usage=usage)
        yield b"data: [DONE]\n\n"

    async def _think(self) -> None:
        if self._first:
            await asyncio.sleep(self._first * self._chance.lognormvariate(0, 0.35))

    async def _speak(self, count: int) -> None:
        if self._speed:
            await asyncio.sleep(count / self._speed)


def _usage(asked: str, answered: str) -> Json:
    prompt, completion = tokens(asked), tokens(answered)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def application(frontier: Frontier) -> Starlette:
    return Starlette(
        routes=[
            Route("/v1/chat/completions", frontier.chat, methods=["POST"]),
            Route("/v1/models", frontier.models),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("bench/data/demo.jsonl"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first", type=float, default=0.6, help="seconds to the first token")
    parser.add_argument("--speed", type=float, default=80.0, help="tokens a second")
    args = parser.parse_args()
    if not args.data.is_file():
        sys.exit(f"There is no file {args.data}; write it with python -m scripts.build_demo_data.")
    app = application(Frontier(args.data, args.first, args.speed))
    uvicorn.run(app, host="127.0.0.1", port=args.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
