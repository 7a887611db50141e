"""Numbers as people write them, with either decimal mark."""

from __future__ import annotations

import pytest

from shortstop.specialists.tools.numerals import number


@pytest.mark.parametrize(
    ("span", "value"),
    [
        ("12", 12),
        ("1,250.50", 1250.5),
        ("1.250,50", 1250.5),
        ("1.250", 1250),
        ("1,250,000", 1250000),
        ("12.5", 12.5),
        ("7,5", 7.5),
        ("27,10", 27.1),
        ("20 000", 20000),
        ("€49.90", 49.9),
        ("120 euros", 120),
        ("50k", 50000),
        ("10 thousand", 10000),
        ("5 mil", 5000),
        ("three", 3),
        ("duas", 2),
        ("A dozen", 12),
        ("-4", -4),
        ("15%", 15),
    ],
)
def test_one_number(span: str, value: float) -> None:
    read = number(span)
    assert read == value
    assert isinstance(read, int) is float(value).is_integer()


@pytest.mark.parametrize("span", ["", "soon", "3 or 4", "A4", "X200", "1.2.3", "1,25,3", "ten-ish"])
def test_no_number(span: str) -> None:
    assert number(span) is None
