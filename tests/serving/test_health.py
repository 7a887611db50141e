"""A failing upstream is said once, and so is its recovery."""

from __future__ import annotations

import pytest

from shortstop.errors import UpstreamFailed
from shortstop.serving.health import QUIET_SECONDS, UpstreamHealth
from tests.conftest import FakeClock

BROKEN = UpstreamFailed("it said: the prompt was AKIA")


def test_many_failures_are_one_line_and_so_is_the_recovery(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    health = UpstreamHealth("big", clock)
    health.succeeded()
    for _ in range(100):
        health.failed(BROKEN)
        clock.advance(1)
    assert [r.getMessage() for r in caplog.records] == [
        "the upstream model big fails (upstream_error)"
    ]
    for _ in range(100):
        health.succeeded()
    assert [r.getMessage() for r in caplog.records][1:] == [
        "the upstream model big answers again, after 100 s and 100 failed calls"
    ]


def test_one_that_comes_and_goes_does_not_fill_the_log(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    health = UpstreamHealth("big", clock)
    for _ in range(300):
        health.failed(BROKEN)
        clock.advance(0.5)
        health.succeeded()
        clock.advance(0.5)
    assert len(caplog.records) == 2 * 300 / QUIET_SECONDS
