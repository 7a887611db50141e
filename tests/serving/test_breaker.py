from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shortstop.serving.breaker import Breaker
from tests.conftest import FakeClock


def test_opens_after_failures_in_a_row_and_probes_once(clock: FakeClock) -> None:
    breaker = Breaker(failures=2, seconds=10, clock=clock)
    for _ in range(2):
        assert breaker.allow()
        breaker.failed()
    assert not breaker.allow()
    assert breaker.open_for == 10
    clock.advance(10)
    assert breaker.allow(), "one probe passes"
    assert not breaker.allow(), "and only one"
    breaker.succeeded()
    assert breaker.allow()


def test_a_failed_probe_opens_anew(clock: FakeClock) -> None:
    breaker = Breaker(failures=1, seconds=5, clock=clock)
    breaker.allow()
    breaker.failed()
    clock.advance(5)
    assert breaker.allow()
    breaker.failed()
    assert breaker.open_for == 5


def test_a_success_forgets_earlier_failures(clock: FakeClock) -> None:
    breaker = Breaker(failures=2, seconds=5, clock=clock)
    for outcome in (breaker.failed, breaker.succeeded, breaker.failed):
        assert breaker.allow()
        outcome()
    assert breaker.allow()


def test_a_cancelled_probe_leaves_room_for_the_next(clock: FakeClock) -> None:
    breaker = Breaker(failures=1, seconds=5, clock=clock)
    breaker.allow()
    breaker.failed()
    clock.advance(5)
    assert breaker.allow()
    breaker.abandoned()
    assert breaker.allow()


@given(st.lists(st.sampled_from(["ok", "fail", "cancel", "wait"]), max_size=60))
def test_never_stays_closed_to_all_for_longer_than_its_time(steps: list[str]) -> None:
    clock = FakeClock()
    breaker = Breaker(failures=3, seconds=7, clock=clock)
    for step in steps:
        if step == "wait":
            clock.advance(3)
        elif breaker.allow():
            {"ok": breaker.succeeded, "fail": breaker.failed, "cancel": breaker.abandoned}[step]()
    clock.advance(7)
    assert breaker.allow()


def test_it_is_broken_until_an_answer_and_unknown_before_the_first_outcome(
    clock: FakeClock,
) -> None:
    """Also when its time is over and nobody has probed."""
    breaker = Breaker(failures=2, seconds=5, clock=clock)
    assert breaker.broken is None
    breaker.failed()
    assert breaker.broken is False
    breaker.failed()
    assert breaker.broken is True
    clock.advance(1000)
    assert (breaker.open_for, breaker.broken) == (0.0, True)
    breaker.succeeded()
    assert breaker.broken is False
