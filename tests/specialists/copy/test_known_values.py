"""A new value becomes the known one that it most likely is, and no other."""

from __future__ import annotations

import pytest

from shortstop.specialists.copy.known_values import KnownValues, Met

pytest.importorskip("rapidfuzz", reason="needs the extra [learn]")
ROADS = ["12 Long Road, Bath."] * 9 + ["12 long road Bath."] + ["4 Short Street, Lyon"]


def test_the_usual_spelling_is_kept() -> None:
    assert KnownValues.of(ROADS).values["12longroadbath."] == Met("12 Long Road, Bath.", 10)


def test_a_slip_is_mended_by_what_was_met_often() -> None:
    memory = KnownValues(KnownValues.of(ROADS).values, slope=0.25)
    assert memory.mended("12longroadbath") == "12longroadbath."
    assert memory.mended("12l0ngroadbath.") == "12longroadbath."
    assert memory.mended("4shortstreetlyon") == "4shortstreetlyon"
    assert memory.mended("99otherlanebath") == "99otherlanebath"


def test_without_a_price_nothing_is_mended() -> None:
    assert KnownValues.of(ROADS).mended("12l0ngroadbath.") == "12l0ngroadbath."
    assert KnownValues(slope=1.0).mended("x") == "x"
