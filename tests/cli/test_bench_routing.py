"""`shortstop bench routing` on one's own table: in words, as JSON, and as a page."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from shortstop.cli import bench_routing as command
from shortstop.cli.bench_routing import printed
from shortstop.evaluate.figures import Figure
from shortstop.evaluate.footprint import DecisionTime, Memory
from shortstop.evaluate.ranking import Score
from shortstop.evaluate.routing import RoutingReport
from tests.cli.conftest import Shortstop
from tests.evaluate.own import own_rows

PACE = DecisionTime(0.1, 0.2, 0.1, 0.2, 10, 800)


@pytest.fixture
def own(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table; what the router itself takes is measured elsewhere."""
    monkeypatch.setattr(command, "decision_time", lambda prompts: PACE)
    monkeypatch.setattr(command, "memory", lambda prompts: Memory(100, 12, 8.0, 1.5))
    (home / "own.jsonl").write_text("\n".join(json.dumps(row) for row in own_rows(200)))
    return "own.jsonl"


def test_a_company_s_own_table_is_examined(shortstop: Shortstop, own: str) -> None:
    result = shortstop("bench", "routing", "--data", own, "--quick", "--boots", "5")
    assert result.code == 0
    for part in ("In-domain, 5-fold", "By domain", "Calibration error", "Quality against cost"):
        assert part in result.out
    assert "own prompt only" in result.out
    assert "Decision time, 800 characters, n=10: p50 0.10 ms" in result.out
    assert "Memory" not in result.out, "quick"


def test_machines_get_the_same_figures(shortstop: Shortstop, own: str) -> None:
    result = shortstop("bench", "routing", "--data", own, "--boots", "5", "--json")
    tree = json.loads(result.out)
    assert set(tree) == {"routing", "decision_ms", "memory"}
    assert tree["decision_ms"]["p50"] == 0.1
    assert tree["memory"]["requests"] == 100
    scores = {score["router"]: score["apgr"]["value"] for score in tree["routing"]["in_domain"]}
    assert scores["prompt only"] > 0.6


def test_a_bar_that_is_missed_ends_with_1_and_says_by_how_much(
    shortstop: Shortstop, own: str
) -> None:
    arguments = ("bench", "routing", "--data", own, "--quick", "--boots", "2")
    assert shortstop(*arguments, "--least", "own prompt only=0.5").code == 0
    missed = shortstop(*arguments, "--least", "own prompt only=1.9", "--json")
    assert missed.code == 1
    assert "own prompt only has an APGR of" in missed.err
    assert json.loads(missed.out)["routing"]
    for wrong in ("own prompt only", "no such=0.5"):
        assert shortstop(*arguments, "--least", wrong).code == 2


def test_the_schema_of_the_output_describes_it(shortstop: Shortstop, own: str) -> None:
    schema = json.loads(shortstop("bench", "routing", "--schema").out)
    tree = json.loads(shortstop("bench", "routing", "--data", own, "--boots", "2", "--json").out)
    jsonschema_rs.validate(schema, tree)


def test_curves_are_written_where_they_are_wanted(
    shortstop: Shortstop, own: str, home: Path
) -> None:
    arguments = ("--data", own, "--quick", "--boots", "2", "--plot", "curves.html")
    assert shortstop("bench", "routing", *arguments).code == 0
    assert (home / "curves.html").read_text().startswith("<!doctype html>")


def test_without_a_table_it_says_where_to_get_one(shortstop: Shortstop, home: Path) -> None:
    result = shortstop("bench", "routing", "--data", "absent.csv")
    assert result.code == 2
    assert "absent.csv" in result.err


def score(low: float, high: float, gap: tuple[float, float] = (0.1, 0.3)) -> Score:
    return Score(
        "prompt only",
        "own",
        Figure(0.6, low, high, 50),
        Figure(30, 20, 40, 50),
        Figure(60, 50, 70, 50),
        Figure(0.2, *gap, 50),
        [0.0] * 11,
    )


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (score(0.5, 0.7), "0.600 [0.500, 0.700] / 30.0 / 60.0"),
        (score(-9.0, 0.7), "gap too small to tell"),
        (score(0.5, 9.0), "gap too small to tell"),
        (score(0.5, 0.7, (0.0, 0.0)), "no gap: the small model is as good"),
        (score(0.5, 0.7, (-0.3, -0.1)), "the small model is better"),
    ],
)
def test_where_nothing_can_be_told_no_figure_is_made_up(one: Score, line: str) -> None:
    report = RoutingReport([one], [], [], [], [], [], [], {"own": {"random": (0.5, 50, 80)}})
    text = "\n".join(printed(report))
    assert line in text
    assert "To compare with, own" in text
    assert "Certified" not in text
