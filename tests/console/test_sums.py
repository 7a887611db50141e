"""Parts add up to the whole that the store itself sums."""

from __future__ import annotations

import pytest

from shortstop.console.sums import whole
from shortstop.stores.sqlite.reading import SqliteFigures
from shortstop.types import Span
from shortstop.types.console import Days
from shortstop.types.report import By, Slice
from tests.console.seeded import seed

EVER = Days(0, 10**6)
SPANS = ("joules", "counterfactual_joules", "gco2")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SqliteFigures:
    home = tmp_path_factory.mktemp("sums")
    seed(home, 120)
    return SqliteFigures(home / "traces.db")


@pytest.mark.parametrize("by", ["day", "task", "target", "tenant"])
def test_groups_add_up_to_all(store: SqliteFigures, by: By) -> None:
    with store.figures(10) as figures:
        parts, (all_of_them,) = figures.slices(by, EVER), figures.slices(None, EVER)
    made = whole(parts)
    assert len(parts) > 1
    for name in Slice.__struct_fields__:
        found, wanted = getattr(made, name), getattr(all_of_them, name)
        if name not in SPANS:
            assert found == wanted, name
            continue
        assert found.basis == wanted.basis
        for end in ("value", "low", "high"):
            assert getattr(found, end) == pytest.approx(getattr(wanted, end)), name


def test_nothing_adds_up_to_nothing_and_bases_mix_to_modelled(store: SqliteFigures) -> None:
    assert whole([]) == Slice("")
    parts = [
        Slice("a", joules=Span(1, 1, 1, "measured")),
        Slice("b", joules=Span(1, 0, 2, "vendor")),
    ]
    assert whole(parts).joules == Span(2, 1, 3, "modelled")
    with store.figures(10) as figures:
        assert figures.slices(None, Days(0, 1)) == (Slice(""),)
        assert figures.slices("task", Days(0, 1)) == ()
