"""The certificate at the door: shown, read again, and kept where the new one is no good."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from shortstop.app.certificate import DoorCertificate, certificate_of
from shortstop.config import TlsConfig
from shortstop.errors import ConfigError
from tests.certificates import Authority


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def door(certificate: DoorCertificate) -> AsyncIterator[int]:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=certificate.context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def shown(port: int, name: str | None = None) -> str:
    """The common name of the certificate that a client is shown; `name` is the host it asks for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host = "127.0.0.1"
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name or "")
    data = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    subject = x509.load_der_x509_certificate(data).subject
    return str(subject.rfc4514_string()).removeprefix("CN=")


async def test_new_connections_are_shown_what_was_taken_last(ca: Authority) -> None:
    cert, key = ca.sign("gateway.example", called="first")
    certificate = DoorCertificate(str(cert), str(key))
    async with door(certificate) as port:
        assert await shown(port) == "first"
        for file, new in zip((cert, key), ca.sign("gateway.example", called="second"), strict=True):
            os.replace(new, file)
        assert await shown(port) == "first", "nobody has reloaded"
        certificate.take(certificate.read())
        assert await shown(port) == "second"
        assert await shown(port, "gateway.example") == "second"
        assert await shown(port, "other.example") == "second"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda cert, _key: cert.unlink(), r"`server\.tls\.cert`: cannot read"),
        (lambda _cert, key: key.unlink(), r"`server\.tls\.key`: cannot read"),
        (lambda cert, _key: cert.write_text("half"), "holds no certificate"),
        (lambda _cert, key: key.write_text(""), "holds no private key"),
    ],
)
async def test_what_cannot_be_used_leaves_the_old_one(ca: Authority, damage, why: str) -> None:
    cert, key = ca.sign("gateway.example", called="first")
    certificate = DoorCertificate(str(cert), str(key))
    damage(cert, key)
    async with door(certificate) as port:
        with pytest.raises(ConfigError, match=why) as raised:
            certificate.read()
        assert "old certificate stays in force" in str(raised.value)
        assert await shown(port) == "first"


async def test_a_key_of_another_certificate_leaves_the_old_pair_whole(ca: Authority) -> None:
    """To load it in place would leave the new certificate with the old key."""
    cert, key = ca.sign("gateway.example", called="first")
    certificate = DoorCertificate(str(cert), str(key))
    cert.write_bytes(ca.sign("gateway.example", called="second")[0].read_bytes())
    async with door(certificate) as port:
        with pytest.raises(ConfigError, match="is not that of"):
            certificate.read()
        assert await shown(port) == "first"


def test_an_expired_one_is_shown_and_said(ca: Authority, caplog: pytest.LogCaptureFixture) -> None:
    cert, key = ca.sign("gateway.example", days=-1)
    DoorCertificate(str(cert), str(key))
    assert "has expired on" in caplog.text


def test_none_is_none_and_a_wrong_one_stops_the_start(tmp_path: Path) -> None:
    assert certificate_of(TlsConfig()) is None
    with pytest.raises(ConfigError, match="cannot read"):
        certificate_of(TlsConfig(cert=str(tmp_path / "gone.pem")))
