"""The HTTP clients against a real server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from shortstop.errors import ConfigError, PrivacyRefused, UpstreamFailed, UpstreamTimeout
from shortstop.serving.http import (
    Egress,
    LocalClient,
    Timeouts,
)
from shortstop.serving.response import MAX_ERROR, HttpStream
from shortstop.types import Clearance, Cleared, Message, Reach, Request, Text, Tier

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
QUICK = Timeouts(connect=1, first_byte=0.2, idle=0.2, total=0.5)


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


# ---------------------------------------------------------------- what is sent, what is bounded


@asynccontextmanager
async def recording(response: bytes = OK) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that keeps what it receives and answers `response`."""
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await read_request(reader))
        writer.write(response)
        await writer.drain()

    async with serving(answer) as url:
        yield url, received


async def test_the_way_out_sends_what_the_dialect_writes_and_the_extra_headers() -> None:
    async with recording() as (url, received):
        egress = Egress(
            f"{url}/v1",
            targets=frozenset({"big"}),
            headers={"x-api-key": "secret"},
            timeouts=Timeouts(),
        )
        item = cleared(Reach.ANYWHERE, "big")
        reply = await egress.post(item, "/chat", lambda r: r.model.encode(), {"beta": "b1"})
        async with egress.stream(item, "/chat", lambda r: b"{}") as stream:
            body = await stream.error_body()
        await egress.close()
    assert (reply.status, reply.body, body) == (200, b"{}", b"{}")
    head, _, sent = received[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/chat HTTP/1.1"
    assert {"x-api-key: secret", "beta: b1", "content-length: 1"} <= set(lines)
    assert f"host: {url.removeprefix('http://')}" in lines
    assert sent == b"m"
    assert b"beta" not in received[1]


async def test_a_refused_request_is_not_even_written() -> None:
    async with recording() as (url, received):
        egress = Egress(url, targets=frozenset({"big"}), headers={}, timeouts=Timeouts())
        with pytest.raises(PrivacyRefused):
            async with egress.stream(cleared(Reach.LOCAL_ONLY, "big"), "/x", lambda r: b"{}"):
                pass
        await egress.close()
    assert received == []


async def test_a_local_engine_is_asked_with_its_key() -> None:
    async with recording() as (url, received):
        client = LocalClient(f"{url}/v1/", api_key="k")
        await client.post("/x", b"{}")
        await client.close()
    assert b"\r\nauthorization: Bearer k\r\n" in received[0]
    assert received[0].startswith(b"POST /v1/x ")


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\n", "\r"])
def test_no_key_can_add_a_header(value: str) -> None:
    with pytest.raises(ConfigError, match="line break"):
        LocalClient("http://127.0.0.1:9", api_key=value)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_whole_response_has_a_deadline_of_its_own(stream: bool) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(drip) as url:
        client = LocalClient(url, timeouts=Timeouts(first_byte=1, idle=1, total=0.1))

        async def read() -> None:
            if not stream:
                await client.post("/x", b"{}")
                return
            async with client.stream("/x", b"{}") as response:
                await response.error_body()

        with pytest.raises(UpstreamTimeout):
            await read()
        await client.close()


async def test_a_stream_that_breaks_off_is_a_failed_upstream() -> None:
    response = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf"
    async with recording(response) as (url, _):
        client = LocalClient(url)
        async with client.stream("/x", b"{}") as stream:
            with pytest.raises(UpstreamFailed, match="connection to the model failed"):
                await stream.error_body()
        await client.close()


async def test_the_reply_says_when_to_retry() -> None:
    response = b"HTTP/1.1 429 Busy\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n"
    async with recording(response) as (url, _):
        client = LocalClient(url)
        reply = await client.post("/x", b"{}")
        await client.close()
    assert (reply.status, reply.retry_after) == (429, 7.0)


# ---------------------------------------------------------------- answers without end


@asynccontextmanager
async def asking(url: str, max_answer: int = 100_000) -> AsyncIterator[Egress]:
    egress = Egress(
        url,
        targets=frozenset({"big"}),
        headers={},
        timeouts=Timeouts(first_byte=30, idle=30, total=60),
        max_answer=max_answer,
    )
    try:
        yield egress
    finally:
        await egress.close()


async def drain(stream: HttpStream) -> int:
    return sum([len(data) async for data in stream.chunks])


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
FLOODS = {
    "a body to the end of the connection": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 50_000),
    "chunks": (CHUNKED, b"c350\r\n" + b"x" * 50_000 + b"\r\n"),
    "tiny chunks": (CHUNKED, b"1\r\nx\r\n" * 9_000),
    "an announced length": (b"HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n", b""),
    "a chunk's extension": (CHUNKED + b"5;", b"e" * 50_000),
    "a trailer": (CHUNKED + b"0\r\nt: ", b"x" * 50_000),
    "trailers": (CHUNKED + b"0\r\n", b"t: x\r\n" * 9_000),
    "a header": (b"HTTP/1.1 200 OK\r\nx: ", b"x" * 50_000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 9_000),
    "a reason": (b"HTTP/1.1 200 ", b"x" * 50_000),
    "interim responses": (b"", b"HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n" * 1_000),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("begin", "more"), FLOODS.values(), ids=FLOODS)
async def test_an_answer_without_end_is_a_failed_upstream(
    begin: bytes, more: bytes, stream: bool
) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(begin)
        with suppress(ConnectionError):
            while True:
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0)

    async with serving(flood) as url, asking(url) as egress:
        item = cleared(Reach.ANYWHERE, "big")

        async def ask() -> None:
            if not stream:
                await egress.post(item, "/x", lambda r: b"{}")
                return
            async with egress.stream(item, "/x", lambda r: b"{}") as answer:
                await drain(answer)

        with pytest.raises(UpstreamFailed) as failed:
            await ask()
    message = str(failed.value)
    assert "too large" in message or "larger than" in message or "not HTTP" in message
    assert failed.value.status == 502


async def test_what_is_too_large_is_not_asked_for_again() -> None:
    response = b"HTTP/1.1 200 OK\r\ncontent-length: 200001\r\n\r\n"
    async with recording(response) as (url, _), asking(url) as egress:
        with pytest.raises(UpstreamFailed, match="max_answer_mb") as failed:
            await egress.post(cleared(Reach.ANYWHERE, "big"), "/x", lambda r: b"{}")
    assert not failed.value.retryable


async def test_an_answer_of_the_limit_is_taken() -> None:
    body = b"x" * 100_000
    response = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + body
    async with recording(response) as (url, _), asking(url) as egress:
        item = cleared(Reach.ANYWHERE, "big")
        assert (await egress.post(item, "/x", lambda r: b"{}")).body == body
        async with egress.stream(item, "/x", lambda r: b"{}") as answer:
            assert await drain(answer) == len(body)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_errors_status_counts_however_long_its_body_is(stream: bool) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 429 Busy\r\nretry-after: 2\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 50_000)
                await writer.drain()

    async with serving(flood) as url, asking(url, max_answer=10_000_000) as egress:
        item = cleared(Reach.ANYWHERE, "big")
        if stream:
            async with egress.stream(item, "/x", lambda r: b"{}") as answer:
                status, body = answer.status, await answer.error_body()
        else:
            reply = await egress.post(item, "/x", lambda r: b"{}")
            status, body = reply.status, reply.body
    assert status == 429
    assert MAX_ERROR < len(body) < 2 * MAX_ERROR
