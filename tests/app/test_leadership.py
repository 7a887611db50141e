"""One machine leads, another follows when its time is over, and a job is done by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shortstop.app import leadership as module
from shortstop.app.leadership import TERM_SECONDS, Leadership
from shortstop.errors import StoreUnavailable
from tests.conftest import FakeClock
from tests.postgres import PostgresServer

pytest.importorskip("psycopg", reason="psycopg is not installed: the extra [postgres]")

from shortstop.stores.postgres.leaders import PostgresLeaders
from shortstop.stores.postgres.stores import PostgresStores


@pytest.fixture
def leaders(postgres: PostgresServer) -> Iterator[PostgresLeaders]:
    with postgres.database() as url:
        store = PostgresStores(url).leaders()
        yield store
        store.close()


def over(leaders: PostgresLeaders, name: str) -> None:
    """Its time is over by the database's clock."""
    leaders.lead(name, 0)


def test_another_takes_over_when_the_first_is_lost(
    leaders: PostgresLeaders, clock: FakeClock
) -> None:
    one, two = Leadership(leaders, "a", clock), Leadership(leaders, "b", clock)
    one.renew()
    two.renew()
    assert one.confirmed()
    assert two.term is None
    over(leaders, "a")
    two.renew()
    assert two.term is not None
    assert one.term is not None, "it has not noticed,"
    assert not one.confirmed(), "but asks before it does anything"
    assert two.confirmed()
    one.renew()
    assert one.term is None


def test_a_term_without_an_end_ends(leaders: PostgresLeaders, clock: FakeClock) -> None:
    """Set by hand, or by a server whose clock has gone back: else nobody would lead any more."""
    one, two = Leadership(leaders, "a", clock), Leadership(leaders, "b", clock)
    one.renew()
    two.renew()
    assert two.term is None, "an end that is near is waited for"
    leaders.lead("a", 86_400)
    two.renew()
    assert two.term is not None
    assert not one.confirmed()


def test_who_cannot_reach_the_store_stops_leading_by_its_own_clock(
    leaders: PostgresLeaders, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Leadership(leaders, "a", clock)
    one.renew()

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(leaders, "lead", away)
    monkeypatch.setattr(leaders, "confirm", away)
    with pytest.raises(StoreUnavailable):
        one.renew()
    assert one.term is not None
    assert not one.confirmed()
    clock.advance(TERM_SECONDS)
    assert one.term is None


async def test_a_night_is_one_machine_s_and_the_leader_is_asked_first(
    leaders: PostgresLeaders, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = (Leadership(leaders, name, clock) for name in "abc")
    two.renew()
    waits: list[float] = []
    led = asyncio.Event()

    async def grace(seconds: float) -> None:
        waits.append(seconds)
        await led.wait()

    monkeypatch.setattr(module.asyncio, "sleep", grace)
    claims = [asyncio.create_task(each.claim("night", 100.0)) for each in (one, three)]
    assert await two.claim("night", 100.0)
    led.set()
    assert await asyncio.gather(*claims) == [False, False]
    assert len(waits) == 2
    assert await one.claim("night", 200.0), "the leader is not set up to learn"
    assert not await two.claim("night", 200.0)


async def test_no_store_no_night(leaders: PostgresLeaders, clock: FakeClock) -> None:
    one = Leadership(leaders, "a", clock)
    one.renew()
    leaders.close()
    assert not await one.claim("night", 100.0)
