"""Joules and carbon: ordered bars, a stated basis, and bands for models that nobody lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.ledger import energy
from shortstop.types import Span, Usage


def test_a_known_model_has_its_own_line_and_an_unknown_one_its_price_bands() -> None:
    table = energy.load()
    assert (
        table.line(("anthropic/claude-opus-5-5",), 20.0)
        == table.models["anthropic/claude-opus-5-5"]
    )
    cheap, dear = table.line(("x",), 0.5), table.line(("x",), 20.0)
    assert cheap == table.bands[0].line
    assert cheap.high < dear.high
    assert table.line(("x",), None) == table.anything
    assert table.line(("x",), 1e6) == table.bands[-1].line


def test_every_line_of_the_table_is_ordered() -> None:
    table = energy.load()
    lines = [*table.models.values(), *(b.line for b in table.bands), table.anything]
    for line in lines:
        for tokens in (0, 10, 1000):
            span = line.joules(tokens)
            assert 0 <= span.low <= span.value <= span.high, line


def test_totals_keep_their_basis() -> None:
    measured, modelled = Span(1, 1, 1, "measured"), Span(2, 1, 3, "modelled")
    assert energy.plus(measured, Span()) == measured
    assert energy.plus(measured, modelled) == Span(3, 2, 4, "modelled")
    assert energy.plus(Span(), modelled) == modelled


def test_a_name_is_looked_up_in_any_case_and_order() -> None:
    table = energy.load()
    line = table.models["anthropic/claude-opus-5-5"]
    assert table.line(("nobody/knows", "Anthropic/Claude-Opus-5-5"), None) == line


def test_bands_go_up_to_any_price() -> None:
    limits = [band.below for band in energy.load().bands]
    assert limits[-1] is None
    priced = [limit for limit in limits if limit is not None]
    assert priced == sorted(priced)


def test_only_output_is_counted() -> None:
    line = energy.Line(low=1.0, high=3.0)
    assert energy.remote_joules(line, Usage(input=10**6, cache_read=10**6)).value == 0
    spent = energy.remote_joules(line, Usage(output=1, reasoning=1))
    assert (spent.low, spent.value, spent.high) == (2 * 3600, 4 * 3600, 6 * 3600)
    assert spent.basis == "modelled"


def test_a_centre_lies_between_bars_that_are_far_apart() -> None:
    line = energy.Line(low=1.0, high=100.0, base_low=0.0, base_high=2.0, centre=(0.5, 10.0))
    assert line.joules(2).value == pytest.approx(20.5 * 3600)


@given(st.floats(0, 1e9), st.floats(0, 2000))
def test_carbon_keeps_the_bars_and_the_basis(joules: float, grid: float) -> None:
    grams = energy.carbon(Span(joules, joules / 2, joules * 2, "measured"), grid)
    assert grams.low <= grams.value <= grams.high
    assert grams.basis == "measured"
    assert grams.value == pytest.approx(joules / 3.6e6 * grid)
