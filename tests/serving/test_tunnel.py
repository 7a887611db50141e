"""What a proxy is asked, and how its answer is read, whatever pieces it comes in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shortstop.errors import UpstreamFailed
from shortstop.serving.tunnel import MAX_HEAD, Tunnel


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data


def tunnel(host: str = "api.example", authorization: str = "") -> tuple[Tunnel, Wire]:
    made, wire = Tunnel(asyncio.get_running_loop(), host, 443, authorization), Wire()
    transport: Any = wire
    made.connection_made(transport)
    return made, wire


async def test_it_is_asked_for_the_real_host_and_shown_credentials_only_where_there_are() -> None:
    _, wire = tunnel()
    assert wire.sent.startswith(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n")
    assert wire.sent.endswith(b"\r\n\r\n")
    assert b"Proxy-Authorization" not in wire.sent
    _, wire = tunnel("fd00::1", "Basic YTpi")
    assert wire.sent.startswith(b"CONNECT [fd00::1]:443 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic YTpi\r\n" in wire.sent


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200\r\nProxy-agent: x\r\n\r\n",
        b"HTTP/1.1 204 \r\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
    ],
)
async def test_a_tunnel_is_granted_in_whatever_pieces(answer: bytes, step: int) -> None:
    made, _ = tunnel()
    for start in range(0, len(answer), step):
        assert not made.granted.done()
        made.data_received(answer[start : start + step])
    assert await made.granted is None
    made.data_received(b"late")
    made.connection_lost(None)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 407 \r\n\r\n", "proxy_credentials"),
        (b"HTTP/1.1 301 Moved\r\nLocation: x\r\n\r\n", "proxy_refused"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "proxy_refused"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "proxy_failed"),
        (b"HTTP/1.1 OK\r\n\r\n", "proxy_failed"),
        (b"\r\n\r\n", "proxy_failed"),
        (b"x", "proxy_failed"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * MAX_HEAD, "proxy_failed"),
        (b"HTTP/1.1 200 OK\r\na: " + b"b" * MAX_HEAD + b"\r\n\r\n", "proxy_failed"),
    ],
)
async def test_anything_else_is_an_error_with_its_code(answer: bytes, code: str) -> None:
    made, _ = tunnel()
    made.data_received(answer)
    with pytest.raises(UpstreamFailed) as raised:
        await made.granted
    assert raised.value.code == code


async def test_who_hangs_up_is_an_error() -> None:
    made, _ = tunnel()
    made.connection_lost(ConnectionResetError())
    with pytest.raises(UpstreamFailed, match="hung up"):
        await made.granted
