"""A scripted model behind real HTTP: it does what the last user message tells it to.

`!status 429 retry=1 code=... advice=false`, `!hang`, `!garbage`, `!empty`, `!half`, `!slow`,
`!error-event`, `!say TEXT`, `!wait TEXT` (until `go`), `!crlf TEXT`, `!line CHARACTERS`,
`!call NAME JSON`; embedding `!hang` hangs too; a judge's question gets a verdict, anything else is
answered with an echo; `!tell` with
its secret. Remembers every byte it received and who hung up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


def _said(body: dict[str, Any]) -> str:
    """The text of the last message, in whatever form it came."""
    content = body["messages"][-1].get("content") or ""
    return content if isinstance(content, str) else str(content[0].get("text") or "")


class ScriptedModel:
    def __init__(self, name: str = "model") -> None:
        self.name = name
        self.received: list[bytes] = []
        self.abandoned = asyncio.Event()
        self.asked = asyncio.Event()
        self.url = ""
        self.fail_times = 0
        self.refuses = ""
        """An option that the model does not take."""
        self.trouble = ""
        """What everything is answered with, as after `!status`."""
        self.filters = False
        """Whether its vendor's filter stops every answer before its first word."""
        self.go = asyncio.Event()
        self.secret = ""
        """What `!tell` is answered with."""
        self.says = ""
        """What every text is answered with."""

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
                    await self._embed(json.loads(body), reader, writer)
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
        said = _said(body)
        verb, _, rest = said.partition(" ")
        verb, rest = self._failure(body) or (verb, rest)
        if self.says or verb == "!tell":
            verb, rest = "!say", self.says or self.secret
        if verb == "!status":
            await self._status(rest, writer)
        elif said.startswith('{"request":'):
            await self._whole('{"first": 9, "second": 7}', writer)
        elif verb == "!hang":
            await self._hang(reader)
        elif verb == "!wait":
            await self.go.wait()
            await self._whole(rest, writer)
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

    def _failure(self, body: dict[str, Any]) -> tuple[str, str] | None:
        if self.trouble:
            return "!status", self.trouble
        if self.refuses and self.refuses in body:
            return "!status", f"400 param={self.refuses} code=unsupported_parameter"
        if self.fail_times > 0:
            self.fail_times -= 1
            return "!status", "500"
        return None

    async def _embed(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Out of order on purpose: the index counts."""
        if body["input"] == "!hang":
            await self._hang(reader)
        data = [
            {"object": "embedding", "index": i, "embedding": [float(i), float(i) + 5]}
            for i in reversed(range(len(body["input"])))
        ]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        answer = {"object": "list", "data": data, "model": body["model"], "usage": usage}
        await self._json(json.dumps(answer).encode(), writer)

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        """Until the other side leaves."""
        await reader.read(1)
        self.abandoned.set()
        raise ConnectionError

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
        status, *words = rest.split()
        said = dict(word.split("=") for word in words if "=" in word)
        names = {"retry": "retry-after", "retry-ms": "retry-after-ms", "advice": "x-should-retry"}
        head = "".join(f"{names[k]}: {v}\r\n" for k, v in said.items() if k in names)
        error = {"message": said.get("message", "as scripted"), "type": "scripted", "param": None}
        error["param"] = said.get("param")
        body = json.dumps({"error": {**error, "code": said.get("code")}}).encode()
        await self._json(body, writer, int(status), head)

    async def _whole(self, text: str, writer: asyncio.StreamWriter) -> None:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        if self.filters:
            message["content"], choice["finish_reason"] = "", "content_filter"
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
        if verb in ("!crlf", "!line"):
            await self._odd_stream(rest if verb == "!crlf" else "x" * int(rest), writer)
        writer.write(self._frame({"role": "assistant", "content": ""}))
        if self.filters:
            writer.write(self._frame({}, "content_filter") + self._usage() + b"data: [DONE]\n\n")
            raise ConnectionError
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

    async def _odd_stream(self, text: str, writer: asyncio.StreamWriter) -> None:
        """CRLF, comments between the events, all of the text in one line."""
        frames = [self._frame({"role": "assistant", "content": text}), self._frame({}, "stop")]
        for frame in [*frames, self._usage(), b"data: [DONE]\n\n"]:
            writer.write(b": OPENROUTER PROCESSING\r\n\r\n" + frame.replace(b"\n", b"\r\n"))
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
