"""The examination: every figure with its interval, and the figures on the open data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shortstop.cli.bench_routing import printed
from shortstop.cli.tables import read_rows
from shortstop.errors import StoreError
from shortstop.evaluate.certificates import certify
from shortstop.evaluate.curves import page
from shortstop.evaluate.fitting import looks_at, out_of_fold, with_answer
from shortstop.evaluate.pair_table import pair_table
from shortstop.evaluate.published import PUBLISHED
from shortstop.evaluate.ranking import apgr, recovered
from shortstop.evaluate.routing import calibration_error, examine
from shortstop.routing import packaged
from tests.evaluate.own import own_rows, own_table


def test_a_company_can_test_its_own() -> None:
    data = own_table()
    assert len(data.prompts) == 299, "contaminated rows are dropped"
    outcome = examine(data, boots=20, quick=True)
    by_name = {s.router: s.apgr.value for s in outcome.in_domain}
    assert by_name["prompt only"] > 0.7
    assert {"with own answer", "with agreement", "prompt + declared task"} <= set(by_name)
    text = "\n".join(printed(outcome))
    assert "own" in text
    assert "<svg" in page(outcome)


def test_a_table_that_cannot_be_examined_says_why() -> None:
    few = own_table(50)
    with pytest.raises(StoreError, match="100 rows"):
        examine(few)
    one_fold = pair_table([row | {"fold": 0} for row in own_rows(200)], packaged().embedder)
    with pytest.raises(StoreError, match="one fold"):
        examine(one_fold)


@pytest.mark.parametrize(("big", "said"), [(1.0, "as good"), (0.2, "better")])
def test_where_the_small_model_is_as_good_no_figure_is_made_up(big: float, said: str) -> None:
    rows = [row | {"score_small": 1.0, "score_big": big} for row in own_rows(150)]
    outcome = examine(pair_table(rows, packaged().embedder), boots=10, quick=True)
    assert f"the small model is {said}" in "\n".join(printed(outcome))


def test_every_figure_has_an_interval_and_a_number() -> None:
    outcome = examine(own_table(), boots=20, quick=True)
    figures = [f for s in outcome.in_domain for f in (s.apgr, s.cpt50, s.cpt80, s.gap)]
    figures += [c.error for c in outcome.calibration]
    figures += [f for s in outcome.savings for f in (s.quality, s.cost)]
    figures += [
        f
        for c in certify(np.zeros(400), np.zeros(400), labels=200, replays=5)
        for f in (c.share, c.broken)
    ]
    assert all(f.low <= f.high and f.n > 0 for f in figures)
    assert {s.router for s in outcome.domains} >= {"prompt only", "with own answer"}


def test_the_open_data(shared_data: Path) -> None:
    """The figures that must be reached, on a part of the work: no learning curves, no bootstrap."""
    rows = read_rows(shared_data / "routing" / "routellm_pairs.parquet")
    data = pair_table(rows, packaged().embedder)
    found = {}
    for bench in ("mmlu", "gsm8k"):
        at = data.where(bench)
        folds = data.fold[at]
        gaps, smalls = out_of_fold(data, at, folds)
        found[bench] = apgr(recovered(gaps, data.small[at], data.big[at]))
        assert calibration_error(smalls, data.small[at]) < 0.05
        if bench == "mmlu":
            shares = {c.method: c for c in certify(gaps, data.gap[at], replays=40)}
            assert shares["errors over traffic, exact binomial"].share.value > 0.28
            assert shares["net loss over traffic, betting"].share.value > 0.38
        else:
            after = with_answer(looks_at(data, at, gaps, agreement=False), folds)
            assert apgr(recovered(after, data.small[at], data.big[at])) >= 0.707
    assert found["mmlu"] >= 0.690
    assert found["gsm8k"] >= 0.638


def test_calibration_is_the_distance_of_what_happened_from_what_was_expected() -> None:
    expected = np.repeat([0.2, 0.8], 50)
    assert calibration_error(expected, expected) == 0
    assert calibration_error(expected, 1 - expected) == pytest.approx(0.6)
    assert calibration_error(np.full(100, 0.5), np.tile([0.0, 1.0], 50)) == pytest.approx(0)


def test_another_benchmark_is_a_transfer_and_one_too_small_only_a_goal() -> None:
    rows = own_rows(300)
    for i, row in enumerate(rows):
        if i % 3 == 0:
            row |= {"bench": "poems", "domain": "poems", "prompt": f"Write verse {i} about rain."}
    for row in rows[:40]:
        row["bench"] = "few"
    outcome = examine(pair_table(rows, packaged().embedder), boots=5, quick=True)
    assert {score.bench for score in outcome.in_domain} == {"own"}
    names = [score.router for score in outcome.transfer]
    assert [name.split(",")[0] for name in names] == ["own -> few", "own -> poems"]
    assert all("escalates" in name for name in names)


def test_savings_run_from_all_local_to_all_frontier() -> None:
    outcome = examine(own_table(), boots=5, quick=True)
    assert [step.local for step in outcome.savings] == [(10 - i) / 10 for i in range(11)]
    table = own_table()
    first, last = outcome.savings[0], outcome.savings[-1]
    assert first.quality.value == pytest.approx(table.small.mean(), abs=1e-4)
    assert (last.quality.value, last.cost.value) == (1.0, 1.0)
    assert first.cost.value == 0


def test_learning_curves_are_left_out_when_in_a_hurry() -> None:
    assert examine(own_table(), boots=2, quick=True).learning == []


def test_published_figures_are_shown_for_the_benchmarks_of_the_table() -> None:
    rows = [row | {"bench": "gsm8k"} for row in own_rows(150)]
    outcome = examine(pair_table(rows, packaged().embedder), boots=2, quick=True)
    assert set(outcome.published) == {"gsm8k"}
    for routers in PUBLISHED.values():
        for apgr_value, half, most in routers.values():
            assert 0.4 < apgr_value < 1
            assert not half > most
