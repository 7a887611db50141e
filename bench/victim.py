"""Another tenant: asks for `/health` and for a named model, and measures how long each took.

    python -m bench.victim --port 8484 --key KEY --seconds 5

Prints one JSON line: for each of the two, how many were answered, how many not, and the quantiles
in milliseconds. `/health` is asked on a new connection each time, the model on one that is kept.
An answer that is not 200, or a lost connection, is a failure; its time counts as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvloop

EVERY = 0.02
"""Seconds between two requests of a kind."""
LONGEST = 30.0
BODY = json.dumps(
    {"model": "mock", "messages": [{"role": "user", "content": "What is the weather like?"}]}
).encode()
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Victim:
    """One tenant's client."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = f"host: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n".encode()
        self._kept: Peer | None = None

    async def health(self) -> bool:
        peer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            request = b"GET /health HTTP/1.1\r\nconnection: close\r\n" + self._head + b"\r\n"
            return await _exchange(peer, request)
        finally:
            peer[1].transport.abort()

    async def named(self) -> bool:
        if self._kept is None:
            self._kept = await asyncio.open_connection("127.0.0.1", self._port)
        lines = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
        request = b"POST /v1/chat/completions HTTP/1.1\r\n" + self._head + lines + BODY
        peer, self._kept = self._kept, None
        done = await _exchange(peer, request)
        if done:
            self._kept = peer
        else:
            peer[1].transport.abort()
        return done


async def _exchange(peer: Peer, request: bytes) -> bool:
    reader, writer = peer
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    return head.split(b" ", 2)[1] == b"200"


async def watch(ask: Callable[[], Awaitable[bool]], seconds: float) -> dict[str, float]:
    """Ask again and again, one at a time."""
    end, spent, failures = time.perf_counter() + seconds, [], 0
    while time.perf_counter() < end:
        began, done = time.perf_counter(), False
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(LONGEST):
                done = await ask()
        took = time.perf_counter() - began
        spent.append(took * 1000)
        failures += not done
        await asyncio.sleep(max(0.0, EVERY - took))
    spent.sort()
    return {
        "n": len(spent),
        "failures": failures,
        "p50_ms": statistics.median(spent),
        "p99_ms": spent[min(len(spent) - 1, int(len(spent) * 0.99))],
        "max_ms": spent[-1],
    }


async def main(port: int, key: str, seconds: float) -> None:
    victim = Victim(port, key)
    health, named = await asyncio.gather(
        watch(victim.health, seconds), watch(victim.named, seconds)
    )
    sys.stdout.write(json.dumps({"health": health, "named": named}) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    uvloop.run(main(args.port, args.key, args.seconds))
