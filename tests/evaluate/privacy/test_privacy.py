"""The examination counts what it says, and can fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shortstop.cli.main import app
from shortstop.evaluate.privacy import adversarial, spans, trials
from shortstop.privacy.replace.restore import Restorer
from shortstop.types import Clearance

RUN = CliRunner()


def row(text: str, tier: str, *, sensitive: bool) -> dict[str, object]:
    return {"id": text, "text": text, "tier": tier, "sensitive": sensitive}


def test_figures_of_a_table_of_ones_own(tmp_path: Path) -> None:
    data = tmp_path / "own.jsonl"
    rows = [
        row("mail jane.doe@acme-corp.com", "PII", sensitive=True),
        row("nothing to see here", "PII", sensitive=True),
        row("what is the capital of France", "", sensitive=False),
    ]
    data.write_text("\n".join(map(json.dumps, rows)))
    done = RUN.invoke(app, ["bench", "privacy", "--data", str(data), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    figures = {f["name"]: (f["hits"], f["n"]) for f in found["reports"][0]["figures"]}
    assert figures["sensitive flagged"] == figures["flagged: PII"] == (1, 2)
    assert figures["false pins: hard harmless"] == (0, 1)
    assert len(found["tricks"]) == 30


@pytest.mark.parametrize("line", ['{"text": "x"}', "no json"])
def test_a_table_that_is_none_is_told_so(tmp_path: Path, line: str) -> None:
    data = tmp_path / "own.jsonl"
    data.write_text(line)
    done = RUN.invoke(app, ["bench", "privacy", "--data", str(data)])
    assert done.exit_code != 0
    assert not isinstance(done.exception, KeyError)


def test_a_restorer_that_loses_the_split_ones_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trials.restoring(300).figures[0].hits == 0
    monkeypatch.setattr(Restorer, "_held_from", lambda self, low, position: len(low))
    assert trials.restoring(300).figures[0].hits > 0


def test_a_verifier_that_looks_away_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trials.tampering(50).figures[0].share == 1.0
    monkeypatch.setattr("shortstop.evaluate.privacy.trials.verify", lambda path, key: None)
    assert trials.tampering(50).figures[0].share == 0.0


def test_a_guard_that_lets_everything_go_fails_the_tricks(monkeypatch: pytest.MonkeyPatch) -> None:
    from shortstop.privacy import PrivacyGuard
    from shortstop.types import Reach, Tier

    free = Clearance(Tier.S0, Reach.ANYWHERE)
    monkeypatch.setattr(PrivacyGuard, "clear", lambda self, request, caller: free)
    assert sum(t.passed for t in adversarial.tricks()) < 8


def test_spans_are_counted_as_told() -> None:
    row = {"id": "1", "text": "Jane Doe, 12 High Street", "spans": [
        {"start": 0, "end": 8, "label": "PERSON"},
        {"start": 10, "end": 24, "label": "STREET_ADDRESS"},
    ]}  # fmt: skip
    found: list[spans.Marked] = [("PERSON", 0, 4), ("EMAIL", 0, 4)]
    report = spans.span_report([row], lambda texts: [found for _ in texts], "x")
    figures = {f.name: (f.hits, f.n) for f in report.figures}
    assert figures["recall: person"] == (1, 1)
    assert figures["recall: address"] == (0, 1)
    assert figures["precision"] == (1, 2)
    assert report.figures[0].share == pytest.approx(0.5)
    assert report.figures[1].hits == 1


def test_spans_of_ones_own(tmp_path: Path) -> None:
    data, own = tmp_path / "data.jsonl", tmp_path / "spans.jsonl"
    data.write_text(json.dumps(row("x", "PII", sensitive=True)))
    mail = {
        "id": "1",
        "text": "to a.b@acme.com",
        "spans": [{"start": 3, "end": 15, "label": "EMAIL"}],
    }
    own.write_text(json.dumps(mail))
    done = RUN.invoke(app, ["bench", "privacy", "--data", str(data), "--spans", str(own), "--json"])
    assert done.exit_code == 0, done.output
    reports = {r["part"]: r["figures"] for r in json.loads(done.stdout)["reports"]}
    assert reports["spans, rules alone"][0]["share"] == 1.0
