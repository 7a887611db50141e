"""How many at once: one client's flood leaves places for the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shortstop.config import ServerConfig
from shortstop.errors import Overloaded, RateLimited
from shortstop.server.caller import party_of
from shortstop.server.inflight import BURST, InFlight
from shortstop.types import Caller, Party

HOG, OTHER = Party("hog"), Party("other")


def in_flight(**settings: Any) -> tuple[InFlight, SimpleNamespace]:
    gateway = SimpleNamespace(server=ServerConfig(**settings))
    return InFlight(gateway), gateway  # type: ignore[arg-type]


async def test_who_finds_everything_taken_by_another_has_a_place() -> None:
    gate, _ = in_flight(max_in_flight=8)
    for _ in range(8):
        assert gate.try_enter(HOG)
    assert not gate.try_enter(HOG)
    assert gate.try_enter(OTHER)


async def test_a_flood_is_told_that_it_is_one() -> None:
    gate, _ = in_flight(max_in_flight=4, queue_seconds=0.001)
    for _ in range(4):
        await gate.enter(HOG)
    with pytest.raises(Overloaded, match="4 requests are being answered") as alone:
        await gate.enter(HOG)
    await gate.enter(OTHER)
    with pytest.raises(RateLimited, match="your own requests") as greedy:
        await gate.enter(HOG)
    assert (alone.value.status, alone.value.retry_after) == (503, 1.0)
    assert (greedy.value.status, greedy.value.retry_after) == (429, 1.0)


async def test_a_flood_is_known_by_what_is_under_way() -> None:
    gate, _ = in_flight(max_in_flight=64)
    for _ in range(BURST):
        await gate.enter(HOG)
    assert not gate.floods(HOG)
    await gate.enter(HOG)
    assert gate.floods(HOG)
    assert not gate.floods(OTHER)


async def test_a_reload_changes_the_limit() -> None:
    gate, gateway = in_flight(max_in_flight=1)
    assert gate.try_enter(HOG)
    gateway.server = ServerConfig(max_in_flight=2, queue_seconds=3)
    gate.follow()
    assert gate.try_enter(HOG)
    assert (gate.wait_s, gate.queue) == (3, 1)


@pytest.mark.parametrize(
    ("caller", "client", "party"),
    [
        (Caller("acme", "key_1"), ("10.0.0.1", 5), Party("acme", "key_1")),
        (Caller(), ("10.0.0.1", 5), Party("@10.0.0.1")),
        (Caller(), ("10.0.0.1", 6), Party("@10.0.0.1")),
        (Caller(), ("2001:db8::1", 5), Party("@2001:0db8:0000:0000")),
        (Caller(), ("2001:db8::ffff:2", 5), Party("@2001:0db8:0000:0000")),
        (Caller(), ("fe80::1%eth0", 5), Party("@fe80:0000:0000:0000")),
        (Caller(), None, Party("@")),
    ],
)
def test_with_whom_turns_are_shared(
    caller: Caller, client: tuple[str, int] | None, party: Party
) -> None:
    assert party_of(caller, client) == party
