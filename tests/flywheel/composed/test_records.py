"""A vendor's record is what happened to its other papers."""

from __future__ import annotations

import pytest

from shortstop.flywheel.composed.records import Counted

RIGHT = [{"total": True}] * 4 + [{"total": False}] * 4 + [{"total": True}] * 2
VENDORS = ["fine"] * 4 + ["foul"] * 4 + ["once", "twice"]
KNOWN = [True] * 8 + [False] * 2


def test_records_are_shares_with_some_doubt() -> None:
    records = Counted(VENDORS, KNOWN, RIGHT).records()
    assert records.of("fine", True)["total"] == pytest.approx(4.5 / 5)
    assert records.of("foul", True)["total"] == pytest.approx(0.5 / 5)
    assert records.of("never", True)["total"] == 0.5
    assert records.of("never", False)["total"] == 1.0


def test_a_row_is_not_its_own_witness() -> None:
    counted = Counted(VENDORS, KNOWN, RIGHT)
    assert counted.without(0)["total"] == pytest.approx(3.5 / 4)
    assert counted.without(4)["total"] == pytest.approx(0.5 / 4)
    assert counted.without(8)["total"] == 1.0
