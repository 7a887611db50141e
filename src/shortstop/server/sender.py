"""How an answer leaves by uvicorn's cycle, in fewer steps than uvicorn takes for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

START, BODY = "http.response.start", "http.response.body"
BODILESS = (204, 304)


def sending_itself(app: ASGIApp, cycle: Any) -> ASGIApp:
    """`app`, whose answers do not go through uvicorn's own `cycle.send`, but for HEAD: that one
    searches each header twice and decides anew for each piece what the head has decided."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send if scope["method"] == "HEAD" else Sender(cycle).send)

    return asked


class Sender:
    """The answer of one `cycle`, which keeps what uvicorn and the protocol look at."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle

    async def send(self, message: Message) -> None:
        """Raises RuntimeError for what is no answer: a message out of turn, a header that would
        be two, a length that was not announced."""
        cycle, kind = self._cycle, message["type"]
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        if kind != (BODY if cycle.response_started else START) or cycle.response_complete:
            raise RuntimeError(f"The message {kind!r} comes out of turn.")
        if kind == START:
            self._begin(message["status"], message.get("headers", ()))
        else:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        cycle = self._cycle
        cycle.response_started, cycle.waiting_for_100_continue = True, False
        told = {name.lower(): value for name, value in headers}
        values = b"".join([value for _, value in headers])
        if HEADER_RE.search(b"".join(told)) or HEADER_VALUE_RE.search(values):
            raise RuntimeError("A header's name or value is none.")
        lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
        if b"close" in told.get(b"connection", b"").lower():
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        if cycle.chunked_encoding is None:
            length = told.get(b"content-length")
            if length is not None:
                cycle.chunked_encoding, cycle.expected_content_length = False, int(length)
            elif status not in BODILESS:
                cycle.chunked_encoding = True
                if b"transfer-encoding" not in told:
                    lines.append(b"transfer-encoding: chunked\r\n")
        cycle.transport.write(b"%b%b\r\n" % (STATUS_LINE[status], b"".join(lines)))

    def _go_on(self, body: bytes, *, more: bool) -> None:
        cycle = self._cycle
        if cycle.chunked_encoding:
            piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            cycle.transport.write(piece if more else piece + b"0\r\n\r\n")
        else:
            cycle.expected_content_length -= len(body)
            if cycle.expected_content_length < 0 or (cycle.expected_content_length and not more):
                raise RuntimeError("The answer is not as long as its head says.")
            cycle.transport.write(body)
        if more:
            return
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
