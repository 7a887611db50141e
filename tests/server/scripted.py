"""A scripted model behind real HTTP: it does what the last user message tells it to.

`!status 429 retry=1`, `!hang`, `!garbage`, `!empty`, `!half`, `!error-event`, `!slow`, `!say X`,
`!tell` (its secret), `!call NAME JSON`; a judge gets a verdict, anything else is answered
with an echo. Remembers every byte it received and who hung up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class ScriptedModel:
    def __init__(self, name: str = "model") -> None:
        self.name = name
        self.received: list[bytes] = []
        self.abandoned = asyncio.Event()
        self.asked = asyncio.Event()
        self.url = ""
        self.fail_times = 0
        self.secret = ""
        """What `!tell` is answered with."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedModel]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(raw.split(b"\r\n\r\n", 1)[1]) for raw in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                body = await reader.readexactly(length)
                self.received.append(head + body)
                self.asked.set()
                if head.split(b" ")[1].endswith(b"/embeddings"):
                    await self._embed(json.loads(body), writer)
                elif head.split(b" ")[1].endswith(b"/count_tokens"):
                    await self._json(b'{"input_tokens":4242}', writer)
                elif head.split(b" ")[1].endswith(b"/messages"):
                    await self._claude(writer)
                else:
                    await self._answer(json.loads(body), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        content = body["messages"][-1]["content"]
        said = content if isinstance(content, str) else content[0].get("text", "")
        verb, _, rest = said.partition(" ")
        if self.fail_times > 0:
            self.fail_times -= 1
            verb, rest = "!status", "500"
        if verb == "!tell":
            verb, rest = "!say", self.secret
        if verb == "!status":
            await self._status(rest, writer)
        elif said.startswith('{"request":'):
            await self._whole('{"first": 9, "second": 7}', writer)
        elif verb == "!hang":
            await reader.read(1)
            self.abandoned.set()
            raise ConnectionError
        elif verb == "!garbage":
            await self._json(b"<html>oops", writer)
        elif verb == "!empty":
            await self._json(b"", writer)
        elif verb == "!call":
            name, _, arguments = rest.partition(" ")
            await self._call(name, arguments, writer, stream=bool(body.get("stream")))
        elif body.get("stream"):
            await self._stream(verb, rest, said, reader, writer)
        else:
            await self._whole(rest if verb == "!say" else f"echo: {said}", writer)

    async def _embed(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Out of order on purpose: the index counts."""
        data = [
            {"object": "embedding", "index": i, "embedding": [float(i), float(i) + 5]}
            for i in reversed(range(len(body["input"])))
        ]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        answer = {"object": "list", "data": data, "model": body["model"], "usage": usage}
        await self._json(json.dumps(answer).encode(), writer)

    async def _claude(self, writer: asyncio.StreamWriter) -> None:
        """A message in Anthropic's dialect."""
        answer = {
            "id": "msg_scripted",
            "type": "message",
            "role": "assistant",
            "model": self.name,
            "content": [{"type": "text", "text": "as scripted"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }
        await self._json(json.dumps(answer).encode(), writer)

    async def _status(self, rest: str, writer: asyncio.StreamWriter) -> None:
        status, _, extra = rest.partition(" ")
        retry = f"retry-after: {extra.removeprefix('retry=')}\r\n" if extra else ""
        error = {"message": "as scripted", "type": "scripted", "code": None, "param": None}
        await self._json(json.dumps({"error": error}).encode(), writer, int(status), retry)

    async def _whole(self, text: str, writer: asyncio.StreamWriter) -> None:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        answer = {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": 1,
            "model": self.name,
            "choices": [choice],
            "usage": usage,
            "vendor_extension": {"kept": True},
        }
        await self._json(json.dumps(answer).encode(), writer)

    async def _call(
        self, name: str, arguments: str, writer: asyncio.StreamWriter, *, stream: bool
    ) -> None:
        """A tool call; streamed, its arguments come in two fragments."""
        call = {"id": "call_1", "type": "function"}
        if not stream:
            function = {"name": name, "arguments": arguments}
            message = {"role": "assistant", "content": None}
            calls = [{**call, "function": function}]
            choice = {"index": 0, "message": {**message, "tool_calls": calls}}
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            answer = {**self._head(), "object": "chat.completion", "usage": usage}
            answer["choices"] = [{**choice, "finish_reason": "tool_calls"}]
            await self._json(json.dumps(answer).encode(), writer)
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        )
        half = len(arguments) // 2
        first = {"index": 0, **call, "function": {"name": name, "arguments": arguments[:half]}}
        second = {"index": 0, "function": {"arguments": arguments[half:]}}
        for delta in ({"role": "assistant"}, {"tool_calls": [first]}, {"tool_calls": [second]}):
            writer.write(self._frame(delta))
        writer.write(self._frame({}, "tool_calls") + self._usage() + b"data: [DONE]\n\n")
        await writer.drain()
        raise ConnectionError

    async def _json(
        self, body: bytes, writer: asyncio.StreamWriter, status: int = 200, extra: str = ""
    ) -> None:
        head = (
            f"HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\n"
            f"{extra}content-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()

    async def _stream(
        self,
        verb: str,
        rest: str,
        said: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        )
        if verb == "!error-event":
            writer.write(b'data: {"error": {"message": "broke", "type": "server_error"}}\n\n')
            await writer.drain()
            raise ConnectionError
        words = (rest if verb in ("!say", "!half", "!slow") else f"echo: {said}").split(" ")
        writer.write(self._frame({"role": "assistant", "content": ""}))
        for word in words:
            writer.write(self._frame({"content": word + " "}))
            await writer.drain()
        if verb == "!slow":
            await reader.read(1)
            self.abandoned.set()
        elif verb != "!half":
            writer.write(self._frame({}, "stop") + self._usage() + b"data: [DONE]\n\n")
        await writer.drain()
        raise ConnectionError

    def _head(self) -> dict[str, Any]:
        return {
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self.name,
        }

    def _frame(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + json.dumps({**self._head(), "choices": [choice]}).encode() + b"\n\n"

    def _usage(self) -> bytes:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        frame = {**self._head(), "choices": [], "usage": usage}
        return b"data: " + json.dumps(frame).encode() + b"\n\n"
