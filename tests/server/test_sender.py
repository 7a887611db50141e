"""An answer leaves as uvicorn would send it, whatever its head says, and nothing that is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from shortstop.server.sender import BODY, START, sending_itself

pytestmark = pytest.mark.asyncio

Headers = list[tuple[bytes, bytes]]
LENGTH = [(b"content-length", b"5")]


class Wire:
    """What reaches the client."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        self.closed = True


class Flow:
    write_paused = False

    async def drain(self) -> None:
        self.write_paused = False


def cycle_of(method: str = "GET", *, keep_alive: bool = True) -> Any:
    return RequestResponseCycle(
        scope=cast(Any, {"method": method}),
        transport=cast(Any, Wire()),
        flow=cast(Any, Flow()),
        logger=cast(Any, None),
        access_logger=cast(Any, None),
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


def start(status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> Message:
    return {"type": START, "status": status, "headers": list(headers)}


def piece(data: bytes = b"", *, more: bool = False) -> Message:
    return {"type": BODY, "body": data, "more_body": more}


def answering(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


async def sent(cycle: Any, app: ASGIApp) -> bytes:
    await app(cycle.scope, cycle.receive, cycle.send)
    data: bytes = cycle.transport.data
    return data


ANSWERS = {
    "whole": (start(200, LENGTH), piece(b"hello")),
    "whole, in pieces": (start(200, LENGTH), piece(b"hel", more=True), piece(b"lo")),
    "chunks": (start(), piece(b"hel", more=True), piece(more=True), piece(b"lo")),
    "chunks that it announces": (
        start(200, [(b"transfer-encoding", b"chunked")]), piece(b"hello"),
    ),
    "nothing": (start(204), piece()),
    "two of a name": (start(200, [(b"set-cookie", b"a"), (b"set-cookie", b"b")]), piece()),
    "the last": (start(200, [*LENGTH, (b"connection", b"close")]), piece(b"hello")),
    "refused": (start(503, LENGTH), piece(b"hello")),
}  # fmt: skip


@pytest.mark.parametrize("messages", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("keep_alive", [True, False])
async def test_it_is_what_uvicorn_sends(
    messages: tuple[Message, ...], method: str, keep_alive: bool
) -> None:
    ours, theirs = (cycle_of(method, keep_alive=keep_alive) for _ in range(2))
    app = answering(*messages)
    assert await sent(ours, sending_itself(app, ours)) == await sent(theirs, app)
    for name in ("response_complete", "keep_alive", "expected_content_length", "chunked_encoding"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.transport.closed == theirs.transport.closed
    assert ours.message_event.is_set()


@pytest.mark.parametrize(
    "messages",
    [
        (piece(b"hello"),),
        (start(), start()),
        (start(200, LENGTH), piece(b"hello"), piece(b"more")),
        (start(200, LENGTH), piece(b"too much")),
        (start(200, LENGTH), piece(b"less")),
        (start(200, [(b"x-told", b"a\r\nx-own: b")]),),
        (start(200, [(b"x-told", b"a\r\nb"), (b"x-told", b"a")]),),
        (start(200, [(b"x told", b"a")]),),
    ],
)
async def test_what_is_no_answer_is_refused_as_uvicorn_does(messages: tuple[Message, ...]) -> None:
    for wrapped in (sending_itself, lambda app, _: app):
        cycle = cycle_of()
        with pytest.raises(RuntimeError):
            await sent(cycle, wrapped(answering(*messages), cycle))


async def test_nothing_is_sent_to_who_has_left() -> None:
    cycle = cycle_of()
    cycle.disconnected = True
    assert await sent(cycle, sending_itself(answering(start(), piece(b"hello")), cycle)) == b""


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    cycle = cycle_of()
    cycle.flow.write_paused = True
    await sent(cycle, sending_itself(answering(start(200, LENGTH), piece(b"hello")), cycle))
    assert not cycle.flow.write_paused
