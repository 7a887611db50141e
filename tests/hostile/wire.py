"""HTTP by hand: what no client library would send, and every byte of what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

CHAT = "/v1/chat/completions"
JSON = ("content-type", "application/json")
Headers = Sequence[tuple[str, str]]


@dataclass
class Reply:
    """`status` 0: the connection was closed without an answer."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    interim: list[int] = field(default_factory=list)

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.status} {self.body[:160]!r}"


def said(text: str, model: str = "big", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def head(method: str, target: str, headers: Headers, version: str = "1.1") -> bytes:
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def request(
    method: str, target: str, headers: Headers = (), body: Any = None, *, host: str = "127.0.0.1"
) -> bytes:
    """One request; a body that is no bytes is written as JSON. `host` "": no such line."""
    lines = [("host", host)] if host else []
    lines += headers
    if body is None:
        return head(method, target, lines)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = [name.lower() for name, _ in headers]
    if not isinstance(body, bytes) and "content-type" not in names:
        lines.append(JSON)
    if "content-length" not in names and "transfer-encoding" not in names:
        lines.append(("content-length", str(len(content))))
    return head(method, target, lines) + content


async def talk(
    port: int,
    *pieces: bytes,
    replies: int = 1,
    bodiless: bool = False,
    shut: bool = False,
    seconds: float = 10.0,
) -> list[Reply]:
    """What comes back for `pieces`, until there are so many replies or the connection is closed.

    `bodiless`: to HEAD. `shut`: the client closes its side after the last piece.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    found: list[Reply] = []
    try:
        async with asyncio.timeout(seconds):
            with suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if shut:
                    writer.write_eof()
            while len(found) < replies:
                found.append(await _reply(reader, bodiless))
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()
    return found or [Reply()]


async def _reply(reader: asyncio.StreamReader, bodiless: bool) -> Reply:
    reply = Reply()
    while True:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        reply.status = int(lines[0].split(" ")[1])
        reply.headers = [
            (name.lower(), value.strip())
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        ]
        if reply.status != 101 and reply.status < 200:
            reply.interim.append(reply.status)
            continue
        break
    if bodiless or reply.status in (101, 204, 304):
        return reply
    if length := reply.header("content-length"):
        reply.body = await reader.readexactly(int(length))
    elif reply.header("transfer-encoding") == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            reply.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    else:
        reply.body = await reader.read(-1)
    return reply
