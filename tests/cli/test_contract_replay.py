"""`shortstop replay --contract`: the promise under stress, on one's own log or a simulated one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.cli.contract_replay import contract_replay
from shortstop.errors import ConfigError
from shortstop.routing import Promise
from tests.cli.conftest import Shortstop
from tests.evaluate.own import own_rows

FEW = ("--replays", "5", "--length", "600", "--max-loss", "0.05")


def test_every_scenario_has_its_line(shortstop: Shortstop) -> None:
    result = shortstop("replay", "--contract", *FEW)
    assert result.code == 0
    for scenario in ("iid", "drift", "mix", "biased", "adversary", "poisoned"):
        assert f"\n{scenario} " in result.out
    assert result.out.count("held") == 6
    assert "limit 0.05 at 0.95" in result.out


def test_machines_get_the_same_figures(shortstop: Shortstop) -> None:
    verdicts = json.loads(shortstop("replay", "--contract", *FEW, "--json").out)
    assert [v["replays"] for v in verdicts] == [5] * 6
    assert all(v["low"] <= v["rate"] <= v["high"] for v in verdicts)


def test_seeds_make_it_reproducible(shortstop: Shortstop) -> None:
    once = shortstop("replay", "--contract", *FEW, "--seed", "3").out
    assert shortstop("replay", "--contract", *FEW, "--seed", "3").out == once
    assert shortstop("replay", "--contract", *FEW, "--seed", "4").out != once


def test_a_log_of_scores_and_losses_is_replayed(shortstop: Shortstop, home: Path) -> None:
    lines = [f"0.{90 + i % 10},{int(i % 40 == 0)}" for i in range(400)]
    (home / "log.csv").write_text("score,loss\n" + "\n".join(lines) + "\n")
    result = shortstop("replay", "--contract", "log.csv", *FEW)
    assert result.code == 0
    assert "loss of all-local 0.0250" in result.out


def test_so_is_a_table_of_graded_pairs(shortstop: Shortstop, home: Path) -> None:
    rows = "\n".join(json.dumps(row) for row in own_rows(150))
    (home / "own.jsonl").write_text(rows)
    assert "iid" in shortstop("replay", "--contract", "own.jsonl", *FEW).out


def test_a_wrong_row_is_named(home: Path) -> None:
    log = home / "log.csv"
    log.write_text("score,loss\n0.9,0\n0.5,much\n")
    with pytest.raises(ConfigError, match=r"Row 2 .* 'loss'"):
        contract_replay(log, Promise(), replays=5, length=100, seed=0, as_json=False)


def test_a_broken_promise_is_a_failed_check(
    shortstop: Shortstop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1, as of every check; here the account is switched off."""
    from shortstop.routing.contract import Evidence

    monkeypatch.setattr(Evidence, "keeps", lambda self, score, promise: True)
    result = shortstop("replay", "--contract", "--replays", "40", "--length", "400")
    assert result.code == 1
    assert "BROKEN" in result.out
