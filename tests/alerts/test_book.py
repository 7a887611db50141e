"""Each trouble is told once to each channel, and once when it is over, whatever happens between."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.alerts import AlertBook
from shortstop.alerts.book import MOST_TRIES, MOST_WAITING, SETTLED_SECONDS
from shortstop.types.alerts import AlertChannel, Trouble, Watched

DISK = Trouble("disk:/", "disk", "The disk is nearly full.")
GAP = Trouble("audit:3", "audit", "Records are missing.", lasts=False)
BOTH: tuple[AlertChannel, ...] = ("webhook", "slack")


def book(saved: bytes | None = None) -> AlertBook:
    numbers = itertools.count()
    return AlertBook(1000.0, lambda: f"msg_{next(numbers)}", saved)


def taken(alerts: AlertBook, channel: AlertChannel, now: float) -> list[tuple[str, str]]:
    """What a channel is told that takes everything."""
    told = []
    while (letter := alerts.due(channel, now)) is not None:
        told.append((letter.notice.state, letter.notice.says))
        alerts.delivered(letter)
    return told


def test_a_trouble_is_told_once_and_once_when_it_is_over() -> None:
    alerts, seen = book(), Watched((DISK,))
    for now in (0.0, 10.0, 20.0):
        alerts.look(seen, BOTH, now)
    for channel in BOTH:
        assert taken(alerts, channel, 20.0) == [("raised", DISK.says)]
    alerts.look(Watched(), BOTH, 30.0)
    alerts.look(Watched(), BOTH, 30.0 + SETTLED_SECONDS - 1)
    assert taken(alerts, "webhook", 1e9) == []
    alerts.look(Watched(), BOTH, 30.0 + SETTLED_SECONDS)
    for channel in BOTH:
        assert taken(alerts, channel, 1e9) == [("recovered", DISK.says)]
    alerts.look(seen, BOTH, 200.0)
    assert taken(alerts, "slack", 1e9) == [("raised", DISK.says)], "another event"


def test_what_comes_and_goes_is_told_once() -> None:
    alerts = book()
    for n in range(20):
        alerts.look(Watched((DISK,) if n % 2 == 0 else ()), BOTH, n * 10.0)
    assert taken(alerts, "webhook", 1e9) == [("raised", DISK.says)]


def test_what_has_happened_never_recovers() -> None:
    alerts = book()
    alerts.look(Watched((GAP,)), BOTH, 0.0)
    for now in (10.0, 1e6):
        alerts.look(Watched(), BOTH, now)
    assert taken(alerts, "webhook", 1e9) == [("raised", GAP.says)]


@pytest.mark.parametrize("unknown", ["disk:/", "disk"])
def test_of_what_nothing_is_known_nothing_is_told(unknown: str) -> None:
    """A restart forgets whether a model answers: that it is well again is not known by that."""
    alerts = book()
    alerts.look(Watched((DISK,)), BOTH, 0.0)
    for now in (10.0, 100.0, 1e6):
        alerts.look(Watched((), frozenset([unknown])), BOTH, now)
    assert taken(alerts, "webhook", 1e9) == [("raised", DISK.says)]


def test_a_restart_tells_nothing_twice_and_forgets_nothing() -> None:
    alerts = book()
    alerts.look(Watched((DISK, GAP)), BOTH, 0.0)
    assert len(taken(alerts, "webhook", 0.0)) == 2
    assert alerts.changed
    again = book(alerts.dump())
    assert not alerts.changed
    again.look(Watched((DISK, GAP)), BOTH, 10.0)
    assert taken(again, "webhook", 10.0) == []
    assert len(taken(again, "slack", 10.0)) == 2, "what nobody had taken yet"
    again.look(Watched((GAP,)), BOTH, 20.0)
    again = book(again.dump())
    again.look(Watched((GAP,)), BOTH, 20.0 + SETTLED_SECONDS)
    assert taken(again, "webhook", 1e9) == [("recovered", DISK.says)]
    with pytest.raises(msgspec.DecodeError):
        book(b'{"began": "soon"}')


def test_a_letter_that_is_not_taken_is_tried_later_and_later_and_then_dropped() -> None:
    alerts, now, waits, ids = book(), 0.0, [], set()
    alerts.look(Watched((DISK, GAP)), ("webhook",), now)
    for _ in range(MOST_TRIES):
        letter = alerts.due("webhook", now)
        assert letter is not None
        ids.add(letter.id)
        alerts.failed(letter, now)
        assert letter.due > now
        waits.append(letter.due - now)
        assert alerts.due("webhook", letter.due - 0.1) is None or len(waits) == MOST_TRIES
        now = letter.due
    assert len(ids) == 1, "the receiver can tell that it is the same"
    assert waits == sorted(waits)
    assert alerts.dropped == {"webhook": 1}
    assert taken(alerts, "webhook", now) == [("raised", GAP.says)]


def test_the_oldest_go_when_too_many_wait() -> None:
    alerts = book()
    many = [Trouble(f"disk:{n}", "disk", str(n)) for n in range(MOST_WAITING + 30)]
    alerts.look(Watched(tuple(many)), ("slack",), 0.0)
    assert alerts.dropped == {"slack": 30}
    assert [says for _, says in taken(alerts, "slack", 0.0)] == [str(n) for n in range(30, 130)]


def test_what_is_not_to_be_told_any_longer_is_forgotten() -> None:
    alerts = book()
    alerts.look(Watched((DISK,)), ("slack",), 0.0)
    assert len(taken(alerts, "slack", 0.0)) == 1
    alerts.forget(["disk"])
    alerts.look(Watched(), ("slack",), 1e6)
    assert taken(alerts, "slack", 1e9) == []


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(1, 50)), max_size=30))
def test_raised_and_recovered_take_turns(looks: list[tuple[set[str], int]]) -> None:
    """Of every trouble, however it comes and goes, over restarts at any time."""
    alerts, now, told = book(), 0.0, []
    for there, pause in looks:
        now += pause
        alerts.look(Watched(tuple(Trouble(k, "disk", k) for k in sorted(there))), BOTH, now)
        told += taken(alerts, "webhook", now)
        alerts = book(alerts.dump())
    for key in "abc":
        states = [state for state, says in told if says == key]
        assert states == (["raised", "recovered"] * len(states))[: len(states)]
        assert bool(states) == any(key in there for there, _ in looks)
