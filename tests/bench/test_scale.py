"""What docs/scale.md says follows from docs/benchmarks.md, and its arithmetic is right."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bench.scale import (
    ASSUMED,
    BENCHMARKS,
    MEASURED,
    PAPER,
    RATES,
    crowd,
    fullest,
    measured,
    needs,
    paper,
    spare,
    tables,
    tails,
    waits,
)
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import Config

TEXT = BENCHMARKS.read_text(encoding="utf-8")
GIVEN = {**measured(TEXT), **{name: one.value for name, one in ASSUMED.items()}}
ROUND = {
    "cpu": 1.0,
    "memory": 100.0,
    "flight": 0.1,
    "journal": 4.0,
    "row": 1.0,
    "writer": 10_000.0,
    "specialist": 10.0,
    "small": 200.0,
    "local": 50.0,
    "pinned": 10.0,
    "label": 0.001,
    "hard": 0.01,
    "zones": 3.0,
    "flights": 100.0,
    "more_flights": 1_000.0,
    "frontier": 2.0,
    "gpu": 10.0,
    "lease": 100.0,
    "days": 100.0,
    "few_days": 10.0,
    "core_usd": 0.1,
    "gpu_usd": 2.0,
    "disk_usd": 0.073,
}
"""Figures that can be worked out in one's head."""


def test_the_page_is_what_the_script_makes() -> None:
    text = PAPER.read_text(encoding="utf-8")
    assert paper(text, tables(TEXT, seed=0)) == text, "run `make bench-scale`"


def test_the_page_says_in_words_what_its_tables_say() -> None:
    """Where one of these fails, the sentences of "What comes out" are to be read again."""
    small, large = (needs(rate, GIVEN, 0.7) for rate in RATES)
    assert small["by_cpu"] == 2
    assert 3 < small["workers"] / small["workers_more"] < 4
    assert small["workers_more"] == 6
    assert 19 < small["kept"] < 21
    assert small["writers"] == pytest.approx(0.04)
    assert large["writers"] > 1
    assert small["small"] > small["workers"]
    for got in (small, large):
        assert got["gateway_usd"] / got["labels_usd"] == pytest.approx(1e-4, rel=0.5)
        assert got["gpus_usd"] / got["labels_usd"] < 0.01
        spent = got["gateway_usd"] + got["gpus_usd"] + got["disk_usd"]
        assert spent < got["percent_usd"]


def test_a_figure_that_the_benchmarks_no_longer_have_is_named() -> None:
    with pytest.raises(ValueError, match="CPU of a request with `auto`"):
        measured(TEXT.replace("**Shortstop, `auto`**", "Shortstop"))
    assert measured(TEXT).keys() == MEASURED.keys()
    assert all(value > 0 for value in measured(TEXT).values())


def test_what_is_called_a_default_is_one() -> None:
    config = Config()
    assert ASSUMED["flights"].value == config.server.max_in_flight
    assert ASSUMED["days"].value == config.traces.retention_days


def test_the_page_tells_measured_from_assumed() -> None:
    text = PAPER.read_text(encoding="utf-8")
    heads = re.findall(r"^## (\w+)", text, re.MULTILINE)
    assert heads[1:5] == ["Measured", "Assumed", "Simulated", "Calculated"]


@pytest.mark.parametrize(("full", "spread"), [(0.4, 1.0), (0.7, 1.0), (0.7, 0.5)])
def test_the_mean_wait_is_pollaczeks_and_khinchines(full: float, spread: float) -> None:
    mean_ms = 1.126
    expected = full * mean_ms * (1 + spread**2) / (2 * (1 - full))
    got = waits(mean_ms, spread, full, np.random.default_rng(0))
    assert got.min() == 0
    assert got.mean() == pytest.approx(expected, rel=0.05)


def test_how_full_a_worker_may_be_is_no_accident_of_the_seed() -> None:
    found = {fullest(tails(GIVEN["cpu"], 1.0, seed), GIVEN["wait"]) for seed in range(3)}
    assert found == {0.7}
    with pytest.raises(ValueError, match=r"0\.001 ms"):
        fullest({0.2: 1.0}, 0.001)


@pytest.mark.parametrize("mean", [50, 2_000, 300_000])
def test_so_many_are_in_flight_in_all_but_one_of_a_thousand_moments(mean: int) -> None:
    moments = np.random.default_rng(0).poisson(mean, 200_000)
    assert crowd(mean) == pytest.approx(np.quantile(moments, 0.999), rel=0.02)


@given(st.integers(1, 10_000), st.integers(2, 7))
def test_any_zone_may_fail(needed: int, zones: int) -> None:
    workers = spare(needed, zones)
    assert workers % zones == 0
    assert workers - workers // zones >= needed
    assert workers - zones < needed * zones / (zones - 1), "and none is there for nothing"


def test_the_arithmetic() -> None:
    got = needs(1_000, ROUND, 0.5)
    assert got["cores"] == 1
    assert got["by_cpu"] == 2
    assert got["flying"] == crowd(1_000) == 1_098, "half of them, for two seconds"
    assert (got["by_flight"], got["by_more"]) == (11, 2)
    assert (got["workers"], got["workers_more"]) == (18, 3)
    assert got["memory"] == pytest.approx(3 * 0.1 + 1_098 * 0.1 / 1_000)
    assert got["journal"] == 4
    assert got["rows"] == 86_400_000
    assert got["stored"] == pytest.approx(0.0864)
    assert (got["kept"], got["kept_short"]) == pytest.approx((8.64, 0.864))
    assert (got["writers"], got["leases"]) == (0.1, 10)
    assert got["specialists"] == pytest.approx(4), "40 % of a thousand, 10 ms each"
    assert got["small"] == pytest.approx(20)
    assert got["gpus"] == pytest.approx(10)
    assert got["gateway_usd"] == pytest.approx((3 + 6) * 24 * 0.1)
    assert got["gpus_usd"] == pytest.approx(15 * 24 * 2)
    assert got["disk_usd"] == pytest.approx(864 * 0.073 / 730 * 24)
    assert got["labels_usd"] == pytest.approx(86_400)
    assert got["hard_usd"] == pytest.approx(864_000)
    assert got["percent_usd"] == pytest.approx(864)


@given(st.floats(1, 50_000), st.floats(1, 4))
def test_more_requests_need_no_less(rate: float, times: float) -> None:
    fewer, more = needs(rate, GIVEN, 0.7), needs(rate * times, GIVEN, 0.7)
    assert {name for name in fewer if fewer[name] > more[name]} == set()
