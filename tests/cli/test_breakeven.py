"""`shortstop breakeven`, as it is typed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.cli.conftest import Shortstop


def test_the_worked_example(shortstop: Shortstop) -> None:
    result = shortstop("breakeven", "100000", "--bill", "30000", "--care", "1500")
    assert result.code == 0, result.err
    assert "100,000 requests a day" in result.out
    assert "people's time" not in result.out
    assert "0 times" not in result.out.split("Saved on this machine")[0]


def test_machines_read_the_same_figures(shortstop: Shortstop) -> None:
    options = ("--local-share", "0.8", "--harder", "1", "--audited", "0", "--json")
    tree = json.loads(shortstop("breakeven", "1000", "--bill", "3000", *options).out)
    first = tree["machines"][0]
    assert Decimal(first["saved"]) + Decimal(first["month"]) == Decimal("2400")
    assert Decimal(tree["ours"]) == Decimal(tree["today"]) - Decimal(first["saved"])
    shares = {
        (row["harder"], row["price_fall"]): float(row["saved_share"]) for row in tree["sensitivity"]
    }
    assert shares[1, 0.0] > shares[1, 0.8]
    assert shares[1, 0.0] > shares[5, 0.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "cost today"),
        (("--model", "no-such-model"), "price of 'no-such-model' is not known"),
        (("--bill", "-1"), "Invalid value"),
    ],
)
def test_what_is_missing_is_said(
    shortstop: Shortstop, options: tuple[str, ...], words: str
) -> None:
    result = shortstop("breakeven", "1000", *options)
    assert result.code == 2
    assert words in result.err
