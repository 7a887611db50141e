"""Rate limits by leases: exact in sum, whoever asks where."""

from __future__ import annotations

import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.accounts import Key, meter
from shortstop.accounts.meter import WINDOW
from shortstop.accounts.slices import IDLE_SECONDS, REFRESH_SECONDS
from shortstop.errors import RateLimited, StoreUnavailable
from shortstop.ports.leases import LEASE_SECONDS
from shortstop.types import Admission
from shortstop.types.leases import SharedMeter
from tests.accounts.replicas import Replica, World


def admitted(one: Replica, key: Key, tokens: int = 0, **said: Any) -> Admission | None:
    try:
        return one.accounts.rates.admit(key, tokens, **said)
    except RateLimited:
        return None


def test_replicas_admit_together_what_one_would(world: World) -> None:
    """By the database's clock: the replicas' own stand still, and are five seconds apart."""
    key = world.key(rpm=300)
    replicas = [world.replica(ahead) for ahead in (-2.5, 0.0, 2.5)]
    began, served = time.monotonic(), 0
    for n in range(450):
        world.clock.advance(0.05)
        served += admitted(replicas[n % 3], key) is not None
        if n % 10 == 0:
            replicas[n % 3].turn()
    most = 300 + (time.monotonic() - began) * 300 / WINDOW
    assert 300 <= served <= most + 1
    calls = sum(one.flaky.calls for one in replicas)
    assert calls < served, "not each of them asks"


def test_what_an_idle_replica_has_goes_back(world: World) -> None:
    key = world.key(rpm=60)
    one, other = world.replica(), world.replica()
    assert admitted(one, key) is not None
    world.wait(IDLE_SECONDS + 0.1)
    assert sum(admitted(other, key) is not None for _ in range(70)) >= 57, "but for a twentieth"
    world.wait(REFRESH_SECONDS + 0.1)
    world.wait(0.3)
    assert admitted(other, key) is not None, "when it is told that the rest is used up, that too"


def test_a_refusal_says_when_to_come_back_and_each_answer_what_is_left(world: World) -> None:
    key, one = world.key(rpm=60), world.replica()
    first = admitted(one, key)
    assert first is not None
    assert first.headers["x-ratelimit-limit-requests"] == "60"
    assert first.headers["x-ratelimit-remaining-requests"] == "59"
    for _ in range(59):
        assert admitted(one, key) is not None
    while admitted(one, key) is not None:  # what time has brought meanwhile
        pass
    with pytest.raises(RateLimited, match="used up") as refused:
        one.accounts.rates.admit(key, 0)
    assert 0 < (refused.value.retry_after or 0) <= 2
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "0"


def test_tokens_are_corrected_by_what_was_used(world: World) -> None:
    key, one = world.key(tpm=6000), world.replica()
    assert admitted(one, key, 5000) is not None
    assert admitted(one, key, 2000) is None
    one.accounts.rates.correct(key.id, 6000, -4000)
    world.wait(1.0)
    assert admitted(one, key, 4500) is not None
    with pytest.raises(RateLimited, match="alone is larger"):
        one.accounts.rates.admit(key, 6001)


def test_work_in_the_background_leaves_half_of_a_limit(world: World) -> None:
    key, one = world.key(rpm=60), world.replica()
    served = 0
    for _ in range(45):
        world.clock.advance(0.3)
        served += admitted(one, key, background=True) is not None
    assert 30 <= served <= 31
    assert sum(admitted(one, key) is not None for _ in range(40)) >= 28


def test_while_the_store_is_away_a_slice_is_used_up_and_no_more(world: World) -> None:
    key, one = world.key(rpm=600), world.replica()
    assert admitted(one, key) is not None
    one.flaky.away = True
    served = 0
    with suppress(StoreUnavailable):
        while admitted(one, key) is not None:
            served += 1
    assert 1 <= served <= 60
    with pytest.raises(StoreUnavailable):
        admitted(one, key)
    one.flaky.away = False
    assert admitted(one, key) is not None


def test_a_slice_is_used_no_longer_than_it_is_leased(world: World) -> None:
    key, one = world.key(rpm=600), world.replica()
    assert admitted(one, key) is not None
    one.flaky.away = True
    world.clock.advance(LEASE_SECONDS)
    with pytest.raises(StoreUnavailable):
        admitted(one, key)


@pytest.mark.parametrize("pause", [0.1, 5.0])
def test_a_limit_of_which_little_is_used_outlives_a_minute_without_the_store(
    world: World, pause: float
) -> None:
    """Ten requests a second, and one in five seconds."""
    key, one = world.key(rpm=60_000), world.replica()
    for _ in range(int(30 / pause)):
        assert admitted(one, key) is not None
        world.wait(pause)
    one.flaky.away = True
    for _ in range(int(60 / pause)):
        assert admitted(one, key) is not None
        world.wait(pause)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE meters SET arrival = 'infinity'",
        "UPDATE meters SET arrival = '-infinity'",
        "UPDATE meters SET arrival = 'NaN'",
        "UPDATE meters SET arrival = 1e300",
        "UPDATE meter_leases SET units = -5000",
        "UPDATE meter_leases SET units = 9223372036854775807",
        "UPDATE meter_leases SET until = 'infinity'",
        "INSERT INTO meter_leases SELECT 'by-hand', key, unit, -90, 'infinity' FROM meters",
        "INSERT INTO meter_leases SELECT 'by-hand', key, unit, 1000000, 'infinity' FROM meters",
    ],
)
def test_a_table_that_was_edited_by_hand_admits_no_more_and_is_right_in_a_minute(
    world: World, edit: str, caplog: pytest.LogCaptureFixture
) -> None:
    key, one, other = world.key(rpm=600), world.replica(), world.replica()
    for each in (one, other):
        assert admitted(each, key) is not None
    world.sql(edit)
    began, served = time.monotonic(), 2
    for n in range(1300):
        world.clock.advance(0.01)
        served += admitted((one, other)[n % 2], key) is not None
    assert served <= 600 + (time.monotonic() - began) * 10 + 1
    if "-infinity" not in edit and "until" not in edit:
        assert f"600 requests a minute of key {key.id}" in caplog.text
    world.sql("UPDATE meters SET arrival = arrival - 60")
    world.wait(REFRESH_SECONDS + 0.1)
    assert admitted(one, key) is not None, "as if a minute had passed"
    ((arrival, now),) = world.sql("SELECT arrival, extract(epoch FROM now())::float8 FROM meters")
    assert float(str(arrival)) <= float(str(now)) + WINDOW + 1
    assert not world.sql("SELECT 1 FROM meter_leases WHERE until > now() + interval '2 minutes'")


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["use", "use", "lease", "lapse"]),
            st.integers(0, 40),
            st.floats(0, 30),
        ),
        max_size=60,
    )
)
def test_no_more_arrives_than_one_meter_would_admit(
    steps: list[tuple[int, str, int, float]],
) -> None:
    """Three processes lease, use some, give back some; what they use, in the order in which it
    arrives, conforms to the limit as if each unit had been counted when it was used."""
    limit, now = 60, 1.8e9
    arrival: float | None = None
    leased, unused = [0, 0, 0], [0, 0, 0]
    true = now - WINDOW
    for who, act, number, wait in steps:
        now += wait
        if act == "use":
            used = min(number, unused[who])
            unused[who] -= used
            if used:
                reading = meter.take(true, now, used, limit)
                assert reading.arrival - now <= WINDOW + 1e-4
                true = max(true, now) + used * WINDOW / limit
                assert true - now <= WINDOW + 1e-4
            continue
        others = [one for one in range(3) if one != who]
        lapsed = others[0] if act == "lapse" else None
        state = SharedMeter(
            arrival,
            now,
            leased[who],
            sum(leased[one] for one in others if one != lapsed),
            0 if lapsed is None else leased[lapsed],
        )
        if lapsed is not None:
            leased[lapsed] = unused[lapsed] = 0
        spent = leased[who] - unused[who]
        change = meter.shared(
            state,
            limit,
            spent,
            lambda room, n=number: max(0, min(n, room)),  # type: ignore[misc]
        )
        arrival, leased[who], unused[who] = change.arrival, change.leased, change.leased
        assert sum(leased) <= limit


def test_a_budget_and_a_limit_are_kept_in_the_same_breath(world: World) -> None:
    key, one = world.key(rpm=6000, budget_usd=Decimal(10)), world.replica()
    for n in range(50):
        assert admitted(one, key) is not None
        assert one.hold(f"r{n}", key, "0.01") is None
        one.settle(f"r{n}", key, "0.01")
        world.clock.advance(0.01)
    before = one.flaky.calls
    world.wait(IDLE_SECONDS + 0.1)
    assert one.flaky.calls == before + 1
