"""Lengths of time: every unit that any command accepts, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.console.durations import LONGEST, UNITS, seconds_in


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("24h", 86_400),
        ("7d", 604_800),
        ("8w", 4_838_400),
        ("1.5d", 129_600),
        (" 7d ", 604_800),
        ("0s", 0),
        ("5217w", 5217 * 604_800),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_in(text) == seconds


NONE = ("", "7", "d", "-1d", "7 d", "1y", "1M", "1e3s", "1.d", ".5d", "٣d", "7d2h", "inf", "5300w")


@pytest.mark.parametrize("text", [*NONE, "9" * 400 + "d"])
def test_everything_else_is_none(text: str) -> None:
    assert seconds_in(text) is None


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
def test_a_unit_is_a_factor(number: int, unit: str) -> None:
    seconds = number * UNITS[unit]
    assert seconds_in(f"{number}{unit}") == (seconds if seconds <= LONGEST else None)


@given(st.text(max_size=12))
def test_no_text_is_an_error(text: str) -> None:
    seconds = seconds_in(text)
    assert seconds is None or 0 <= seconds <= LONGEST
