"""What the router itself takes is measured on prompts that it has not met."""

from __future__ import annotations

import pytest

from shortstop.errors import ConfigError
from shortstop.evaluate.footprint import PROMPT_CHARS, decision_time, memory
from tests.evaluate.own import own_rows

PROMPTS = [str(row["prompt"]) for row in own_rows(50)]


def test_decision_times_are_ordered_and_of_the_right_size() -> None:
    pace = decision_time(PROMPTS, n=60)
    assert (pace.n, pace.chars) == (60, PROMPT_CHARS)
    assert 0 < pace.p50 <= pace.p95
    assert 0 < pace.cpu_p50 <= pace.cpu_p95
    assert pace.cpu_p50 < 20, "milliseconds"


def test_a_table_without_text_cannot_be_timed() -> None:
    with pytest.raises(ConfigError, match="empty"):
        decision_time(["", ""], n=1)


def test_memory_counts_requests_pairs_and_the_snapshot() -> None:
    room = memory(PROMPTS, n=80)
    assert (room.requests, room.pairs) == (80, 10)
    assert room.snapshot_mb > 0.1
    assert -50 < room.grown_mb < 200
