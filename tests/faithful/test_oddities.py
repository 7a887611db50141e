"""Any stream of six vendors' shapes, made odd in some ways, keeps what it said or is an error."""

from __future__ import annotations

import pytest

from tests.faithful.oddities import play

RUNS = 1_000
"""`python -m tests.faithful.oddities 20000` plays as many as were promised."""


@pytest.mark.parametrize("part", range(10))
def test_no_oddity_changes_an_answer(part: int) -> None:
    for number in range(part * RUNS // 10, (part + 1) * RUNS // 10):
        names, fault = play(number)
        assert not fault, f"run {number}: {names}"
