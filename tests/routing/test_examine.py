"""The examination: the metric, honest folds, and the figures on the open data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.cli.bench_routing import page, printed
from shortstop.cli.contract import contract_command, contract_replay
from shortstop.cli.tables import read_rows
from shortstop.errors import ConfigError, StoreError
from shortstop.routing import packaged
from shortstop.routing.examine import (
    apgr,
    calibration_error,
    certify,
    cpt,
    examine,
    out_of_fold,
    recovered,
    table,
    with_answer,
)


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
    data = table(own_rows(), packaged().embedder)
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
    data = table(read_rows(file), packaged().embedder)
    assert len(data.prompts) == 59
    with pytest.raises(ConfigError):
        read_rows(tmp_path / "none.csv")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StoreError, match="score_big"):
        table([{"id": 1, "bench": "b", "prompt": "p", "score_small": 1}], packaged().embedder)


def test_the_open_data(shared_data: Path) -> None:
    """The figures that must be reached, on a part of the work: no learning curves, no bootstrap."""
    rows = read_rows(shared_data / "routing" / "routellm_pairs.parquet")
    data = table(rows, packaged().embedder)
    found = {}
    for bench in ("mmlu", "gsm8k"):
        at = data.where(bench)
        folds = data.fold[at]
        gaps, smalls = out_of_fold(data, at, folds)
        found[bench] = apgr(recovered(gaps, data.small[at], data.big[at]))
        assert calibration_error(smalls, data.small[at]) < 0.05
        if bench == "mmlu":
            shares = {c.method: c for c in certify(gaps, data.gap[at], replays=40)}
            assert shares["errors over traffic, exact binomial"].share > 0.28
            assert shares["net loss over traffic, betting"].share > 0.38
        else:
            after = with_answer(data, at, folds, gaps, smalls, agreement=False)
            assert apgr(recovered(after, data.small[at], data.big[at])) >= 0.707
    assert found["mmlu"] >= 0.690
    assert found["gsm8k"] >= 0.638


def test_the_commands_say_what_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHORTSTOP_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    contract_command()
    said = capsys.readouterr().out
    assert "NOT under the promise" in said
    assert "No evidence yet" in said
    contract_replay(replays=5, length=600, max_loss=0.05)
    assert "adversary" in capsys.readouterr().out
