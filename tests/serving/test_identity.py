"""The way to an identity provider: bounded, encrypted to whom is trusted, by the proxy there is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shortstop.errors import SignOnUnavailable
from shortstop.serving.identity import IdentityFetch
from shortstop.serving.tls import client_context
from tests.certificates import Authority
from tests.connect_proxy import ConnectProxy
from tests.sso.provider import LocalProvider

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def answering(
    says: bytes = GOOD, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on this machine: its port, and the heads that it has read."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(says)
            await writer.drain()
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()


async def test_forms_and_documents_are_sent_as_what_they_are() -> None:
    async with answering() as (port, heads):
        fetch, url = IdentityFetch(30, {}), f"http://127.0.0.1:{port}"
        reply = await fetch.post(f"{url}/token?x=1", {"a b": "&"}, {"authorization": "Basic eA=="})
        assert (reply.status, reply.body) == (200, b"{}")
        await fetch.post_json(f"{url}/admin", {"a": 1})
        await fetch.get(url)
    form, document, plain = heads
    assert form.startswith(b"POST /token?x=1 HTTP/1.1\r\n")
    assert b"content-type: application/x-www-form-urlencoded\r\n" in form
    assert b"authorization: Basic eA==\r\n" in form
    assert b"content-type: application/json\r\n" in document
    assert plain.startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n", "more than 1 MB"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "did not answer within 0.2 s"),
        (b"", "did not answer within 0.2 s"),
        (b"no HTTP\r\n\r\n", "cannot be reached"),
    ],
    ids=["large", "stuck", "silent", "garbage"],
)
async def test_what_goes_wrong_is_named_with_its_address(says: bytes, told: str) -> None:
    async with answering(says) as (port, _):
        url = f"http://127.0.0.1:{port}"
        with pytest.raises(SignOnUnavailable, match=told) as raised:
            await IdentityFetch(0.2, {}).post(url, {"client_secret": "s3cret"})
        assert url in str(raised.value)
        assert "s3cret" not in str(raised.value)


async def test_nobody_listens() -> None:
    with pytest.raises(SignOnUnavailable, match="cannot be reached"):
        await IdentityFetch(30, {}).get("http://127.0.0.1:9")


async def test_a_certificate_is_trusted_that_ca_file_vouches_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with answering(tls=authority.server("127.0.0.1")) as (port, heads):
        url = f"https://127.0.0.1:{port}"
        with pytest.raises(SignOnUnavailable, match="is not trusted"):
            await IdentityFetch(30, {}).get(url)
        assert heads == []
        tls = client_context(ca_file=str(authority.file), cert=None, key=None, named_by="sso")
        assert (await IdentityFetch(30, {}, tls).get(url)).status == 200


async def test_the_environments_proxy_is_the_way() -> None:
    proxy = ConnectProxy()
    async with proxy.running(), answering() as (port, _):
        proxy.hosts["id.example:80"] = ("127.0.0.1", port)
        fetch = IdentityFetch(30, {"HTTP_PROXY": proxy.url})
        assert (await fetch.get("http://id.example/keys")).status == 200
        assert proxy.asked == ["CONNECT id.example:80"]
        proxy.says = b"HTTP/1.1 403 Forbidden\r\n\r\n"
        with pytest.raises(SignOnUnavailable, match="status 403"):
            await fetch.get("http://id.example/keys")


async def test_nobody_elsewhere_is_asked_where_nothing_leaves() -> None:
    fetch = IdentityFetch(30, {}, airgap=True)
    async with LocalProvider().running() as local:
        assert (await fetch.get(f"{local.url}/keys")).status == 200
    with pytest.raises(SignOnUnavailable, match="airgap = true"):
        await fetch.get("https://keys.example/jwks")
