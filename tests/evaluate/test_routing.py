"""The examination: the metric, honest folds, and the figures on the open data."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.cli.bench_routing import printed
from shortstop.cli.contract import contract_command
from shortstop.cli.contract_replay import contract_replay
from shortstop.cli.tables import read_rows
from shortstop.errors import ConfigError, StoreError
from shortstop.evaluate.certificates import certify
from shortstop.evaluate.curves import page
from shortstop.evaluate.fitting import out_of_fold, with_answer
from shortstop.evaluate.pair_table import pair_table
from shortstop.evaluate.ranking import apgr, cpt, recovered
from shortstop.evaluate.routing import calibration_error, examine
from shortstop.routing import LearnedRouter, dump_state, packaged
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import MAIL, asked, graded, make


def test_a_router_without_an_opinion_is_random() -> None:
    gap = np.array([1.0, 0.0, 0.0, 1.0, 0.0, -1.0, 1.0, 0.0])
    curve = recovered(np.zeros(8), np.zeros(8), gap)
    assert apgr(curve) == pytest.approx(0.5)
    assert cpt(curve, 0.8) == pytest.approx(80)


def test_an_oracle_beats_always_asking() -> None:
    gap = np.random.default_rng(0).choice([1.0, 0.0, -1.0], 500, p=[0.3, 0.6, 0.1])
    curve = recovered(gap, np.zeros(500), gap)
    assert curve.max() > 1
    assert apgr(curve) > 0.9


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40))
def test_recovered_begins_at_none_and_ends_at_all(scores: list[float]) -> None:
    gap = np.ones(len(scores))
    curve = recovered(np.array(scores), np.zeros(len(scores)), gap)
    assert curve[0] == 0
    assert curve[-1] == pytest.approx(1)
    assert (np.diff(curve) >= -1e-9).all()


def own_rows(n: int = 300) -> list[dict[str, object]]:
    """A company's own table: hard questions are those about tax."""
    draws = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for i in range(n):
        hard = bool(draws.random() < 0.5)
        topic = "tax law of partnerships" if hard else "opening hours of the shop"
        row: dict[str, object] = {
            "id": str(i),
            "bench": "own",
            "domain": "tax" if hard else "hours",
            "prompt": f"Question {i} about the {topic}, branch {i % 13}?",
            "score_small": 0.0 if hard and draws.random() < 0.8 else 1.0,
            "score_big": 1.0,
            "contaminated": i == 0,
            "response_small": "no 1" if hard else "yes 2",
            "response_other": "yes 2",
            "cost_small": 0.0,
            "cost_big": 0.01,
        }
        rows.append(row)
    return rows


def test_a_company_can_test_its_own() -> None:
    data = pair_table(own_rows(), packaged().embedder)
    assert len(data.prompts) == 299, "contaminated rows are dropped"
    outcome = examine(data, boots=20, quick=True)
    by_name = {s.router: s.apgr.value for s in outcome.in_domain}
    assert by_name["prompt only"] > 0.7
    assert {"with own answer", "with agreement", "prompt + declared task"} <= set(by_name)
    text = "\n".join(printed(outcome))
    assert "own" in text
    assert "<svg" in page(outcome)


def test_csv_is_as_good(tmp_path: Path) -> None:
    rows = own_rows(60)
    file = tmp_path / "own.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    data = pair_table(read_rows(file), packaged().embedder)
    assert len(data.prompts) == 59
    with pytest.raises(ConfigError):
        read_rows(tmp_path / "none.csv")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StoreError, match="score_big"):
        pair_table([{"id": 1, "bench": "b", "prompt": "p", "score_small": 1}], packaged().embedder)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"score_small": ""}, "Row 3 of the table has no 'score_small'"),
        ({"score_small": "good"}, "Row 3 .* 'score_small' is 'good'"),
        ({"score_big": "nan"}, "Row 3 .* 'score_big' is 'nan'"),
        ({"cost_big": "$1"}, "Row 3 .* 'cost_big'"),
        ({"fold": "a"}, "Row 3 .* 'fold'"),
    ],
)
def test_a_wrong_value_is_named(wrong: dict[str, object], said: str) -> None:
    rows = own_rows(5)
    rows[2] |= wrong
    with pytest.raises(StoreError, match=said):
        pair_table(rows, packaged().embedder)


def test_a_table_that_cannot_be_examined_says_why() -> None:
    few = pair_table(own_rows(50), packaged().embedder)
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
    outcome = examine(pair_table(own_rows(), packaged().embedder), boots=20, quick=True)
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
            after = with_answer(data, at, folds, gaps, smalls, agreement=False)
            assert apgr(recovered(after, data.small[at], data.big[at])) >= 0.707
    assert found["mmlu"] >= 0.690
    assert found["gsm8k"] >= 0.638


def _taught(n: int) -> LearnedRouter:
    """One in five local answers was wrong."""
    router = make(packaged())
    for i in range(n):
        request = asked(i, f"sort mail number {i}")
        router.decide(request, OPEN, MAIL)
        router.pair(graded(request.id, float(i % 5 > 0)))
    return router


def test_the_commands_say_what_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    contract_command()
    said = capsys.readouterr().out
    assert "NOT under the promise" in said
    assert "No evidence yet" in said
    (tmp_path / "brain.bin").write_bytes(dump_state(_taught(200).state))
    contract_command()
    said = capsys.readouterr().out
    assert "mail|small=smol-135" in said
    assert "whatever the router does" in said
    assert "of 40 needed" in said, "2 / (1 - confidence)"
    contract_command(as_json=True)
    (report,) = json.loads(capsys.readouterr().out)["tasks"].values()
    assert report["pairs"] > 50
    assert report["must_escalate"] > report["must_escalate_traffic"] > 0
    contract_replay(replays=5, length=600, max_loss=0.05)
    assert "adversary" in capsys.readouterr().out
    log = tmp_path / "log.csv"
    log.write_text("score,loss\n0.9,0\n0.5,much\n")
    with pytest.raises(ConfigError, match=r"Row 2 .* 'loss'"):
        contract_replay(log, replays=5)
