"""How the store is doing: one line for each change, and none for more of the same."""

from __future__ import annotations

import logging

import pytest

from shortstop.traces.health import Condition


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    found = [(record.levelname, record.getMessage()) for record in caplog.records]
    caplog.clear()
    return found


def test_each_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    condition = Condition()
    with caplog.at_level(logging.WARNING):
        condition.report()
        assert lines(caplog) == []
        condition.database_fault = "database is locked"
        condition.report()
        condition.report()
        assert lines(caplog) == [("ERROR", "traces: degraded, serving goes on: database is locked")]
        condition.journal_fault, condition.losing, condition.dropped = "disk full", True, 7
        condition.report()
        assert lines(caplog) == [
            ("ERROR", "traces: rows are being lost: database is locked; disk full")
        ]
        condition.database_fault = condition.journal_fault = ""
        condition.losing = False
        condition.report()
        assert lines(caplog) == [("WARNING", "traces: recovered; 7 rows were dropped")]


def test_health_says_what_is_wrong_and_whether_rows_would_survive() -> None:
    condition = Condition()
    assert condition.health(3).state == "ok"
    assert condition.health(3).pending == 3
    condition.database_fault = "locked"
    health = condition.health(0)
    assert (health.state, health.detail, health.durable) == ("degraded", "locked", True)
    condition.journal_fault = "full"
    assert not condition.health(0).durable
