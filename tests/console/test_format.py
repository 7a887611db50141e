"""Figures are short, and say no more than is known."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.console import format as figures
from shortstop.types import Span


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0"),
        ("12345.6", "$12,346"),
        ("12.346", "$12.35"),
        ("0.1", "$0.10"),
        ("0.00012345", "$0.000123"),
        ("0.000000000001", "$0.000000000"),
        ("-0.5", "-$0.50"),
    ],
)
def test_dollars(amount: str, text: str) -> None:
    assert figures.usd(Decimal(amount)) == text


def test_other_figures() -> None:
    assert figures.seconds(0.0456) == "46 ms"
    assert figures.seconds(12.34) == "12.3 s"
    assert figures.seconds(None) == "–"
    assert figures.share(-0.001) == "0%"
    assert figures.share(None) == "–"
    assert figures.energy(3600 * 1500) == "1.5 kWh"
    assert figures.axis_usd(0.5) == "$0.50"
    assert figures.axis_usd(20.0) == "$20"


@given(st.decimals("0.000001", "1e9", places=9))
def test_dollars_are_true_to_two_digits(amount: Decimal) -> None:
    text = figures.usd(amount)
    assert abs(Decimal(text.lstrip("$").replace(",", "")) - amount) <= amount / 20
    assert figures.usd(-amount) == f"-{text}"


def test_units_grow_with_the_amount() -> None:
    assert figures.energy(3600 * 0.0123) == "0.0123 Wh"
    assert figures.energy(3600 * 250_000) == "250 kWh"
    assert figures.span(Span(2, 3600, 7200, "modelled")) == "1 Wh to 2 Wh"
    assert figures.grams(0.1234) == "0.123 g"
    assert figures.grams(1500) == "1.5 kg"


def test_times_are_utc_and_end_at_the_minute() -> None:
    assert figures.timestamp(1_795_000_059) == "2026-11-18 11:07"
