"""Who is let in, who makes room, and who may stay to read a refusal."""

from __future__ import annotations

import asyncio

import pytest

from shortstop.config import LimitsConfig
from shortstop.errors import ShortstopError
from shortstop.server import connections as house
from shortstop.server.connections import FAREWELLS, Connections


class Visitor:
    def __init__(self) -> None:
        self.told: list[ShortstopError] = []
        self.was_cut = False
        self.checked = asyncio.Event()

    def check(self, now: float) -> None:
        self.checked.set()

    def refuse(self, error: ShortstopError) -> None:
        self.told.append(error)

    def cut(self) -> None:
        self.was_cut = True


def of(limit: int) -> Connections:
    return Connections(lambda: LimitsConfig(connections=limit), lambda error, path="": b"")


def test_the_longest_silent_makes_room() -> None:
    all_ = of(3)
    guests = [Visitor() for _ in range(5)]
    for guest in guests[:3]:
        all_.enter(guest)
    all_.waiting.move_to_end(guests[0])
    for guest in guests[3:]:
        all_.enter(guest)
    assert [guest.was_cut for guest in guests] == [False, True, True, False, False]
    assert len(all_.open) == 3


def test_whoever_is_being_served_is_never_cut() -> None:
    all_ = of(2)
    served = [Visitor(), Visitor()]
    for guest in served:
        all_.enter(guest)
        all_.waiting.pop(guest)
    late = Visitor()
    all_.enter(late)
    assert not any(guest.was_cut for guest in served)
    assert [(error.status, error.retry_after) for error in late.told] == [(503, 1.0)]
    all_.leave(late)
    all_.leave(served[0])
    again = Visitor()
    all_.enter(again)
    assert again.told == []


def test_farewells_are_bounded() -> None:
    all_ = of(1000)
    guests = [Visitor() for _ in range(FAREWELLS + 1)]
    stays = [all_.may_linger(guest) for guest in guests]
    assert stays == [True] * FAREWELLS + [False]
    all_.leave(guests[0])
    assert all_.may_linger(guests[-1])


async def test_every_sweep_sees_all_with_the_limits_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(house, "EVERY", 0.001)
    limits, swept = [LimitsConfig(connections=5)], asyncio.Event()
    all_ = Connections(lambda: limits[-1], lambda error, path="": b"", swept.set)
    guests = [Visitor(), Visitor()]
    for guest in guests:
        all_.enter(guest)
    limits.append(LimitsConfig(connections=7))
    sweeping = asyncio.create_task(all_.keep_sweeping())
    async with asyncio.timeout(10):
        await swept.wait()
    sweeping.cancel()
    assert all(guest.checked.is_set() for guest in guests)
    assert all_.limits.connections == 7
