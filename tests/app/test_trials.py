"""Learning in child processes ends with its time, and says what was not tried."""

from __future__ import annotations

import os

import pytest

from shortstop.app import trials
from shortstop.app.trials import BacktestWatcher, TrialLimits, kinds_to_try
from shortstop.backtest.tally import LogTally
from shortstop.config import Config
from tests.backtest.logs import learn_rows, texts


def test_without_the_extra_only_what_is_asked_again_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trials, "find_spec", lambda name: None)
    found = kinds_to_try(Config(), os.environ)
    assert [one.kind for one in found.trainers] == ["repeats"]
    assert "[learn]" in found.limits[0]


def test_what_is_not_done_in_time_is_not_there() -> None:
    tally = LogTally(1000)
    for name, rows in (("long", texts(150)), ("short", texts(20))):
        for one in learn_rows(rows):
            tally.keep(tally.task(name), one)
    done = trials.trials(
        Config(), os.environ, tally, TrialLimits(minutes=0.0, workers=1), BacktestWatcher()
    )
    assert set(done) == {"short"}
    assert "100 are needed" in done["short"].refused["all"]
