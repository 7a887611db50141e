"""A real CONNECT proxy that does as it is told, and remembers what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ConnectProxy:
    """`hosts` says where a name and port really lead. `says` is an answer in place of a tunnel;
    `hangs`: it gives none. `wants` is the authorization that it asks for."""

    def __init__(self) -> None:
        self.url = ""
        self.hosts: dict[str, tuple[str, int]] = {}
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.says = b""
        self.wants = b""
        self.hangs = False
        self.left = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ConnectProxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            method, authority, _ = head.split(b"\r\n")[0].decode().split(" ")
            self.asked.append(f"{method} {authority}")
            if self.hangs:
                await reader.read()
                self.left.set()
            elif self.says:
                writer.write(self.says)
                await writer.drain()
            elif self.wants and b"proxy-authorization: " + self.wants not in head.lower():
                writer.write(b"HTTP/1.1 407 Needs\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
                await writer.drain()
            else:
                host, _, port = authority.rpartition(":")
                where = self.hosts.get(authority, (host.strip("[]"), int(port)))
                await self._tunnel(where, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _tunnel(
        self, where: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(*where)
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
