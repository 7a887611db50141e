"""Which key a request goes by: shares, staying, resting, rates, spares."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.errors import TargetError, UpstreamFailed, UpstreamRejected, UpstreamTimeout
from shortstop.serving.breaker import Breaker
from shortstop.serving.deployments import (
    CACHED_TOKENS,
    KEY_SECONDS,
    LONGEST_REST,
    Chooser,
    Deployment,
    KeyStanding,
    KeyStandings,
    Load,
    rest_after,
)
from tests.conftest import FakeClock

MANY = 2000
"""Conversations: a share is met within six percent of all by more than five sigma."""
WEIGHTS = st.lists(st.integers(1, 9), min_size=2, max_size=5)


def several(
    weights: Sequence[float], clock: FakeClock | None = None, rates: Sequence[float | None] = ()
) -> Chooser:
    clock = clock or FakeClock()
    rates = rates or [None] * len(weights)
    return Chooser(
        [
            Deployment(f"v/{i}", Breaker(2, 15, clock), weight, rate)
            for i, (weight, rate) in enumerate(zip(weights, rates, strict=True))
        ],
        clock,
    )


def long(thread: object, tokens: int = CACHED_TOKENS) -> Load:
    return Load(f"acme/{thread}", tokens, tokens)


def short(thread: object) -> Load:
    return Load(f"acme/{thread}", 10, 20)


def chosen(chooser: Chooser, load: Load, left: Sequence[str] = ()) -> str | None:
    one = chooser.choose(load, left)
    return None if one is None else one.label


def limited(retry_after: float | None = None) -> TargetError:
    return UpstreamRejected("slow down", status=429, retry_after=retry_after)


def key_refused() -> TargetError:
    error = UpstreamFailed("no such key", code="upstream_auth")
    error.about_key = True
    return error


# ------------------------------------------------------------ shares


@given(WEIGHTS, st.booleans(), st.integers())
def test_conversations_are_shared_out_by_weight_and_nobody_starves(
    weights: list[int], longer: bool, salt: int
) -> None:
    """A bad draw of the salt would be one in many thousands."""
    chooser, ask = several(weights), long if longer else short
    counts = Counter(chosen(chooser, ask(f"{salt}/{i}")) for i in range(MANY))
    for place, weight in enumerate(weights):
        share = counts[f"v/{place}"] / MANY
        assert abs(share - weight / sum(weights)) < 0.06


@given(WEIGHTS, st.text(max_size=20))
def test_a_conversation_stays_whatever_else_happens(weights: list[int], thread: str) -> None:
    """Also in another process: nothing is remembered."""
    first = several(weights)
    home = chosen(first, long(thread))
    busy = next(one for one in first.deployments if one.label == home)
    for _ in range(20):
        first.enter(busy, long("others"))
    assert chosen(first, long(thread)) == chosen(several(weights), long(thread)) == home


@given(WEIGHTS, st.integers(0, 4))
def test_a_deployment_that_goes_moves_only_its_own_conversations(
    weights: list[int], place: int
) -> None:
    clock = FakeClock()
    chooser = several(weights, clock)
    gone = chooser.deployments[place % len(weights)]
    before = {i: chosen(chooser, long(i)) for i in range(200)}
    chooser.failed(gone, limited(60))
    after = {i: chosen(chooser, long(i)) for i in range(200)}
    assert gone.label not in after.values()
    assert all(after[i] == home for i, home in before.items() if home != gone.label)
    clock.advance(60)
    assert {i: chosen(chooser, long(i)) for i in range(200)} == before, "they come home"


def test_a_short_prompt_goes_to_the_least_busy_by_weight() -> None:
    chooser = several([3, 1])
    heavy, light = chooser.deployments
    for _ in range(2):
        chooser.enter(heavy, short(0))
    assert {chosen(chooser, short(i)) for i in range(50)} == {"v/1"}
    chooser.enter(light, short(0))
    assert {chosen(chooser, short(i)) for i in range(50)} == {"v/0"}, "2 of 3 against 1 of 1"
    chooser.leave(light, short(0), None)
    chooser.leave(heavy, short(0), None)
    chooser.leave(heavy, short(0), None)
    assert {chosen(chooser, short(i)) for i in range(50)} == {"v/0", "v/1"}


def test_one_alone_is_chosen_without_a_look() -> None:
    """It never rests: there is nobody else."""
    chooser = several([1])
    (only,) = chooser.deployments
    chooser.failed(only, limited(60))
    assert chooser.choose(long("c")) is only
    assert only.rests(FakeClock().now) == 0
    assert chooser.choose(long("c"), {only.label}) is None


# ------------------------------------------------------------ resting


@given(WEIGHTS, st.data())
def test_who_rests_gets_nothing_unless_all_do(weights: list[int], data: st.DataObject) -> None:
    clock = FakeClock()
    chooser = several(weights, clock)
    places = range(len(weights))
    resting = data.draw(st.sets(st.sampled_from(places), max_size=len(weights)))
    for place in resting:
        chooser.failed(chooser.deployments[place], limited(10 + place))
    got = {chosen(chooser, long(i)) for i in range(300)}
    if len(resting) == len(weights):
        assert got == {"v/0"}, "the one that is back first"
        assert chooser.back_in() == 10
    else:
        assert got <= {f"v/{place}" for place in places if place not in resting}


def test_an_open_breaker_is_a_rest_and_the_last_choice() -> None:
    clock = FakeClock()
    chooser = several([1, 1], clock)
    broken, limited_one = chooser.deployments
    assert chooser.broken is None, "nothing was asked yet"
    for _ in range(2):
        broken.breaker.failed()
    assert chooser.broken is True, "all that were asked"
    assert {chosen(chooser, long(i)) for i in range(50)} == {"v/1"}
    assert chooser.open_for == 0, "one of them may be asked"
    chooser.failed(limited_one, limited(600))
    assert chosen(chooser, long("c")) == "v/1", "it answered at least"
    limited_one.breaker.failed()
    limited_one.breaker.failed()
    assert chooser.open_for == 15
    assert chooser.broken is True
    limited_one.breaker.succeeded()
    assert chooser.broken is False


def test_after_a_failure_another_one_is_found_that_was_not_asked() -> None:
    chooser = several([1, 1, 1])
    first = chosen(chooser, long("c"))
    second = chosen(chooser, long("c"), [first or ""])
    assert {first, second} < {"v/0", "v/1", "v/2"}
    assert chosen(chooser, long("c"), ["v/0", "v/1", "v/2"]) is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (limited(), 30.0),
        (limited(0), 30.0),
        (limited(7), 7.0),
        (limited(1e9), LONGEST_REST),
        (key_refused(), KEY_SECONDS),
        (UpstreamFailed("busy", status=503, retry_after=9), 9.0),
        (UpstreamFailed("lost"), 0.0),
        (UpstreamTimeout("late"), 0.0),
        (UpstreamRejected("bad", status=400, retry_after=9), 0.0),
    ],
)
def test_for_how_long_a_key_is_left_alone(error: TargetError, seconds: float) -> None:
    assert rest_after(error, 30.0) == seconds


def test_a_shorter_rest_does_not_end_a_longer_one_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    chooser = several([1, 1], clock)
    one = chooser.deployments[0]
    with caplog.at_level(logging.WARNING):
        chooser.failed(one, limited(60))
        chooser.failed(one, limited(5))
    assert one.rests(clock.now) == 60
    assert [r.message for r in caplog.records] == [
        "the deployment v/0 is left alone for 60 s (upstream_rejected)"
    ]


# ------------------------------------------------------------ rates and spares


def test_beyond_its_rate_the_others_take_over_until_it_has_run_off() -> None:
    clock = FakeClock()
    chooser = several([1, 1], clock, [60_000, None])
    limited_one, other = chooser.deployments
    mine = next(load for i in range(99) if chosen(chooser, load := long(i, 20_000)) == "v/0")
    for _ in range(3):
        assert chosen(chooser, mine) == "v/0"
        chooser.enter(limited_one, mine)
    assert chosen(chooser, mine) == "v/1", "60,000 tokens are used"
    clock.advance(20)
    assert chosen(chooser, mine) == "v/0", "a third of a minute gives a third of the rate"
    assert other.standing.used == 0


def test_what_was_taken_counts_and_not_what_was_thought() -> None:
    chooser = several([1, 1], FakeClock(), [1000, 1000])
    one = chooser.deployments[0]
    load = Load("t", 100, 900)
    for used, left in ((150, 150), (None, 900), (0, 0)):
        one.standing.used = 0.0
        chooser.enter(one, load)
        chooser.leave(one, load, used)
        assert one.standing.used == left
    assert one.standing.busy == 0


def test_where_all_are_full_the_conversation_stays() -> None:
    chooser = several([1, 1], FakeClock(), [10, 10])
    home = chosen(several([1, 1]), long("c"))
    assert chosen(chooser, long("c")) == home


def test_a_spare_takes_what_the_others_cannot() -> None:
    chooser = several([0, 1], FakeClock(), [None, 5000])
    spare, paid = chooser.deployments
    assert {chosen(chooser, long(i)) for i in range(100)} == {"v/1"}
    assert {chosen(chooser, short(i)) for i in range(100)} == {"v/1"}
    chooser.enter(paid, long("big", 4500))
    assert {chosen(chooser, long(i)) for i in range(100)} == {spare.label}
    chooser.failed(spare, limited())
    assert {chosen(chooser, long(i)) for i in range(100)} == {"v/1"}, "full is better than resting"


# ------------------------------------------------------------ what lasts


def test_what_is_known_lasts_as_long_as_somebody_uses_it() -> None:
    known = KeyStandings()
    one = known.of("https://a", "KEY_A", "big")
    assert known.of("https://a", "KEY_A", "big") is one
    assert known.of("https://a", "KEY_B", "big") is not one
    assert isinstance(one, KeyStanding)
    one.until = 5.0
    del one
    assert known.of("https://a", "KEY_A", "big").until == 0.0
