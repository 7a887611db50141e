"""How a server is reached: through a real proxy, with real certificates, by a real socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from shortstop.config import UpstreamConfig, UpstreamModel
from shortstop.errors import ConfigError, UpstreamFailed, UpstreamTimeout
from shortstop.serving import connection
from shortstop.serving.http import Egress, LocalClient, Timeouts
from shortstop.serving.outward import egress_for
from shortstop.serving.upstreams import dialect_of, vendor_of
from shortstop.types import Clearance, Cleared, Message, Reach, Request, Text, Tier
from tests.certificates import Authority
from tests.connect_proxy import ConnectProxy

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
ASKED = Cleared(
    Request("r", "openai.chat", {}, "auto", (Message("user", (Text("hi"),)),)),
    Clearance(Tier.S0, Reach.ANYWHERE),
    "far",
)
TUNNEL = b"HTTP/1.1 200 OK\r\n\r\n"


class Far:
    """A server; `heads` are those of the requests that it got."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.shown: list[object] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                self.heads.append(head)
                self.shown.append(writer.get_extra_info("peercert"))
                writer.write(OK)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(
        self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> AsyncIterator[Far]:
        server = await asyncio.start_server(self.answer, host, port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


def upstream(url: str, **more: Any) -> UpstreamConfig:
    more = {"connect_timeout": 5, "first_byte_timeout": 5, **more}
    return UpstreamConfig(base_url=url, models={"far": UpstreamModel()}, **more)


def egress(config: UpstreamConfig, env: dict[str, str] | None = None) -> Egress:
    return egress_for(config, vendor_of(dialect_of(config, name="acme")), env or {}, name="acme")


async def ask(config: UpstreamConfig, env: dict[str, str] | None = None, times: int = 1) -> None:
    """Raises as `Egress.post` does."""
    way = egress(config, env)
    try:
        for _ in range(times):
            reply = await way.post(ASKED, "/chat/completions", lambda _: b'{"a":1}')
            assert (reply.status, reply.body) == (200, b"{}")
    finally:
        await way.close()


@pytest.fixture
async def proxy() -> AsyncIterator[ConnectProxy]:
    async with ConnectProxy().running() as running:
        yield running


# ---------------------------------------------------------------- through a proxy


async def test_the_proxy_sees_a_name_and_the_server_everything(
    proxy: ConnectProxy, tmp_path: Path
) -> None:
    """The name is looked up by the proxy: inside a company nobody else can."""
    ca = Authority(tmp_path)
    async with Far().running(ca.server("api.vendor.example")) as far:
        proxy.hosts["api.vendor.example:443"] = ("127.0.0.1", far.port)
        url = "https://api.vendor.example/v1"
        await ask(upstream(url, proxy=proxy.url, ca_file=str(ca.file)), times=2)
    assert proxy.asked == ["CONNECT api.vendor.example:443"], "one tunnel, kept"
    assert b"chat" not in proxy.heads[0]
    assert far.heads[0].startswith(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: api.vendor.example"
    )
    assert b"proxy" not in far.heads[0].lower()


async def test_what_is_not_encrypted_goes_through_a_tunnel_too(proxy: ConnectProxy) -> None:
    async with Far().running() as far:
        await ask(upstream(f"http://127.0.0.1:{far.port}", proxy=proxy.url))
        assert proxy.asked == [f"CONNECT 127.0.0.1:{far.port}"]
        assert far.heads[0].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
async def test_the_environment_names_a_proxy_but_not_to_this_machine(
    proxy: ConnectProxy, variable: str
) -> None:
    env = {variable: proxy.url}
    async with Far().running() as far:
        proxy.hosts["far.example:80"] = ("127.0.0.1", far.port)
        await ask(upstream("http://far.example"), env)
        assert proxy.asked == ["CONNECT far.example:80"]
        await ask(upstream(f"http://127.0.0.1:{far.port}"), env)
        assert (len(proxy.asked), len(far.heads)) == (1, 2), "loopback needs no proxy"


async def test_credentials_are_shown_when_they_are_named(proxy: ConnectProxy) -> None:
    proxy.wants = b"basic " + b64encode(b"anna:s3cret/#").lower()
    async with Far().running() as far:
        proxy.hosts["far.example:80"] = ("127.0.0.1", far.port)
        host_port = proxy.url.removeprefix("http://")
        await ask(upstream("http://far.example"), {"HTTP_PROXY": f"anna:s3cret%2F%23@{host_port}"})
        named = upstream(
            "http://far.example", proxy=proxy.url, proxy_user="anna", proxy_password_env="PW"
        )
        await ask(named, {"PW": "s3cret/#"})
        assert len(far.heads) == 2
        with pytest.raises(UpstreamFailed, match="asks for credentials") as missing:
            await ask(upstream("http://far.example", proxy=proxy.url))
        assert (missing.value.code, missing.value.retryable) == ("proxy_credentials", False)
        with pytest.raises(UpstreamFailed, match="does not take our credentials") as wrong:
            await ask(named, {"PW": "guessed"})
        assert "guessed" not in str(wrong.value)


@pytest.mark.parametrize(
    ("says", "told", "code"),
    [
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\n<html>no!", "status 403", "refused"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "status 502", "refused"),
        (b"HTTP/2 200\r\n\r\n", "as an HTTP proxy does", "failed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "as an HTTP proxy does", "failed"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged", "as an HTTP proxy", "failed"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000, "as an HTTP proxy does", "failed"),
        (b"HTTP/1.1 20", "hung up without an answer", "failed"),
        (b"\x15\x03\x01\x00\x02\x02", "as an HTTP proxy does", "failed"),
    ],
)
async def test_a_proxy_that_gives_no_way_is_named(
    proxy: ConnectProxy, says: bytes, told: str, code: str
) -> None:
    proxy.says = says
    with pytest.raises(UpstreamFailed, match=told) as raised:
        await ask(upstream("http://far.example", proxy=proxy.url))
    assert raised.value.code == f"proxy_{code}"
    assert "127.0.0.1" not in str(raised.value), "where it is concerns no client"
    assert raised.value.retryable is (b"403" not in says)


async def test_a_proxy_that_hangs_is_left_and_nothing_stays_open(proxy: ConnectProxy) -> None:
    proxy.hangs = True
    with pytest.raises(UpstreamTimeout):
        await ask(upstream("http://far.example", proxy=proxy.url, connect_timeout=0.05))
    async with asyncio.timeout(5):
        await proxy.left.wait()


async def test_a_proxy_that_is_not_there_is_not_taken_for_the_model() -> None:
    with pytest.raises(UpstreamFailed, match="proxy of this upstream cannot be reached"):
        await ask(upstream("http://far.example", proxy="http://127.0.0.1:9"))


async def test_a_tunnel_that_ends_in_the_handshake_is_an_error(proxy: ConnectProxy) -> None:
    proxy.says = TUNNEL
    with pytest.raises(UpstreamFailed):
        await ask(upstream("https://far.example", proxy=proxy.url))


# ---------------------------------------------------------------- hostile servers behind a proxy


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>hello</html>",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        b"",
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
async def test_a_hostile_server_is_met_the_same_with_and_without_a_proxy(
    proxy: ConnectProxy, answer: bytes, proxied: bool
) -> None:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(hostile, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(UpstreamFailed):
            await ask(upstream(url, proxy=proxy.url if proxied else None))
        assert bool(proxy.asked) is proxied
    finally:
        server.close()


# ---------------------------------------------------------------- certificates


async def test_who_is_not_trusted_is_named(tmp_path: Path) -> None:
    ca, other = Authority(tmp_path), Authority(tmp_path, "Other CA")
    async with Far().running(ca.server("127.0.0.1")) as far:
        url = f"https://127.0.0.1:{far.port}"
        await ask(upstream(url, ca_file=str(ca.file)))
        for wrong in ({"ca_file": str(other.file)}, {}):
            with pytest.raises(UpstreamFailed, match="is not trusted: ") as raised:
                await ask(upstream(url, **wrong))
            assert (raised.value.code, raised.value.retryable) == ("upstream_certificate", False)
        with pytest.raises(UpstreamFailed, match=r"not valid for 'localhost'"):
            await ask(upstream(f"https://localhost:{far.port}", ca_file=str(ca.file)))


async def test_nobody_in_the_tunnel_passes_for_the_server(
    proxy: ConnectProxy, tmp_path: Path
) -> None:
    """A proxy that leads elsewhere, or that reads along with a certificate of its own."""
    ca, other = Authority(tmp_path), Authority(tmp_path, "Other CA")
    for tls in (ca.server("other.example"), other.server("far.example")):
        async with Far().running(tls) as far:
            proxy.hosts["far.example:443"] = ("127.0.0.1", far.port)
            with pytest.raises(UpstreamFailed, match="is not trusted: "):
                await ask(upstream("https://far.example", proxy=proxy.url, ca_file=str(ca.file)))
            assert far.heads == []


async def test_the_bundle_of_the_environment_counts(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    async with Far().running(ca.server("127.0.0.1")) as far:
        await ask(upstream(f"https://127.0.0.1:{far.port}"), {"SSL_CERT_FILE": str(ca.file)})
    with pytest.raises(ConfigError, match=r"SSL_CERT_FILE.*cannot read"):
        await ask(upstream("https://far.example"), {"SSL_CERT_FILE": str(tmp_path / "gone.pem")})


@pytest.mark.parametrize("expired", ["authority", "server"])
async def test_what_has_expired_is_refused_and_said(tmp_path: Path, expired: str) -> None:
    ca = Authority(tmp_path, days=-1 if expired == "authority" else 9)
    tls = ca.server("127.0.0.1", days=-1 if expired == "server" else 9)
    async with Far().running(tls) as far:
        with pytest.raises(UpstreamFailed, match="certificate has expired"):
            await ask(upstream(f"https://127.0.0.1:{far.port}", ca_file=str(ca.file)))


async def test_a_server_that_asks_for_a_certificate_gets_ours(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    tls = ca.server("127.0.0.1")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(ca.file)
    cert, key = ca.sign(called="us")
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    async with Far().running(tls) as far:
        url = f"https://127.0.0.1:{far.port}"
        files = {"client_cert": str(cert), "client_key": str(key)}
        await ask(upstream(url, ca_file=str(ca.file), **files))
        await ask(upstream(url, ca_file=str(ca.file), client_cert=str(both)))
        assert all(far.shown)
        with pytest.raises(UpstreamFailed):
            await ask(upstream(url, ca_file=str(ca.file)))


def refuse_once(listening: socket.socket, tls: ssl.SSLContext) -> None:
    """As nginx does: an alert, and the client has the time to read it. asyncio's server has not."""
    plain, _ = listening.accept()
    stays = plain.dup()
    with suppress(ssl.SSLError), tls.wrap_socket(plain, server_side=True):
        pass
    with stays, suppress(ConnectionError):
        while stays.recv(1 << 16):
            pass


async def test_a_certificate_that_is_missing_or_not_good_enough_is_named(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    tls = ca.server("127.0.0.1")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(ca.file)
    cert, key = map(str, Authority(tmp_path, "Stranger").sign(called="stranger"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        for files, why in (
            ({}, "CERTIFICATE_REQUIRED"),
            ({"client_cert": cert, "client_key": key}, "UNKNOWN_CA"),
        ):
            refusing = asyncio.to_thread(refuse_once, listening, tls)
            asking = ask(upstream(url, ca_file=str(ca.file), **files))
            _, outcome = await asyncio.gather(refusing, asking, return_exceptions=True)
            assert isinstance(outcome, UpstreamFailed)
            assert "refuses our side of TLS" in str(outcome)
            assert why in str(outcome)


async def test_a_certificate_is_shown_through_a_proxy_too(
    proxy: ConnectProxy, tmp_path: Path
) -> None:
    ca = Authority(tmp_path)
    tls = ca.server("far.example")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(ca.file)
    cert, key = ca.sign(called="us")
    async with Far().running(tls) as far:
        proxy.hosts["far.example:443"] = ("127.0.0.1", far.port)
        files = {"client_cert": str(cert), "client_key": str(key)}
        await ask(upstream("https://far.example", proxy=proxy.url, ca_file=str(ca.file), **files))
        assert far.shown[0]


# ---------------------------------------------------------------- sockets, IPv6, names that move


async def test_a_unix_socket_in_place_of_the_network(tmp_path: Path) -> None:
    far, path = Far(), tmp_path / "engine.sock"
    server = await asyncio.start_unix_server(far.answer, path)
    try:
        client = LocalClient("http://localhost/v1", socket=str(path))
        assert (await client.post("/chat/completions", b"{}")).status == 200
        await client.close()
        await ask(upstream("http://engine.internal/v1", socket=str(path)))
        assert b"host: engine.internal\r\n" in far.heads[1]
    finally:
        server.close()
    with pytest.raises(UpstreamFailed, match="cannot be reached"):
        await ask(upstream("http://engine.internal/v1", socket=str(tmp_path / "gone.sock")))


@pytest.mark.parametrize("proxied", [False, True])
async def test_ipv6(proxy: ConnectProxy, proxied: bool) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with Far().running(host="::1") as far:
        await ask(upstream(f"http://[::1]:{far.port}/v1/", proxy=proxy.url if proxied else "off"))
        assert f"host: [::1]:{far.port}\r\n".encode() in far.heads[0]
        assert proxy.asked == ([f"CONNECT [::1]:{far.port}"] if proxied else [])


async def test_a_name_that_leads_elsewhere_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the old server still answers: no connection is used for ever."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.BaseEventLoop):
        pytest.skip("uvloop looks names up in C; the pool is the same")
    leads = {"to": "127.0.0.1"}

    async def look_up(host: object, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads["to"], port))]

    async with Far().running() as old, Far().running(host="127.0.0.2", port=old.port) as new:
        monkeypatch.setattr(loop, "getaddrinfo", look_up)
        way = egress(upstream(f"http://far.example:{old.port}"))

        async def once() -> tuple[int, int]:
            await way.post(ASKED, "/chat/completions", lambda _: b"{}")
            return len(old.heads), len(new.heads)

        assert await once() == (1, 0)
        leads["to"] = "127.0.0.2"
        assert await once() == (2, 0), "the connection is young"
        monkeypatch.setattr(connection, "LONGEST_LIFE", -1.0)
        assert await once() == (2, 1)
        await way.close()


def test_timeouts_are_those_of_the_table() -> None:
    own = egress(upstream("http://far.example", connect_timeout=3, total_timeout=9))
    assert own._client.timeouts == Timeouts(connect=3, first_byte=5, idle=60, total=9)
