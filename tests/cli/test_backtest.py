"""`shortstop backtest` from a file to its answer: terminal, page and JSON say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.backtest.logs import row, texts
from tests.cli.conftest import Shortstop

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def log(home: Path) -> Path:
    file = home / f"log{EVIL.replace('/', '')}.jsonl"
    rows = [row(n, text, label) for n, (text, label) in enumerate(texts(60))]
    odd: list[Any] = [
        row(70, EVIL, EVIL, model=f"model{EVIL}"),
        {"request": {"messages": []}},
        {"url": "/v1/embeddings", "body": {"input": "x"}},
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in [*rows, *odd]) + "{broken\n")
    return file


def test_the_whole_answer(shortstop: Shortstop, log: Path, home: Path) -> None:
    page = home / "out.html"
    result = shortstop("backtest", str(log), "--json", "--html", str(page), "--days", "30")
    assert result.code == 0, result.err
    tree = json.loads(result.out)
    assert (tree["calls"], tree["requests"], tree["days"]) == (61, 61, 30)
    problems = {one["kind"]: one["first"][0]["line"] for one in tree["problems"]}
    assert problems == {
        "not-a-request": 62,
        "no-model-call": 63,
        "not-readable": 64,
        "no-price": 61,
    }
    assert list(tree["unpriced_models"]) == [f"model{EVIL}"]
    one_request = (200 * 4 + 10 * 20) / 1e6
    assert float(tree["bill"]) == pytest.approx(60 * one_request)
    assert tree["baselines"]["cloud_certified"] == tree["baselines"]["today"] == tree["bill"]
    assert len(tree["machines"]) == 5
    assert {one["change"] for one in tree["sensitivity"]} >= {
        "models cost half",
        "models cost a fifth",
    }
    assert "100 are needed" in tree["tasks"][0]["why"]

    html = page.read_text(encoding="utf-8")
    assert EVIL not in html
    assert "&lt;script&gt;" in html
    assert re.search(r"(?:src|href)=|url\(|@import", html) is None
    assert f"{tree['calls']} requests" in html


def test_in_words(shortstop: Shortstop, log: Path) -> None:
    result = shortstop("backtest", str(log), "--minutes", "0.5", "--cloud", "gpt-6-luna")
    assert result.code == 0, result.err
    assert "about 64 rows" in result.err
    out = " ".join(result.out.split())
    assert "of 61 requests could be answered here" in out
    assert "gpt-6-luna for everything" in out
    assert "1 lines could not be read and are in no figure" in out


def test_dry_run_reads_no_more_than_it_must(shortstop: Shortstop, log: Path) -> None:
    result = shortstop("backtest", str(log), "--dry-run")
    assert result.code == 0
    assert "Nothing leaves this machine" in result.out


def test_who_would_be_asked_is_said_and_nobody_else_is(shortstop: Shortstop, log: Path) -> None:
    result = shortstop("backtest", str(log), "--dry-run", "--try-local", "50")
    assert "up to 50 requests to the local model small, for 120 s at most" in result.out
    assert "no vendor is asked" in result.out
    result = shortstop("backtest", str(log), "--try-local", "50", "--try-model", "gpt-6.1-sol")
    assert result.code == 2
    assert "'gpt-6.1-sol' is no local model, so it is not asked" in result.err


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("{}\n", (), "No call of a model could be read"),
        ("", (), "No call of a model could be read"),
        ("{}\n", ("--cloud", "no-such-model"), "price of 'no-such-model' is not known"),
    ],
)
def test_bad_input_is_told(
    shortstop: Shortstop, home: Path, content: str, options: tuple[str, ...], words: str
) -> None:
    file = home / "bad.jsonl"
    file.write_text(content)
    result = shortstop("backtest", str(file), *options)
    assert result.code == 2
    assert words in result.err
