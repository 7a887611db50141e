"""Dates keep their form and their distance from each other."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.replace.dates import moved
from shortstop.privacy.replace.surrogates import SurrogateFactory


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2024-03-01", "2024-02-29"),
        ("01.03.2024", "29.02.2024"),
        ("12/25/2024", "12/24/2024"),
        ("1 March 2024", "29 February 2024"),
        ("March 1, 2024", "February 29, 2024"),
        ("1st of Mar 2024", "29 of Feb 2024"),
        ("geboren 1980", "geboren 1979"),
    ],
)
def test_one_day_earlier(value: str, wanted: str) -> None:
    assert moved(value, 1) == wanted


@given(st.dates(date(1910, 1, 1)), st.dates(date(1910, 1, 1)))
def test_intervals_of_a_conversation_stay(one: date, two: date) -> None:
    mint = SurrogateFactory(b"k" * 32, "t", "c")
    a, b = (date.fromisoformat(mint.surrogate("DOB", d.isoformat(), "", set())) for d in (one, two))
    assert a - b == one - two
    assert a != one
