"""The HTTP clients against a real server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shortstop.errors import ConfigError, PrivacyRefused, UpstreamFailed, UpstreamTimeout
from shortstop.serving.http import Egress, LocalClient, Timeouts, retry_after
from shortstop.types import Clearance, Cleared, Message, Reach, Request, Text, Tier

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
QUICK = Timeouts(connect=1, first_byte=0.2, idle=0.2, total=5)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if b"content-length" in line
        ),
        0,
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_posts_and_reads_whole() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await read_request(reader)).endswith(b'{"a":1}')
        writer.write(OK)
        await writer.drain()

    async with serving(answer) as url:
        client = LocalClient(url, api_key="k")
        reply = await client.post("/x", b'{"a":1}')
        await client.close()
    assert (reply.status, reply.body) == (200, b"{}")


async def test_a_kept_alive_connection_that_was_closed_is_replaced() -> None:
    """Engines close idle connections without a word; the client must not notice."""

    async def answer_once_then_close(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await reader.read(1)  # the second request arrives and finds the door shut

    async with serving(answer_once_then_close) as url:
        client = LocalClient(url)
        for _ in range(3):
            assert (await client.post("/x", b"{}")).status == 200
        await client.close()


async def test_the_first_piece_of_a_stream_arrives_before_its_end() -> None:
    """Some clients deliver a stream only when it is complete."""
    seen_first = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        await writer.drain()
        await seen_first.wait()
        writer.write(b"data: 2\n\n")
        await writer.drain()

    async with serving(drip) as url:
        client = LocalClient(url, timeouts=Timeouts(total=5))
        got = b""
        async with client.stream("/x", b"{}") as stream:
            async for data in stream.chunks:
                got += data
                seen_first.set()
        await client.close()
    assert got == b"data: 1\n\ndata: 2\n\n"


async def test_leaving_the_block_closes_the_connection() -> None:
    closed = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
        await writer.drain()
        await reader.read()
        closed.set()

    async with serving(endless) as url:
        client = LocalClient(url)
        async with client.stream("/x", b"{}") as stream:
            await anext(stream.chunks)
        async with asyncio.timeout(1):
            await closed.wait()
        await client.close()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"this is not HTTP\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("handler", "error"),
    [(hang, UpstreamTimeout), (slam, UpstreamFailed), (babble, UpstreamFailed)],
)
async def test_trouble_is_told_in_our_errors(handler: Handler, error: type[Exception]) -> None:
    async with serving(handler) as url:
        client = LocalClient(url, timeouts=QUICK)
        with pytest.raises(error):
            await client.post("/x", b"{}")
        await client.close()


async def test_nobody_listening_is_a_failed_upstream() -> None:
    client = LocalClient("http://127.0.0.1:9")
    with pytest.raises(UpstreamFailed):
        await client.post("/x", b"{}")
    await client.close()


async def test_redirects_are_not_followed() -> None:
    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(
            b"HTTP/1.1 307 Away\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"
        )
        await writer.drain()

    async with serving(elsewhere) as url:
        client = LocalClient(url)
        assert (await client.post("/x", b"{}")).status == 307
        await client.close()


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "http://8.8.8.8/v1", "http://example.com"]
)
def test_the_local_client_refuses_to_leave(url: str) -> None:
    with pytest.raises(ConfigError):
        LocalClient(url)


def cleared(reach: Reach, target: str) -> Cleared:
    request = Request("r", "openai.chat", {}, "m", (Message("user", (Text("x"),)),))
    return Cleared(request, Clearance(Tier.S0, reach), target)


@pytest.mark.parametrize(
    "item", [cleared(Reach.LOCAL_ONLY, "big"), cleared(Reach.ANYWHERE, "another")]
)
async def test_the_way_out_checks_once_more(item: Cleared) -> None:
    egress = Egress(
        "http://127.0.0.1:9", targets=frozenset({"big"}), headers={}, timeouts=Timeouts()
    )
    with pytest.raises(PrivacyRefused):
        await egress.post(item, "/x", lambda request: b"{}")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
