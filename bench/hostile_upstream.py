"""A vendor that answers what nobody can want; the model that is asked for says what.

python -m bench.hostile_upstream --port 9001
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator

import uvloop

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
BLOCK = b"x" * 65_536
LARGE = 30_000_000


def _frame(delta: dict[str, str]) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**frame, "choices": [choice]}).encode() + b"\n\n"


def _whole(content: str) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    encoded = json.dumps(body).encode()
    return OK + b"content-length: %d\r\n\r\n" % len(encoded) + encoded


def _endless(first: bytes, piece: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield piece


def _values() -> Iterator[bytes]:
    body = b'{"choices":[' + b"[]," * (LARGE // 3) + b"0]}"
    yield OK + b"content-length: %d\r\n\r\n" % len(body) + body


def answer(model: str) -> Iterator[bytes]:
    """The pieces of the answer that goes by this name."""
    if model == "large":
        return iter([_whole("All work and no play. " * (LARGE // 22))])
    if model == "values":
        return _values()
    chunked = OK + b"transfer-encoding: chunked\r\n\r\n"
    return {
        "endless": _endless(OK + b"\r\n", BLOCK),
        "endless-line": _endless(EVENTS + b"data: ", BLOCK),
        "endless-events": _endless(EVENTS, _frame({"content": "a"}) * 400),
        "endless-thoughts": _endless(EVENTS, _frame({"reasoning_content": "a"}) * 400),
        "endless-head": _endless(OK + b"x-a: ", BLOCK),
        "endless-chunks": _endless(chunked, b"1\r\nx\r\n" * 9000),
    }[model]


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            for piece in answer(body["model"]):
                writer.write(piece)
                await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()


async def main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, limit=1 << 26)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(main(parser.parse_args().port))
