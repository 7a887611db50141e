"""What is written in one turn of the event loop leaves in one piece, and nothing waits longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shortstop.server.turn_transport import MOST, TurnTransport

pytestmark = pytest.mark.asyncio


class Wire(asyncio.Transport):
    """Remembers what happens to it, in order."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def write(self, data: Any) -> None:
        self.seen.append(bytes(data))

    def write_eof(self) -> None:
        self.seen.append("eof")

    def close(self) -> None:
        self.seen.append("close")

    def abort(self) -> None:
        self.seen.append("abort")

    def get_write_buffer_size(self) -> int:
        return 7


def made() -> tuple[TurnTransport, Wire]:
    wire = Wire()
    return TurnTransport(wire, asyncio.get_running_loop()), wire


async def test_a_turn_s_writes_are_one() -> None:
    transport, wire = made()
    for piece in (b"head", b" ", b"body"):
        transport.write(piece)
    assert wire.seen == []
    await asyncio.sleep(0)
    assert wire.seen == [b"head body"]
    transport.write(b"next")
    await asyncio.sleep(0)
    assert wire.seen == [b"head body", b"next"]


async def test_what_is_flushed_does_not_wait_and_leaves_once() -> None:
    transport, wire = made()
    transport.write(b"all")
    transport.flush()
    assert wire.seen == [b"all"]
    await asyncio.sleep(0)
    transport.flush()
    assert wire.seen == [b"all"]


async def test_no_more_waits_than_is_allowed() -> None:
    transport, wire = made()
    transport.write(b"x" * (MOST - 1))
    assert wire.seen == []
    assert transport.get_write_buffer_size() == 7 + MOST - 1
    transport.write(b"yz")
    assert [len(piece) for piece in wire.seen] == [MOST + 1]
    assert transport.get_write_buffer_size() == 7


@pytest.mark.parametrize(
    ("end", "seen"), [("close", [b"bye", "close"]), ("write_eof", [b"bye", "eof"])]
)
async def test_an_end_comes_after_what_waits(end: str, seen: list[Any]) -> None:
    transport, wire = made()
    transport.write(b"bye")
    getattr(transport, end)()
    assert wire.seen == seen


async def test_who_aborts_writes_no_more() -> None:
    transport, wire = made()
    transport.write(b"bye")
    transport.abort()
    await asyncio.sleep(0)
    assert wire.seen == ["abort"]
