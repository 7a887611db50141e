"""An upstream that answers with exact bytes over real HTTP, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer. `piece`: so many bytes at a time; `stays_open`: the connection, behind it.
    `raw`: every byte of it, head and all, in place of the rest."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    piece: int | None = None
    stays_open: bool = False
    raw: bytes = b""


class Vendor:
    """Answers every request with what `script` makes of its body."""

    def __init__(self) -> None:
        self.url = ""
        self.script: Callable[[dict[str, Any]], Scripted] = lambda _: Scripted(b"{}")
        self.received: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Vendor]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.received.append((first.split(" ")[1], headers, body))
            await self._answer(self.script(body), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, answer: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if answer.raw:
            writer.write(answer.raw)
            await writer.drain()
            return
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head = f"HTTP/1.1 {answer.status} Scripted\r\n{lines}connection: close\r\n\r\n"
        writer.write(head.encode())
        size = answer.piece or len(answer.body) or 1
        for start in range(0, len(answer.body), size):
            writer.write(answer.body[start : start + size])
            if answer.piece:
                await writer.drain()
        await writer.drain()
        if answer.stays_open:
            await reader.read(1)
