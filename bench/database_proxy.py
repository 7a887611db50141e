"""Between gateways and a PostgreSQL server: late, gone or silent when a benchmark wants it so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class DatabaseProxy:
    """Listens on a TCP port of loopback. `delay`: what the database says arrives so many seconds
    later."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / ".s.PGSQL.5432")
        self.port = 0
        self.delay = 0.0
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._away = False
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self._cut()

    def well(self) -> None:
        self.delay, self._away = 0.0, False
        self._speaks.set()

    def refuse(self) -> None:
        """Connections end, and nobody gets a new one."""
        self._away = True
        self._cut()

    def hang(self) -> None:
        """Connections are taken, and nothing is ever said."""
        self._speaks.clear()

    def _cut(self) -> None:
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._away:
            writer.close()
            return
        there, out = await asyncio.open_unix_connection(self._socket)
        self._open |= {writer, out}
        try:
            await asyncio.gather(
                self._pass(reader, out, said=False), self._pass(there, writer, said=True)
            )
        finally:
            self._open -= {writer, out}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, said: bool
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if said and self.delay:
                    await asyncio.sleep(self.delay)
                await self._speaks.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
