"""Somebody who is told, over real HTTP: answers, hangs, refuses, sends elsewhere, hangs up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

Manner = Literal["takes", "hangs", "fails", "redirects", "closes", "dribbles", "floods"]


class Receiver:
    """`heard` are the heads and bodies of all requests."""

    def __init__(self) -> None:
        self.manner: Manner = "takes"
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.news = asyncio.Condition()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Receiver]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.heard]

    async def until(self, count: int) -> None:
        """So many requests have been heard."""
        async with asyncio.timeout(30), self.news:
            await self.news.wait_for(lambda: len(self.heard) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await reader.readexactly(int(headers["content-length"]))
            async with self.news:
                self.heard.append((first, headers, body))
                self.news.notify_all()
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ok = b"HTTP/1.1 200 OK\r\ncontent-length: "
        if self.manner == "hangs":
            await reader.read(1)
        elif self.manner == "dribbles":
            writer.write(ok + b"9\r\n\r\n")
            await reader.read(1)
        elif self.manner == "floods":
            writer.write(ok + b"999999999\r\n\r\n" + b"x" * 100_000)
            await writer.drain()
            await reader.read(1)
        elif self.manner != "closes":
            status = {"fails": "500 No", "redirects": f"302 Go\r\nlocation: {self.url}/there"}
            answer = f"HTTP/1.1 {status.get(self.manner, '200 OK')}\r\ncontent-length: 2\r\n\r\nok"
            writer.write(answer.encode())
            await writer.drain()
