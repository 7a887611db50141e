"""`shortstop bench privacy` on a few rows of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shortstop.cli.bench_privacy import Results, show
from shortstop.cli.output import Terminal
from shortstop.evaluate.privacy.adversarial import Trick
from shortstop.evaluate.privacy.figures import PrivacyReport
from tests.cli.conftest import Shortstop

MAIL = "Write a reply to jane.doe@acme-corp.com, who says the parcel never arrived."
ROWS: list[dict[str, object]] = [
    {"id": "A0", "tier": "PII", "sensitive": 1, "text": MAIL, "kind": None,
     "spans": [{"start": 17, "end": 39, "label": "EMAIL"}]},
    {"id": "A1", "tier": "PUBLIC", "sensitive": 0, "text": "What is a prime?", "kind": None,
     "spans": []},
]  # fmt: skip


@pytest.fixture
def data(home: Path) -> Path:
    path = home / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def test_everything_that_can_be_measured_here_is(shortstop: Shortstop, data: Path) -> None:
    result = shortstop("bench", "privacy", "--data", str(data), "--spans", str(data), "--json")
    assert result.code == 0, result.err
    tree = json.loads(result.out)
    assert set(tree) == {"reports", "tricks", "left_out"}
    parts = [report["part"] for report in tree["reports"]]
    assert parts[0] == "rows.jsonl"
    assert "rows, rules alone" in parts
    assert len(tree["tricks"]) == 30
    figures = {f["name"]: f for r in tree["reports"] for f in r["figures"]}
    assert (figures["sensitive flagged"]["hits"], figures["sensitive flagged"]["n"]) == (1, 1)
    reports = {r["part"]: r["figures"] for r in tree["reports"]}
    assert reports["rows, rules alone"][0]["share"] == 1.0
    assert any("ordinary_clinc" in line for line in tree["left_out"]), "the open data is not here"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--data", "absent.jsonl"), "There is no file absent.jsonl."),
        (("--data", "rows.jsonl", "--spans", "absent.jsonl"), "There is no file absent.jsonl."),
    ],
)
def test_a_file_that_is_named_must_be_there(
    shortstop: Shortstop, data: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = shortstop("bench", "privacy", *arguments)
    assert result.code == 2
    assert says in result.err


def test_a_row_without_its_columns_is_named(shortstop: Shortstop, data: Path) -> None:
    data.write_text(json.dumps(ROWS[0]) + "\n" + json.dumps({"id": "x", "text": "y"}))
    result = shortstop("bench", "privacy", "--data", str(data))
    assert result.code == 2
    assert "line 2, has no sensitive, tier." in result.err


def test_a_line_that_is_no_json_is_no_row(shortstop: Shortstop, data: Path) -> None:
    data.write_text(json.dumps(ROWS[0]) + "\nno json")
    result = shortstop("bench", "privacy", "--data", str(data))
    assert result.code == 2
    assert f"{data}, line 2, is not JSON" in result.err


@pytest.mark.parametrize("row", [{"id": "1", "text": "x"}, {"text": "x", "spans": []}])
def test_rows_of_spans_without_their_columns_are_refused(
    shortstop: Shortstop, data: Path, row: dict[str, object]
) -> None:
    own = data.with_name("own.jsonl")
    own.write_text(json.dumps(row))
    result = shortstop("bench", "privacy", "--data", str(data), "--spans", str(own))
    assert result.code == 2
    assert "own.jsonl has rows without id, text or spans." in result.err


def test_what_got_through_and_what_was_left_out_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tricks = [Trick(1, True), Trick(2, False, ("base64",))]
    results = Results([PrivacyReport("part", ())], tricks, ["spans: there is no file"])
    show(results, Terminal(width=120))
    out = capsys.readouterr().out
    assert "tricks: 1 of 2 passed" in out
    assert "2: got through: base64" in out
    assert "left out: spans: there is no file" in out
