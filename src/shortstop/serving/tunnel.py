"""Asking an HTTP proxy for a tunnel (CONNECT, RFC 9110, 9.3.6)."""

from __future__ import annotations

import asyncio
import re
from typing import cast

from shortstop import __version__
from shortstop.errors import UpstreamFailed

MAX_HEAD = 1 << 14
"""Bytes of the proxy's answer."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
NEEDS_CREDENTIALS = 407


class Tunnel(asyncio.Protocol):
    """One connection to a proxy, until `granted` is done: then it is the server's.

    `granted` raises UpstreamFailed for a proxy that refuses, hangs up or does not speak HTTP.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int, authorization: str
    ) -> None:
        self.granted: asyncio.Future[None] = loop.create_future()
        self._request = _request(host, port, authorization)
        self._shows_credentials = bool(authorization)
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.granted.done():
            return  # a server that speaks before it is asked is none of ours
        self._answer += data
        end = _END.search(self._answer)
        if end is None:
            if not b"HTTP/1.".startswith(self._answer[:7]) or len(self._answer) > MAX_HEAD:
                self._fail(_garbage())
            return
        status = _STATUS.match(self._answer)
        if status is None or len(self._answer) > MAX_HEAD:
            self._fail(_garbage())
        elif not 200 <= int(status[1]) < 300:
            self._fail(_refusal(int(status[1]), shown=self._shows_credentials))
        elif end.end() != len(self._answer):
            self._fail(_garbage())
        else:
            self.granted.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(
            UpstreamFailed(
                "The proxy of this upstream hung up without an answer.", code="proxy_failed"
            )
        )

    def _fail(self, error: UpstreamFailed) -> None:
        if not self.granted.done():
            self.granted.set_exception(error)


def _request(host: str, port: int, authorization: str) -> bytes:
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [
        f"CONNECT {authority} HTTP/1.1",
        f"Host: {authority}",
        f"User-Agent: shortstop/{__version__}",
    ]
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _garbage() -> UpstreamFailed:
    return UpstreamFailed(
        "The proxy of this upstream does not answer as an HTTP proxy does.",
        hint="The operator looks where `proxy` or HTTPS_PROXY points.",
        code="proxy_failed",
    )


def _refusal(status: int, *, shown: bool) -> UpstreamFailed:
    """To ask again at once is pointless, but for a proxy that is itself out of order."""
    if status != NEEDS_CREDENTIALS:
        error = UpstreamFailed(
            f"The proxy of this upstream refuses the way (status {status}).",
            hint="The operator has the host allowed there, or names another `proxy`.",
            code="proxy_refused",
        )
        error.advice = None if status >= 500 else False
        return error
    what = "does not take our credentials" if shown else "asks for credentials"
    error = UpstreamFailed(
        f"The proxy of this upstream {what} (status {status}).",
        hint="The operator sets `proxy_user` and `proxy_password_env`, or puts them into the URL in"
        " the variable that names the proxy.",
        code="proxy_credentials",
    )
    error.advice = False
    return error
