"""One connection and the pool, against a real server on loopback that does as it is told."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shortstop.serving import connection as module
from shortstop.serving.connection import HIGH_WATER, Broken, Connection, Pool
from shortstop.serving.way import DIRECT, opener

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REQUEST = b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMIT = 5.0


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that treats every connection with `handler`."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def sending(*pieces: bytes, then: float = 0.0) -> Handler:
    """Answers each request of a connection with the next of `pieces`, then closes it."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            await reader.readexactly(len(REQUEST))
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(then)

    return handler


async def connected(port: int) -> Connection:
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(lambda: Connection(loop), "127.0.0.1", port)
    return protocol


async def body(connection: Connection) -> bytes:
    pieces = []
    while piece := await connection.read(LIMIT):
        pieces.append(piece)
    return b"".join(pieces)


# ---------------------------------------------------------------- one connection


async def test_the_head_is_there_before_the_body() -> None:
    async with serving(sending(b"HTTP/1.1 201 Made\r\nX-Two: 2\r\nContent-Length: 2\r\n\r\n")) as p:
        connection = await connected(p)
        await connection.send(REQUEST, LIMIT)
        assert connection.status == 201
        assert connection.headers == {"x-two": "2", "content-length": "2"}
        connection.close()


@pytest.mark.parametrize(
    ("response", "wanted", "reusable"),
    [
        (OK, b"{}", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", True),
        (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", b"{}", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", False),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, b"{}", True),
    ],
)
async def test_a_body_is_read_however_it_is_framed(
    response: bytes, wanted: bytes, reusable: bool
) -> None:
    async with serving(sending(response, then=0.05)) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        assert connection.status == 200
        assert "link" not in connection.headers
        assert await body(connection) == wanted
        assert connection.reusable is reusable
        connection.close()


async def test_a_connection_carries_one_exchange_after_another() -> None:
    second = b"HTTP/1.1 404 No\r\nX: y\r\nContent-Length: 1\r\n\r\n-"
    async with serving(sending(OK, second)) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        assert await body(connection) == b"{}"
        await connection.send(REQUEST, LIMIT)
        assert (connection.status, connection.headers.get("x")) == (404, "y")
        assert await body(connection) == b"-"
        connection.close()


async def test_a_head_that_does_not_come_is_a_timeout() -> None:
    async with serving(sending(b"", then=1)) as port:
        connection = await connected(port)
        with pytest.raises(TimeoutError):
            await connection.send(REQUEST, 0.05)
        assert not connection.reusable
        connection.close()


async def test_a_body_that_stalls_is_a_timeout() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    async with serving(sending(half, then=1)) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        assert await connection.read(LIMIT) == b"half"
        with pytest.raises(TimeoutError):
            await connection.read(0.05)
        assert not connection.reusable
        connection.close()


async def test_a_connection_closed_before_any_answer_is_stale() -> None:
    async with serving(sending(b"")) as port:
        connection = await connected(port)
        with pytest.raises(Broken) as caught:
            await connection.send(REQUEST, LIMIT)
        assert caught.value.stale


async def test_a_connection_closed_within_an_answer_is_not_stale() -> None:
    async with serving(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        assert await connection.read(LIMIT) == b"half"
        with pytest.raises(Broken, match="closed") as caught:
            await connection.read(LIMIT)
        assert not caught.value.stale
        with pytest.raises(Broken):
            await connection.send(REQUEST, LIMIT)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\n{}", "is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 17) + b"\r\n\r\n",
            "head or framing is too large",
        ),
    ],
)
async def test_what_is_not_http_breaks_the_connection(response: bytes, says: str) -> None:
    async with serving(sending(response)) as port:
        connection = await connected(port)
        with pytest.raises(Broken, match=says):
            await connection.send(REQUEST, LIMIT)
        assert not connection.reusable


async def test_a_second_response_is_no_part_of_the_first_and_ends_the_connection() -> None:
    """Neither its head nor its body: it would be taken for the next request's otherwise."""
    other = b"HTTP/1.1 500 No\r\nX: y\r\nContent-Length: 3\r\n\r\nxyz"
    async with serving(sending(OK + other, then=0.05)) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        assert await body(connection) == b"{}"
        assert (connection.status, connection.headers) == (200, {"content-length": "2"})
        assert not connection.reusable


async def test_data_on_an_idle_connection_ends_it() -> None:
    go = asyncio.Event()

    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(REQUEST))
        writer.write(OK)
        await go.wait()
        writer.write(OK)
        await reader.read()

    async with serving(chatty) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        assert await body(connection) == b"{}"
        assert connection.reusable
        go.set()
        async with asyncio.timeout(LIMIT):
            while connection.reusable:
                await asyncio.sleep(0)
        with pytest.raises(Broken, match="no request asked for"):
            await connection.send(REQUEST, LIMIT)


async def test_a_slow_reader_slows_the_server_down() -> None:
    size, written = 64 << 20, 0
    stalled = asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readexactly(len(REQUEST))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        piece = b"x" * (1 << 16)
        while written < size:
            writer.write(piece)
            written += len(piece)
            try:
                async with asyncio.timeout(0.2):
                    await writer.drain()
            except TimeoutError:
                stalled.set()
                await writer.drain()

    async with serving(pour) as port:
        connection = await connected(port)
        await connection.send(REQUEST, LIMIT)
        async with asyncio.timeout(LIMIT):
            await stalled.wait()
        assert HIGH_WATER <= written < size / 2
        assert len(await body(connection)) == size
        assert connection.reusable
        connection.close()


# ---------------------------------------------------------------- the pool


def pool_of(scheme: str, port: int, limit: int) -> Pool:
    return Pool(opener(urlsplit(f"{scheme}://127.0.0.1:{port}"), DIRECT), limit=limit)


async def exchange(pool: Pool) -> tuple[Connection, bool]:
    connection, used = await pool.take(LIMIT)
    await connection.send(REQUEST, LIMIT)
    await body(connection)
    pool.give_back(connection)
    return connection, used


async def test_a_connection_is_used_again() -> None:
    async with serving(sending(*[OK] * 9)) as port:
        pool = pool_of("http", port, limit=2)
        first, used = await exchange(pool)
        second, used_again = await exchange(pool)
        assert (used, used_again) == (False, True)
        assert first is second
        fresh, used = await pool.take(LIMIT, fresh=True)
        assert not used
        assert fresh is not first
        pool.give_back(fresh)
        pool.close()


async def test_the_newest_is_used_first_and_the_old_are_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(sending(*[OK] * 9)) as port:
        pool = pool_of("http", port, limit=2)
        pair = [(await pool.take(LIMIT))[0] for _ in range(2)]
        for connection in pair:
            await connection.send(REQUEST, LIMIT)
            await body(connection)
            pool.give_back(connection)
        assert (await exchange(pool))[0] is pair[1]
        monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
        assert not (await exchange(pool))[1]
        pool.close()


async def test_what_comes_back_to_a_closed_pool_is_closed() -> None:
    async with serving(sending(*[OK] * 9)) as port:
        pool = pool_of("http", port, limit=2)
        connection, _ = await pool.take(LIMIT)
        await connection.send(REQUEST, LIMIT)
        await body(connection)
        pool.close()
        assert connection.reusable, "it was in use"
        pool.give_back(connection)
        await asyncio.sleep(0)  # the transport tells of its end in the loop's next turn
        assert not connection.reusable


async def test_no_more_than_the_limit_are_open_at_once() -> None:
    async with serving(sending(*[OK] * 9)) as port:
        pool = pool_of("http", port, limit=1)
        held, _ = await pool.take(LIMIT)
        with pytest.raises(TimeoutError):
            await pool.take(0.02)
        waiting = asyncio.create_task(pool.take(LIMIT))
        await asyncio.sleep(0)
        assert not waiting.done()
        pool.give_back(held)
        taken, _ = await waiting
        pool.give_back(taken)
        pool.close()


async def test_an_exchange_that_was_left_is_not_used_again() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    async with serving(sending(half, then=0.05)) as port:
        pool = pool_of("http", port, limit=1)
        connection, _ = await pool.take(LIMIT)
        await connection.send(REQUEST, LIMIT)
        pool.give_back(connection)
        other, used = await pool.take(LIMIT)
        assert not used
        assert other is not connection
        pool.give_back(other)
        pool.close()


async def test_a_server_that_is_not_there_costs_no_place_in_the_pool() -> None:
    pool = pool_of("http", 9, limit=1)
    for _ in range(3):
        with pytest.raises(OSError):
            await pool.take(0.5)


async def test_closing_ends_the_idle_connections() -> None:
    ended = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(REQUEST))
        writer.write(OK)
        await reader.read()
        ended.set()

    async with serving(once) as port:
        pool = pool_of("http", port, limit=1)
        await exchange(pool)
        pool.close()
        async with asyncio.timeout(LIMIT):
            await ended.wait()


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with serving(sending(OK), tls=self_signed(tmp_path)) as port:
        pool = pool_of("https", port, limit=1)
        with pytest.raises(ssl.SSLError):
            await pool.take(LIMIT)
