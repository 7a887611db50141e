"""Days and times as people write them; what could mean two is none."""

from __future__ import annotations

from datetime import date

import pytest

from shortstop.specialists.tools.days import clock, day

WEDNESDAY = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("span", "iso"),
    [
        ("2026-03-09", "2026-03-09"),
        ("9/3/2026", "2026-03-09"),
        ("9.3.26", "2026-03-09"),
        ("9 March", "2026-03-09"),
        ("March 9th", "2026-03-09"),
        ("the 9th of March", "2026-03-09"),
        ("Mar 9, 2027", "2027-03-09"),
        ("9 de março", "2026-03-09"),
        ("9 de março de 2027", "2027-03-09"),
        ("dia 9 de março", "2026-03-09"),
        ("2 March", "2027-03-02"),
        ("today", "2026-03-04"),
        ("amanhã", "2026-03-05"),
        ("the day after tomorrow", "2026-03-06"),
        ("Friday", "2026-03-06"),
        ("on Friday", "2026-03-06"),
        ("Wednesday", "2026-03-11"),
        ("next Monday", "2026-03-09"),
        ("segunda-feira", "2026-03-09"),
        ("sábado", "2026-03-07"),
    ],
)
def test_a_day(span: str, iso: str) -> None:
    read = day(span, "dmy", WEDNESDAY)
    assert read is not None
    assert read.isoformat() == iso


@pytest.mark.parametrize(
    "span", ["", "soon", "30 February", "next Friday", "31/4/2026", "9", "March"]
)
def test_no_day(span: str) -> None:
    assert day(span, "dmy", WEDNESDAY) is None


def test_the_order_of_figures_is_the_tasks() -> None:
    assert day("3/4/2026", "dmy", None) == date(2026, 4, 3)
    assert day("3/4/2026", "mdy", None) == date(2026, 3, 4)


@pytest.mark.parametrize("span", ["tomorrow", "9 March", "Friday", "9/3"])
def test_what_depends_on_today_needs_today(span: str) -> None:
    assert day(span, "dmy", None) is None


@pytest.mark.parametrize(
    ("span", "time"),
    [
        ("15:00", "15:00"), ("9:15", "09:15"), ("3pm", "15:00"), ("3:30 PM", "15:30"),
        ("12 am", "00:00"), ("12pm", "12:00"), ("15h30", "15:30"), ("15h", "15:00"),
        ("noon", "12:00"), ("10.30", "10:30"), ("9 o'clock", "09:00"), ("at 8am", "08:00"),
    ],
)  # fmt: skip
def test_a_time(span: str, time: str) -> None:
    assert clock(span) == time


@pytest.mark.parametrize("span", ["", "9", "25:00", "13pm", "later", "10:75"])
def test_no_time(span: str) -> None:
    assert clock(span) is None
