"""A place has a number and a name, and is not something counted or dated."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect import places


@pytest.mark.parametrize("value", ["12 Station Road", "Hauptstraße 5, Berlin", "10 Downing Street"])
def test_a_number_and_a_name_make_a_place(value: str) -> None:
    assert places.place(value)


@pytest.mark.parametrize(
    "value",
    ["Station Road", "12 34", "Chapter 5 of Dracula", "version 12 Beta", "http://12 Road",
     "Windows 11 Pro", "On May 12 Jane", "the 12 monkeys", "1.5 Million People"],
)  # fmt: skip
def test_what_is_counted_or_dated_is_none(value: str) -> None:
    assert not places.place(value)


def test_a_full_address_has_a_code_besides_the_house() -> None:
    assert places.full_place("12 Station Road, Leeds LS1 4AP")
    assert places.full_place("Hauptstraße 5, 10115 Berlin")
    assert not places.full_place("12 Station Road, Leeds")
    assert not places.full_place("12 station road, leeds LS1 4AP")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("19800315", True),
        ("20240229", True),
        ("18800315", False),
        ("19801315", False),
        ("19800332", False),
        ("3 March 1980", True),
        ("3 March 1066", False),
        ("03.03.80", True),
    ],
)
def test_days_somebody_may_be_born_on(value: str, wanted: bool) -> None:
    assert places.date(value) is wanted


@pytest.mark.parametrize(
    "value", ["3.4.1990", "March 3rd 1979", "3 Apr 66", "12/05/84", "4 ก.ย. 2533"]
)
def test_a_day_on_which_somebody_may_be_born(value: str) -> None:
    assert places.birthday(value)


@pytest.mark.parametrize("value", ["7 November 1867", "45.13.1990", "40/40/84", "1990"])
def test_what_is_no_such_day(value: str) -> None:
    assert not places.birthday(value)
