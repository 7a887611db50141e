"""An OpenTelemetry collector behind real HTTP that remembers what it was sent, and does what it is
told: refuse, ask to wait, hang, hang up."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple


class Delivery(NamedTuple):
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ScriptedAnswer(NamedTuple):
    status: int = 200
    body: bytes = b'{"partialSuccess":{}}'
    headers: str = ""


HANG, HANG_UP = ScriptedAnswer(0), ScriptedAnswer(1)


class Sink:
    """`answers` are given in turn, then everything is taken."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.deliveries: list[Delivery] = []
        self.answers: deque[ScriptedAnswer] = deque()
        self._news = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Sink]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        try:
            yield self
        finally:
            server.close()
            for writer in list(self._writers):
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = (line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers["content-length"]))
                async with self._news:
                    path = head[0].split(" ")[1]
                    self.deliveries.append(Delivery(path, headers, json.loads(body)))
                    self._news.notify_all()
                answer = self.answers.popleft() if self.answers else ScriptedAnswer()
                if answer is HANG:
                    await reader.read(1)
                if answer in (HANG, HANG_UP):
                    return
                writer.write(
                    f"HTTP/1.1 {answer.status} Scripted\r\ncontent-type: application/json\r\n"
                    f"{answer.headers}content-length: {len(answer.body)}\r\n\r\n".encode()
                    + answer.body
                )
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    async def delivered(self, deliveries: int) -> None:
        """Wait until so many have arrived."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.deliveries) >= deliveries)

    async def told(self, name: str, value: object) -> None:
        """Wait until a span has this attribute."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(
                lambda: any(told_of(span).get(name) == value for span in self.spans())
            )

    def spans(self) -> list[dict[str, Any]]:
        """In the order of their arrival."""
        return [
            span
            for delivery in self.deliveries
            for resource in delivery.body.get("resourceSpans", ())
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """Points by the metric's name, of the newest delivery."""
        bodies = [d.body for d in self.deliveries if "resourceMetrics" in d.body]
        (resource,) = bodies[-1]["resourceMetrics"]
        (scope,) = resource["scopeMetrics"]
        return {m["name"]: m["histogram"]["dataPoints"] for m in scope["metrics"]}


def told_of(thing: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, a point or a resource, as plain values."""
    return {one["key"]: _plain(one["value"]) for one in thing["attributes"]}


def _plain(value: dict[str, Any]) -> Any:
    ((kind, plain),) = value.items()
    if kind == "arrayValue":
        return [_plain(one) for one in plain["values"]]
    return int(plain) if kind == "intValue" else plain
