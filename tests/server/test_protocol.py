"""Raw bytes of hostile clients on real sockets: refused in words, in their dialect, let go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from uvicorn.config import Config
from uvicorn.server import ServerState

from shortstop.config import LimitsConfig
from shortstop.server.connections import Connections
from shortstop.server.protocol import PROBED, BoundedProtocol
from tests.server.conftest import Gateway, running_gateway
from tests.server.test_gateway import chat

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = """
max_in_flight = 2
max_body_mb = 0.25
[server.limits]
header_kb = 8
headers = 20
head_seconds = 1
keep_alive_seconds = 1
stall_seconds = 1
connections = 24
bodies_mb = 0.5
"""
POST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
)
HEALTH = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def quick_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quick(quick_home: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(quick_home, server=QUICK) as running:
        yield running


@asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Peer]:
    port = int(gateway.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        await _hang_up(writer)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def told(gateway: Gateway, *pieces: bytes) -> tuple[int, bytes]:
    """Status and body of what comes back until the gateway closes; 0 where it says nothing."""
    async with connected(gateway) as (reader, writer), asyncio.timeout(20):
        sending = asyncio.create_task(_send(writer, pieces))
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
        finally:
            sending.cancel()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]) if head else 0, body


async def _send(writer: asyncio.StreamWriter, pieces: tuple[bytes, ...]) -> None:
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass


def error_in(body: bytes) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(body)["error"]
    return error


async def assert_alive(gateway: Gateway) -> None:
    """By a connection of its own: one that was kept may be the one that made room."""
    asked = chat("!say still here", model="big")
    async with (
        aiohttp.ClientSession(gateway.url) as http,
        http.post("/v1/chat/completions", json=asked) as answer,
    ):
        assert answer.status == 200


# ------------------------------------------------------------ heads


@pytest.mark.parametrize("start", [HEALTH, POST], ids=["health", "chat"])
@pytest.mark.parametrize(
    "flood",
    [
        pytest.param([b"a: b\r\n"] * 500, id="many small headers"),
        pytest.param([b"a: "] + [b"x" * 65_536] * 40, id="one huge value"),
        pytest.param([b"x" * 65_536] * 40, id="one huge name"),
        pytest.param([b"a: " + b"x" * 9_000 + b"\r\n\r\n"], id="just too large, whole"),
        pytest.param([b"a: 1\r\n" * 20 + b"\r\n"], id="just too many, whole"),
        pytest.param([b"a: 1\r\n\t" + b"\r\n\tx" * 60_000], id="folded for ever"),
    ],
)
async def test_a_head_that_does_not_end_is_refused(
    quick: Gateway, start: bytes, flood: list[bytes]
) -> None:
    status, body = await told(quick, start, *flood)
    assert status in (431, 400)
    if status == 431:
        assert "server.limits.header" in error_in(body)["message"]
    await assert_alive(quick)


@pytest.mark.parametrize("line", [b"GET /" + b"a" * 500_000, b"\r\n" * 200_000, b"G" * 500_000])
async def test_neither_may_the_request_line(quick: Gateway, line: bytes) -> None:
    status, _ = await told(quick, line, b"x" * 65_536)
    assert status in (400, 431)


async def test_what_is_not_http_is_told_so_as_json(quick: Gateway) -> None:
    status, body = await told(quick, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert (status, error_in(body)["type"]) == (400, "invalid_request_error")


async def test_the_refusal_is_in_the_dialect_of_the_path(quick: Gateway) -> None:
    flood = b"a: b\r\n" * 500
    status, body = await told(quick, b"POST /v1/messages HTTP/1.1\r\n", flood)
    assert (status, json.loads(body)["type"]) == (431, "error")
    status, body = await told(quick, b"POST /v1/responses?x=1 HTTP/1.1\r\n", flood)
    assert (status, error_in(body)["code"]) == (431, "request_header_fields_too_large")


@pytest.mark.parametrize(
    "begun", [b"", b"G", HEALTH, HEALTH + b"x-a: ", b"\r\n"], ids=["0", "1", "2", "3", "4"]
)
async def test_a_head_has_a_deadline(quick: Gateway, begun: bytes) -> None:
    status, body = await told(quick, begun)
    assert status == 408
    assert "head_seconds" in error_in(body)["message"]


async def test_a_head_that_drips_has_the_same_deadline(quick: Gateway) -> None:
    async with connected(quick) as (reader, writer), asyncio.timeout(20):
        writer.write(HEALTH)
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b"x-a: b\r\n")
            await asyncio.wait([reading], timeout=0.3)
        assert (await reading).startswith(b"HTTP/1.1 408")


async def test_an_idle_connection_is_closed_without_a_word(quick: Gateway) -> None:
    async with connected(quick) as (reader, writer), asyncio.timeout(20):
        writer.write(HEALTH + b"\r\n")
        answer = await reader.read()
        assert answer.count(b"HTTP/1.1") == 1
        assert answer.startswith(b"HTTP/1.1 200")


# ------------------------------------------------------------ bodies


@pytest.mark.parametrize(
    ("pieces", "statuses"),
    [
        pytest.param([b"1;" + b"e" * 65_536] + [b"e" * 65_536] * 40, {431}, id="extension"),
        pytest.param([b"1;e=f\r\nx\r\n" * 60_000], {400, 431}, id="tiny chunks with extensions"),
        pytest.param([b"1\r\nx\r\n"] * 60_000, {400}, id="tiny chunks"),
        pytest.param([b"2\r\n{}\r\n0\r\n", *[b"t: x\r\n" * 400] * 40], {431}, id="trailers"),
        pytest.param([b"2\r\n{}\r\n0\r\nt: ", *[b"x" * 65_536] * 40], {431}, id="one trailer"),
        pytest.param([b"2\r\n{}\r\n" + b"0" * 90_000], {400, 408, 431}, id="a size of zeros"),
        pytest.param([b"fffffffffffffffff\r\n"], {400}, id="a size beyond all numbers"),
    ],
)
async def test_framing_is_bounded(quick: Gateway, pieces: list[bytes], statuses: set[int]) -> None:
    status, _ = await told(quick, CHUNKED, *pieces)
    assert status in statuses
    await assert_alive(quick)


async def test_trailers_are_no_headers_not_even_of_the_next_request(quick: Gateway) -> None:
    body = json.dumps(chat("!say hi", model="big")).encode()
    framed = b"%x\r\n%s\r\n0\r\nx-shortstop-task: t\r\nexpect: 100-continue\r\n\r\n" % (
        len(body),
        body,
    )
    async with connected(quick) as (reader, writer), asyncio.timeout(20):
        for _ in range(2):
            writer.write(CHUNKED + framed)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert b"x-shortstop-task: t\r\n" not in head
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)


@pytest.mark.parametrize("sent", [b"", b"{", b"x" * 4000])
@pytest.mark.parametrize(
    "framing", [b"content-length: 9000\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n2000\r\n"]
)
async def test_a_body_that_does_not_come_is_refused(
    quick: Gateway, framing: bytes, sent: bytes
) -> None:
    status, body = await told(quick, POST + framing + sent)
    assert status == 408
    assert "body_kb_per_second" in error_in(body)["message"]


async def test_a_body_that_drips_is_refused_and_one_that_flows_is_not(tmp_path: Path) -> None:
    limits = "[server.limits]\nstall_seconds = 1\nbody_kb_per_second = 2"
    body = json.dumps(chat("!say " + "x" * 12_000, model="big")).encode()
    head = POST + b"content-length: %d\r\n\r\n" % len(body)
    async with running_gateway(tmp_path, server=limits) as gateway:

        async def at(bytes_in_100_ms: int) -> bytes:
            async with connected(gateway) as (reader, writer), asyncio.timeout(30):
                writer.write(head)
                reading = asyncio.create_task(reader.readuntil(b"\r\n"))
                for start in range(0, len(body), bytes_in_100_ms):
                    writer.write(body[start : start + bytes_in_100_ms])
                    await asyncio.wait([reading], timeout=0.1)
                    if reading.done():
                        break
                return await reading

        flowing, dripping = await asyncio.gather(at(500), at(10))
    assert flowing.startswith(b"HTTP/1.1 200")
    assert dripping.startswith(b"HTTP/1.1 408")


async def test_half_a_body_takes_nobodys_place(quick: Gateway) -> None:
    """`max_in_flight` is 2 here."""
    peers: list[Peer] = []
    port = int(quick.url.rpartition(":")[2])
    for _ in range(8):
        peer = await asyncio.open_connection("127.0.0.1", port)
        peer[1].write(POST + b"content-length: 9000\r\n\r\n{")
        peers.append(peer)
    await assert_alive(quick)
    for _, writer in peers:
        await _hang_up(writer)


async def test_bytes_of_bodies_are_free_however_they_end(quick: Gateway) -> None:
    """Half a megabyte may be held by all, a quarter by one; each of these sends a fifth."""
    part = b'{"x":"' + b"a" * 100_000
    whole = part + b'"}'
    length = b"content-length: %d\r\n"
    endings = [
        POST + length % 120_000 + b"\r\n" + part,  # left in the middle
        POST + length % len(whole) + b"\r\n" + whole,  # refused: no messages
        POST + length % 100_001 + b"\r\n" + b"x" * 100_001,  # not JSON
        POST + length % 100_001 + b"content-encoding: gzip\r\n\r\n" + b"x" * 100_001,  # not gzip
        CHUNKED + b"%x\r\n%s\r\nzz\r\n" % (len(part), part),  # not HTTP
    ]
    for _ in range(3):
        for ending in endings:
            async with connected(quick) as (reader, writer), asyncio.timeout(20):
                writer.write(ending)
                if ending is not endings[0]:
                    line = await reader.readline()
                    assert line.split(b" ")[1] == b"400", line
                else:
                    await writer.drain()
    asked = chat("!say " + "b" * 200_000, model="big")
    async with asyncio.timeout(10):
        while True:  # whoever left is noticed a moment later
            async with quick.http.post("/v1/chat/completions", json=asked) as answer:
                if answer.status == 200:
                    return
                assert answer.status in (429, 503)


async def test_large_bodies_at_once_are_told_when_to_come_again(quick: Gateway) -> None:
    async with connected(quick) as (_, writer):
        writer.write(POST + b"content-length: 200000\r\n\r\n{")
        asked = chat("x" * 200_000, model="big")
        async with asyncio.timeout(10):
            while True:
                async with quick.http.post("/v1/chat/completions", json=asked) as answer:
                    if answer.status == 429:
                        assert answer.headers["retry-after"] == "1"
                        assert "server.limits.bodies_mb" in await answer.text()
                        break


# ------------------------------------------------------------ connections and answers


async def test_requests_far_ahead_of_their_answers_are_not_taken(quick: Gateway) -> None:
    body = json.dumps(chat("!wait", model="big")).encode()
    first = POST + b"content-length: %d\r\n\r\n%s" % (len(body), body)
    status, _ = await told(quick, first + (HEALTH + b"\r\n") * 2000)
    assert status == 0
    quick.frontier.go.set()
    await assert_alive(quick)
    quick.frontier.go.clear()


async def test_who_is_cut_off_for_that_has_left_every_request(quick: Gateway) -> None:
    """Also the first one, which is not the one that came last."""
    body = json.dumps(chat("!hang", model="big")).encode()
    first = POST + b"content-length: %d\r\n\r\n%s" % (len(body), body)
    quick.frontier.abandoned.clear()
    quick.frontier.asked.clear()
    async with connected(quick) as (_, writer), asyncio.timeout(20):
        writer.write(first)
        await quick.frontier.asked.wait()
        writer.write((HEALTH + b"\r\n") * 20)
        await quick.frontier.abandoned.wait()
    assert b"Traceback" not in quick.log


async def test_a_few_requests_ahead_are_answered_in_turn(quick: Gateway) -> None:
    async with connected(quick) as (reader, writer), asyncio.timeout(20):
        writer.write((HEALTH + b"\r\n") * 6)
        for _ in range(6):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)


@pytest.mark.parametrize("stream", [False, True])
async def test_who_closes_its_side_is_answered(quick: Gateway, stream: bool) -> None:
    quick.frontier.asked.clear()
    quick.frontier.go.clear()
    body = json.dumps(chat("!wait for it", model="big", stream=stream)).encode()
    async with connected(quick) as (reader, writer), asyncio.timeout(20):
        writer.write(HEALTH + b"\r\n" + POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        writer.write_eof()
        await quick.frontier.asked.wait()
        await asyncio.sleep(2 * PROBED)  # it has been told something, and has not refused it
        quick.frontier.go.set()
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith((b"0\r\n\r\n", b"}"))


async def test_who_has_left_is_noticed_before_its_answer(quick: Gateway) -> None:
    quick.frontier.asked.clear()
    quick.frontier.abandoned.clear()
    body = json.dumps(chat("!hang", model="big")).encode()
    async with connected(quick) as (_, writer), asyncio.timeout(20):
        writer.write(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        await quick.frontier.asked.wait()
        writer.close()
        await asyncio.wait_for(quick.frontier.abandoned.wait(), 1.5)


@pytest.mark.parametrize("begun", [HEALTH, POST + b"content-length: 9\r\n\r\n{"])
async def test_who_closes_its_side_in_the_middle_has_left(quick: Gateway, begun: bytes) -> None:
    async with connected(quick) as (reader, writer), asyncio.timeout(20):
        writer.write(begun)
        writer.write_eof()
        assert await reader.read() == b""


@pytest.mark.parametrize("version", [b"", b" HTTP/0.9", b" HTTP/2.0", b" HTTP/1.2"])
async def test_other_versions_of_http_are_not_spoken(quick: Gateway, version: bytes) -> None:
    status, _ = await told(quick, b"GET /health" + version + b"\r\nhost: 127.0.0.1\r\n\r\n")
    assert status == 400


async def test_who_has_kept_us_waiting_longest_makes_room(quick: Gateway) -> None:
    port = int(quick.url.rpartition(":")[2])
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
    try:
        await assert_alive(quick)
        async with asyncio.timeout(20):
            first, _ = silent[0]
            with suppress(ConnectionError):
                assert await first.read() == b""
    finally:
        for _, writer in silent:
            await _hang_up(writer)


async def test_where_nobody_waits_the_newcomer_is_told_to_come_again(tmp_path: Path) -> None:
    limits = "[server.limits]\nconnections = 2"
    body = json.dumps(chat("!hang", model="big")).encode()
    async with running_gateway(tmp_path, server=limits) as gateway:
        async with connected(gateway) as (_, one), connected(gateway) as (_, other):
            for writer in (one, other):
                writer.write(POST + b"content-length: %d\r\n\r\n%s" % (len(body), body))
            async with asyncio.timeout(10):
                while len(gateway.frontier.received) < 2:
                    gateway.frontier.asked.clear()
                    await gateway.frontier.asked.wait()
            status, told_so = await told(gateway, HEALTH + b"\r\n")
            assert status == 503
            assert "server.limits.connections" in error_in(told_so)["message"]
        async with asyncio.timeout(10):
            while (await told(gateway, HEALTH + b"connection: close\r\n\r\n"))[0] != 200:
                pass


async def _until_cut(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.001)


async def test_a_client_that_never_reads_is_left(quick: Gateway) -> None:
    async with connected(quick) as (_, writer), asyncio.timeout(60):
        writer.transport.pause_reading()
        with pytest.raises(ConnectionError):
            await _until_cut(writer, b"GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    await assert_alive(quick)


async def test_an_answer_before_the_body_is_read_does_not_keep_the_connection(
    quick: Gateway,
) -> None:
    async with connected(quick) as (reader, writer), asyncio.timeout(30):
        writer.write(POST + b"content-length: 999999999\r\n\r\n")
        assert (await reader.readline()).split(b" ")[1] == b"413"
        with pytest.raises(ConnectionError):
            await _until_cut(writer, b"x" * 65_536)


# ------------------------------------------------------------ the end of a long answer


class SlowLine:
    """A transport that is closing, with bytes that its client has not taken yet."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.aborted = False

    def is_closing(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(("taken", "cut"), [(0, True), (900, True), (50_000, False)])
async def test_the_rest_of_an_answer_may_take_as_long_as_it_is_taken(taken: int, cut: bool) -> None:
    """`taken` bytes a second, of an answer after which the connection is to be closed."""
    house = Connections(LimitsConfig, lambda error, path="": b"")
    settings = Config(lambda *_: None, http="httptools", lifespan="off", log_config=None)  # type: ignore[arg-type]
    guest, line = (
        BoundedProtocol(settings, ServerState(), {}, connections=house),
        SlowLine(9_000_000),
    )
    guest.connection_made(line)  # type: ignore[arg-type]
    now = asyncio.get_running_loop().time()
    for second in range(90):
        guest.check(now + second)
        line.waiting -= taken
    assert line.aborted is cut
