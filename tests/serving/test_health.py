"""A failing upstream is said once, and so is its recovery."""

from __future__ import annotations

import pytest

from shortstop.errors import EngineBusy, EngineDown, UpstreamFailed, UpstreamRejected
from shortstop.serving.health import DOWN_FAILURES, DOWN_SECONDS, QUIET_SECONDS, TargetHealth
from tests.conftest import FakeClock

BROKEN = UpstreamFailed("it said: the prompt was AKIA")


def test_many_failures_are_one_line_and_so_is_the_recovery(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    health = TargetHealth("big", clock)
    health.succeeded()
    for _ in range(100):
        health.failed(BROKEN)
        clock.advance(1)
    assert [r.getMessage() for r in caplog.records] == ["the model big fails (upstream_error)"]
    for _ in range(100):
        health.succeeded()
    assert [r.getMessage() for r in caplog.records][1:] == [
        "the model big answers again, after 100 s and 100 failed calls"
    ]


def test_one_that_comes_and_goes_does_not_fill_the_log(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    health = TargetHealth("big", clock)
    for _ in range(300):
        health.failed(BROKEN)
        clock.advance(0.5)
        health.succeeded()
        clock.advance(0.5)
    assert len(caplog.records) == 2 * 300 / QUIET_SECONDS


def test_one_that_failed_often_and_lately_is_down(clock: FakeClock) -> None:
    health = TargetHealth("small", clock)
    for _ in range(DOWN_FAILURES):
        assert not health.down
        with pytest.raises(EngineDown), health:
            raise EngineDown("refused")
    assert health.down
    clock.advance(DOWN_SECONDS)
    assert not health.down, "it may be well again: ask it"
    health.failed(BROKEN)
    assert health.down
    with health:
        pass
    assert not health.down


@pytest.mark.parametrize("error", [EngineBusy("full"), UpstreamRejected("no"), GeneratorExit()])
def test_what_says_nothing_about_the_model_changes_nothing(
    clock: FakeClock, error: BaseException
) -> None:
    health = TargetHealth("small", clock)
    for _ in range(2 * DOWN_FAILURES):
        with pytest.raises(type(error)), health:
            raise error
    assert not health.down


def test_it_is_broken_until_it_answers_and_unknown_before_it_was_asked(clock: FakeClock) -> None:
    health = TargetHealth("small", clock)
    assert health.broken is None
    for n in range(DOWN_FAILURES):
        assert bool(health.broken) is False, n
        health.failed(BROKEN)
    clock.advance(1000)
    assert (health.down, health.broken) == (False, True)
    health.succeeded()
    assert health.broken is False
