"""The attacks, one function each: what a hostile client sends until it is told to stop.

    python -m bench.attack_table NAME --port 8484 --key KEY --seconds 5

A function gets a `Target` and may run for as long as it likes; it is cancelled. Whatever the
gateway answers, resets or closes is expected. To add one, write it below and it is in the table.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import uvloop

BLOCK = b"x" * 65_536
BODY = 30_000_000
"""Bytes of a body just below what is accepted."""


@dataclass(frozen=True)
class Target:
    """A gateway on this machine, and the attacker's own key."""

    port: int
    key: str

    def head(self, *lines: str, path: str = "/v1/chat/completions", method: str = "POST") -> bytes:
        """The beginning of a request, without its blank line."""
        fixed = (
            f"{method} {path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            f"authorization: Bearer {self.key}",
            "content-type: application/json",
        )
        return "".join(f"{line}\r\n" for line in (*fixed, *lines)).encode()

    def post(self, body: bytes, *lines: str, path: str = "/v1/chat/completions") -> bytes:
        return self.head(f"content-length: {len(body)}", *lines, path=path) + b"\r\n" + body


Attack = Callable[[Target], Awaitable[None]]
ATTACKS: dict[str, Attack] = {}
TOLD: Counter[str] = Counter()
"""How often the gateway answered with which status; "-" where it said nothing."""


def attack(function: Attack) -> Attack:
    """Put it into the table, under its name."""
    ATTACKS[function.__name__.replace("_", "-")] = function
    return function


# ---------------------------------------------------------------- how to send


async def send(
    target: Target, pieces: Iterable[bytes], *, pause: float = 0.0, read: bool = True
) -> None:
    """One connection: send the pieces, then wait for the end."""
    with suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=1 << 16)
        if not read:
            cast(asyncio.Transport, writer.transport).pause_reading()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            if not read:
                await asyncio.sleep(3600)
            _note(await reader.readline())
            while await reader.read(1 << 20):
                pass
        except ConnectionError:
            _note(b"")
        finally:
            writer.transport.abort()


def _note(line: bytes) -> None:
    TOLD[line.split(b" ")[1].decode() if line.startswith(b"HTTP/1.1 ") else "-"] += 1


async def ask(target: Target, request: bytes) -> None:
    """One request on a connection of its own; its answer is thrown away."""
    with suppress(OSError, asyncio.IncompleteReadError, ValueError, IndexError):
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            _note(head)
            head = head.lower()
            if b"content-length: " in head:
                left = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(left)
            else:
                data = b""
                while not data.endswith(b"0\r\n\r\n") and (data := await reader.read(1 << 18)):
                    pass
        finally:
            writer.transport.abort()


async def again(times: int, make: Callable[[], Awaitable[None]], rest: float = 0.0) -> None:
    """`times` at once, each begun again when it ends."""

    async def one() -> None:
        while True:
            await make()
            await asyncio.sleep(rest)

    await asyncio.gather(*(one() for _ in range(times)))


def forever(piece: bytes) -> Iterable[bytes]:
    while True:
        yield piece


def after(first: bytes, piece: bytes) -> Iterable[bytes]:
    yield first
    yield from forever(piece)


def chat(content: str, **more: object) -> bytes:
    body = {"model": "mock", "messages": [{"role": "user", "content": content}], **more}
    return json.dumps(body, ensure_ascii=False).encode()


def with_field(value: bytes) -> bytes:
    """A request with one field more, which is `value`."""
    return chat("hi")[:-1] + b', "x": ' + value + b"}"


# ---------------------------------------------------------------- heads


@attack
async def huge_header(target: Target) -> None:
    """300 MB in one header, from eight clients, without a key."""
    first = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: "
    await again(8, lambda: send(target, (first, *[BLOCK] * 4600)))


@attack
async def many_headers(target: Target) -> None:
    first = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n"
    await again(8, lambda: send(target, after(first, b"a: b\r\n" * 10_000)))


@attack
async def huge_request_line(target: Target) -> None:
    await again(8, lambda: send(target, after(b"GET /", BLOCK)))


@attack
async def slow_heads(target: Target) -> None:
    """Slowloris: 600 heads, a line a second each."""
    drip = b"x-a: b\r\n"
    await again(600, lambda: send(target, after(target.head(), drip), pause=1.0))


@attack
async def idle_connections(target: Target) -> None:
    """3,000 connections that say nothing."""
    await again(3000, lambda: send(target, ()), rest=0.5)


@attack
async def connection_flood(target: Target) -> None:
    async def one() -> None:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", target.port)
            writer.transport.abort()

    await again(16, one)


@attack
async def not_http(target: Target) -> None:
    await again(16, lambda: send(target, (b"\x16\x03\x01\x02\x00" * 200,)))


# ---------------------------------------------------------------- framing and time


@attack
async def half_bodies(target: Target) -> None:
    """400 bodies of which half never comes."""
    half = target.head("content-length: 9000") + b"\r\n" + b"{" * 4500
    await again(400, lambda: send(target, (half,)))


@attack
async def dripping_bodies(target: Target) -> None:
    first = target.head("content-length: 9000000") + b"\r\n{"
    await again(400, lambda: send(target, after(first, b" "), pause=1.0))


@attack
async def held_bodies(target: Target) -> None:
    """All but the last byte of 30 MB, from eight connections."""
    first = target.head(f"content-length: {BODY}") + b"\r\n"
    await again(8, lambda: send(target, (first, *[BLOCK] * (BODY // len(BLOCK)))), rest=0.2)


@attack
async def chunk_extensions(target: Target) -> None:
    first = target.head("transfer-encoding: chunked") + b"\r\n5;"
    await again(8, lambda: send(target, after(first, BLOCK)))


@attack
async def tiny_chunks(target: Target) -> None:
    first = target.head("transfer-encoding: chunked") + b"\r\n"
    await again(8, lambda: send(target, after(first, b"1\r\n \r\n" * 10_000)))


@attack
async def trailers(target: Target) -> None:
    first = target.head("transfer-encoding: chunked") + b"\r\n2\r\n{}\r\n0\r\n"
    await again(8, lambda: send(target, after(first, b"a: b\r\n" * 10_000)))


@attack
async def pipelined(target: Target) -> None:
    """Requests without end, no answer read."""
    line = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 1500
    await again(16, lambda: send(target, forever(line), read=False))


@attack
async def unread_answers(target: Target) -> None:
    """A few large answers at a time, none of them read."""
    line = target.head(path="/openapi.json", method="GET") + b"\r\n"
    await again(300, lambda: send(target, [line] * 4, pause=0.5, read=False))


@attack
async def unread_streams(target: Target) -> None:
    request = target.post(chat("tell me", stream=True))
    await again(200, lambda: send(target, forever(request), pause=0.5, read=False))


@attack
async def unwanted_uploads(target: Target) -> None:
    """Bodies that are refused unread, and sent all the same."""
    first = target.head("content-length: 999999999") + b"\r\n"
    await again(8, lambda: send(target, after(first, BLOCK)))


# ---------------------------------------------------------------- JSON


async def _bodies(target: Target, body: bytes, *lines: str, times: int = 4) -> None:
    request = target.post(body, *lines)
    await again(times, lambda: ask(target, request))


@attack
async def gzip_of_arrays(target: Target) -> None:
    """30 kB that unpack to 30 MB of `[],`."""
    body = gzip.compress(with_field(b"[" + b"[]," * (BODY // 3) + b"0]"))
    await _bodies(target, body, "content-encoding: gzip")


@attack
async def gzip_of_zeros(target: Target) -> None:
    await _bodies(target, gzip.compress(b"\0" * BODY * 10), "content-encoding: gzip", times=8)


@attack
async def gzip_without_content(target: Target) -> None:
    empty = gzip.compress(b"")
    await _bodies(target, empty * (5_000_000 // len(empty)), "content-encoding: gzip")


@attack
async def arrays(target: Target) -> None:
    """30 MB of `[],`, not packed."""
    await _bodies(target, with_field(b"[" + b"[]," * (BODY // 3) + b"0]"))


@attack
async def arrays_below_the_limit(target: Target) -> None:
    """As many values as are accepted, in the dearest form."""
    await _bodies(target, with_field(b"[" + b'{"a":{}},' * 75_000 + b"0]"))


@attack
async def short_arrays(target: Target) -> None:
    """Bodies too short to be counted, many at a time."""
    await _bodies(target, with_field(b"[" + b"[]," * 60_000 + b"0]"), times=16)


@attack
async def nested(target: Target) -> None:
    await _bodies(target, with_field(b"[" * 2_000_000), times=8)


@attack
async def json_in_json(target: Target) -> None:
    """Arguments of a call, which are read later: a string of a million arrays."""
    call = {"id": "c", "type": "function"}
    call["function"] = {"name": "f", "arguments": "[" + "[]," * 1_000_000 + "0]"}  # type: ignore[assignment]
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    done = {"role": "tool", "tool_call_id": "c", "content": "x"}
    body = {"model": "mock", "messages": [{"role": "user", "content": "a"}, said, done]}
    await _bodies(target, json.dumps(body).encode())


@attack
async def repeated_keys(target: Target) -> None:
    await _bodies(target, with_field(b"{" + b'"a":1,' * 4_000_000 + b'"a":1}'))


@attack
async def long_numbers(target: Target) -> None:
    number = b"9" * 4000
    await _bodies(target, with_field(b"[" + (number + b",") * 7000 + b"0]"))


@attack
async def quotes_and_escapes(target: Target) -> None:
    await _bodies(target, with_field(b'["' + b'\\\\\\",[' * (BODY // 6) + b'"]'))


# ---------------------------------------------------------------- honest, but large


@attack
async def long_documents(target: Target) -> None:
    """Four at a time, of 30 MB of English."""
    await _bodies(target, chat("All work and no play makes a dull day, [1] {2}. " * (BODY // 48)))


@attack
async def long_documents_with_an_emoji(target: Target) -> None:
    """One sign beyond the first plane: four bytes of memory for each letter."""
    await _bodies(target, chat("\U0001f600" + "Nothing to see here today. " * (BODY // 27)))


@attack
async def large_images(target: Target) -> None:
    url = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * (BODY // 24)
    part = {"type": "image_url", "image_url": {"url": url}}
    body = {"model": "mock", "messages": [{"role": "user", "content": [part]}]}
    await _bodies(target, json.dumps(body).encode())


# ---------------------------------------------------------------- upstreams


def _asks_for(model: str, *, stream: bool, what: str) -> None:
    async def run(target: Target) -> None:
        # A text of its own: what another attack said may have been pinned to local models.
        messages = [{"role": "user", "content": "Tell me a story."}]
        body = json.dumps({"model": model, "stream": stream, "messages": messages}).encode()
        await _bodies(target, body, times=4)

    run.__name__, run.__doc__ = f"upstream-{model}", what
    attack(run)


_asks_for("endless", stream=False, what="An answer without end.")
_asks_for("endless-line", stream=True, what="A stream of one line.")
_asks_for("endless-events", stream=True, what="A stream of small events.")
_asks_for("endless-thoughts", stream=True, what="A stream of small thoughts, which are kept.")
_asks_for("endless-head", stream=False, what="A header without end.")
_asks_for("endless-chunks", stream=False, what="Chunks of one byte.")
_asks_for("values", stream=False, what="30 MB of `[],`.")
_asks_for("large", stream=False, what="30 MB of text, an answer that is accepted.")


async def _run(name: str, target: Target, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ATTACKS[name](target)
    sys.stdout.write(" ".join(f"{status}:{n}" for status, n in TOLD.most_common(4)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    uvloop.run(_run(args.name, Target(args.port, args.key), args.seconds))
