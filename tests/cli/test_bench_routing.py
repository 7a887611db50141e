"""`shortstop bench routing` on a small table of one's own."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.cli.conftest import Shortstop

TOPICS = ("tax", "cats", "python", "rain", "music", "chess")


def row(number: int, draw: random.Random) -> dict[str, object]:
    """A prompt that the small model answers well unless it is about tax or Python."""
    topic = draw.choice(TOPICS)
    words = " ".join(draw.choices(TOPICS, k=8))
    return {
        "id": f"r{number}",
        "bench": "own",
        "domain": topic,
        "prompt": f"Question {number} about {topic}: {words}?",
        "score_small": int(draw.random() < (0.3 if topic in ("tax", "python") else 0.9)),
        "score_big": int(draw.random() < 0.95),
        "fold": number % 5,
    }


@pytest.fixture
def table(home: Path) -> Path:
    draw = random.Random(1)
    path = home / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(row(n, draw)) for n in range(160)))
    return path


def test_the_figures_as_json_and_the_curves_as_a_page(shortstop: Shortstop, table: Path) -> None:
    result = shortstop(
        "bench", "routing", "--data", str(table), "--quick", "--boots", "3", "--json",
        "--plot", "curves.html",
    )  # fmt: skip
    assert result.code == 0, result.err
    tree = json.loads(result.out)
    assert set(tree) == {"routing", "decision_ms", "memory"}
    assert tree["memory"] is None, "left out with --quick"
    assert 0 < tree["decision_ms"]["p50"] <= tree["decision_ms"]["p95"]
    assert {score["bench"] for score in tree["routing"]["in_domain"]} == {"own"}
    page = (table.parent / "curves.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<svg" in page


def test_the_figures_in_words(shortstop: Shortstop, table: Path) -> None:
    result = shortstop("bench", "routing", "--data", str(table), "--quick", "--boots", "3")
    assert result.code == 0, result.err
    assert "In-domain, 5-fold" in result.out
    assert "Decision time, 800 characters" in result.out
    assert "Memory after" not in result.out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": ""}, "Row 2 of the table has no 'prompt'."),
        ({"score_big": "good"}, "Row 2 of the table: 'score_big' is 'good'"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    shortstop: Shortstop, table: Path, change: dict[str, object], says: str
) -> None:
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    rows[1] |= change
    table.write_text("\n".join(map(json.dumps, rows)))
    result = shortstop("bench", "routing", "--data", str(table), "--quick")
    assert result.code == 2
    assert says in result.err


def test_a_file_of_another_kind_is_named(shortstop: Shortstop, home: Path) -> None:
    (home / "pairs.parquet").write_text("no parquet")
    result = shortstop("bench", "routing", "--data", "pairs.parquet")
    assert result.code == 2
    assert "Cannot read pairs.parquet" in result.err
