"""Places and dates: whether a text with numbers and names in it is about where or when.

Each function takes the matched text and says whether to believe it.
"""

from __future__ import annotations

import re

import re2

from shortstop.privacy.detect.numbers import some_digits

_NOT_A_PLACE = re2.compile(
    r"(?i)https?:|@|0x[0-9a-f]|(?:\d{1,3}\.){3}\d|(?:[0-9a-f]{2}:){3}|"
    r"\b(?:table|figure|fig|chapter|section|page|step|level|version|model|item|question|part|line|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|act|article|psalm|room|order|ticket|issue|"
    r"build|release|windows|python|apollo|boeing|airbus|iphone|galaxy|top|grade|phase|round|week|day)"
    r"\.? \d"
)
_CODE = re.compile(
    r"(?!(?:19|20)\d\d\b)\d{4,7}\b|\d{3} ?\d{2}\b|"
    r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|[A-Z]\d[A-Z] ?\d[A-Z]\d\b"
)
_NUMBER = re.compile(r"(?<![\d.,])\d{1,6}(?!\.?\d)")


def place(value: str) -> bool:
    """A street address: a number and a name, and nothing that looks like a version, a figure or a
    date instead."""
    return (
        _NUMBER.search(value) is not None
        and _NAME.search(value) is not None
        and _NOT_A_PLACE.search(value) is None
    )


def some_place(value: str) -> bool:
    """The same by numbers alone: enough for a house and its postal code."""
    return some_digits(value) and _NOT_A_PLACE.search(value) is None


def full_place(value: str) -> bool:
    """A street address with a postal code besides the house number."""
    codes = len(_CODE.findall(value))
    return (
        codes > 0
        and codes + len(_NUMBER.findall(value)) >= 2
        and len(_NAME.findall(value)) >= 2
        and place(value)
    )


_NAME = re.compile(r"\b[A-Z\u00c0-\u00de\u0100-\u017f\u0370-\uffff][^\W\d_]")


def date(value: str) -> bool:
    """A day on which a person living today may have been born."""
    if value.isdigit():
        return "19" <= value[:2] <= "20" and "01" <= value[4:6] <= "12" and value[6:] <= "31"
    years = [int(y) for y in re.findall(r"\d{4}", value)]
    return not years or any(1900 <= y <= 2100 for y in years)
