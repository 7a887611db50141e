"""An upstream that answers at once: the cost of calling it is the cost of HTTP alone.

    python -m bench.mock_upstream --port 9000

POST with `"stream":true` in the body gets 50 chunks, anything else one chat completion.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

import httptools
import uvloop

CHUNKS = 50
TEXT = "All work and no play makes a dull benchmark. " * 18
USAGE = {"prompt_tokens": 250, "completion_tokens": 200, "total_tokens": 450}


def _whole() -> bytes:
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    body = json.dumps(
        {
            "id": "chatcmpl-mock",
            "object": "chat.completion",
            "created": 1,
            "model": "mock",
            "choices": [choice],
            "usage": USAGE,
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def _stream() -> bytes:
    head = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1, "model": "mock"}

    def frame(choices: list[object], **more: object) -> bytes:
        data = b"data: " + json.dumps({**head, "choices": choices, **more}).encode() + b"\n\n"
        return f"{len(data):x}\r\n".encode() + data + b"\r\n"

    def delta(value: dict[str, str], finish: str | None = None) -> bytes:
        return frame([{"index": 0, "delta": value, "finish_reason": finish}])

    frames = [delta({"role": "assistant", "content": ""})]
    frames += [delta({"content": f"word{i} "}) for i in range(CHUNKS)]
    frames += [delta({}, "stop"), frame([], usage=USAGE)]
    done = b"data: [DONE]\n\n"
    tail = f"{len(done):x}\r\n".encode() + done + b"\r\n0\r\n\r\n"
    start = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return start + b"".join(frames) + tail


WHOLE, STREAM = _whole(), _stream()


class Mock(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        streamed = b'"stream":true' in self._body.replace(b" ", b"")
        self._body = b""
        self._transport.write(STREAM if streamed else WHOLE)


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Mock, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(main(parser.parse_args().port))
