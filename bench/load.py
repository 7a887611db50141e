"""A small load generator: N keep-alive connections, each sending its next request at once.

    python -m bench.load URL --connections 32 --seconds 3 [--stream] [--continued]
                         [--model NAME] [--header H]

Every request has a number of its own in its text and every run a word of its own, so that no cache
answers twice and no request looks like a repetition; with `--continued` each is a second turn of a
conversation of its own. Prints one JSON line: requests a second and
the quantiles of the latency in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import string
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

NUMBER = b"#000000"
RUN = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=6))
PROMPT = (
    f"Ticket {NUMBER.decode()} of {RUN}. "
    + "Please summarise the following paragraph for a busy colleague. " * 14
)


class LoadConnection(asyncio.Protocol):
    """Sends the same request, differently numbered, until it is stopped."""

    sent = 0

    def __init__(self, request: bytes, spent: list[float], errors: list[int]) -> None:
        self._before, self._after = request.split(NUMBER)
        self._spent = spent
        self._errors = errors
        self.stopping = False
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._send()

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._started = time.perf_counter()
        LoadConnection.sent += 1
        self._transport.write(
            b"%b#%06d%b" % (self._before, LoadConnection.sent % 1_000_000, self._after)
        )

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() == 200:
            self._spent.append(time.perf_counter() - self._started)
        else:
            self._errors.append(self._parser.get_status_code())
        if self.stopping:
            self._transport.close()
        else:
            asyncio.get_running_loop().call_soon(self._send)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


ANSWERED = [
    {"role": "assistant", "content": "It says what it always says."},
    {"role": "user", "content": "And shorter?"},
]


def request_bytes(
    url: str, model: str, stream: bool, headers: Sequence[str], continued: bool = False
) -> bytes:
    parts = urlsplit(url)
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": PROMPT},
            *(ANSWERED if continued else ()),
        ],
        "max_tokens": 200,
    }
    if stream:
        body["stream"] = True
    data = json.dumps(body).encode()
    own = any(header.lower().startswith(("authorization:", "x-api-key:")) for header in headers)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(data)}\r\n"
    ) + ("" if own else "authorization: Bearer sk-x\r\n")
    more = "".join(f"{header}\r\n" for header in headers)
    return (head + more + "\r\n").encode() + data


async def load(
    url: str,
    connections: int,
    seconds: float,
    *,
    model: str = "mock",
    stream: bool = False,
    headers: Sequence[str] = (),
    continued: bool = False,
) -> dict[str, float]:
    """Requests a second, quantiles in ms, counts. Raises RuntimeError when nothing was answered."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    request = request_bytes(url, model, stream, headers, continued)
    loop = asyncio.get_running_loop()
    spent: list[float] = []
    errors: list[int] = []

    def new_connection() -> LoadConnection:
        return LoadConnection(request, spent, errors)

    opened = [
        (await loop.create_connection(new_connection, host, port))[1] for _ in range(connections)
    ]
    await asyncio.sleep(min(1.0, seconds / 3))
    spent.clear()
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    counted, took = sorted(spent), time.perf_counter() - started
    for connection in opened:
        connection.stopping = True
    await asyncio.wait([c.done for c in opened], timeout=10)
    if not counted:
        raise RuntimeError(f"nothing was answered; errors: {errors[:5]}")
    return {
        "requests_per_second": len(counted) / took,
        "p50_ms": 1e3 * counted[len(counted) // 2],
        "p99_ms": 1e3 * counted[int(0.99 * (len(counted) - 1))],
        "errors": float(len(errors)),
        "n": float(len(counted)),
        "sent": float(LoadConnection.sent),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--model", default="mock")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--continued", action="store_true")
    parser.add_argument("--header", action="append", default=[])
    a = parser.parse_args()
    result = uvloop.run(
        load(
            a.url,
            a.connections,
            a.seconds,
            model=a.model,
            stream=a.stream,
            headers=a.header,
            continued=a.continued,
        )
    )
    print(json.dumps(result))
