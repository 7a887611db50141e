"""Dates keep the form in which they were written."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.replace.dates import moved


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
        ("MARCH 1, 2024", "FEBRUARY 29, 2024"),
        ("1 mar 2024", "29 feb 2024"),
        ("25.12.99", "24.12.99"),
        ("2024/03/01", "2024/02/29"),
        ("01.02.03", "31.01.03"),
        ("30.02.2024", "30.02.2023"),
        ("1 Ma 2024", "1 Ma 2023"),
        ("1 Foo 2024", "1 Foo 2023"),
        ("no date", "no date"),
        ("0001-01-01", "0001-01-01"),
    ],
)
def test_one_day_earlier(value: str, wanted: str) -> None:
    assert moved(value, 1) == wanted


FORMS = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y"]


def read(written: str) -> date | None:
    for form in FORMS:
        with suppress(ValueError):
            return datetime.strptime(written, form).date()
    return None


@given(st.dates(date(1100, 1, 1)), st.sampled_from(FORMS), st.integers(1, 3_000))
def test_a_date_in_any_form_is_moved_by_the_days(day: date, form: str, days: int) -> None:
    """Of "May" nobody knows whether it is the whole name or the short one."""
    written = moved(day.strftime(form), days)
    assert read(written) == day - timedelta(days=days)
    letters = str.maketrans("", "", "0123456789")
    if "%B" not in form and "%b" not in form:
        assert written.translate(letters) == day.strftime(form).translate(letters)


@given(st.text(max_size=20), st.integers(0, 4_000))
def test_no_value_makes_it_fail(value: str, days: int) -> None:
    assert isinstance(moved(value, days), str)
