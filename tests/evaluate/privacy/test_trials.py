"""The trials find what is wrong, and would not if nobody looked."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from shortstop.evaluate.privacy import trials
from shortstop.evaluate.privacy.trials import EVENTS, KEY, LABELS
from shortstop.privacy.audit import verify
from shortstop.privacy.replace.restore import Restorer


def test_a_restorer_that_loses_the_split_ones_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trials.restoring(300).figures[0].hits == 0
    monkeypatch.setattr(Restorer, "_held_from", lambda self, low, position: len(low))
    assert trials.restoring(300).figures[0].hits > 0


def test_one_that_forgets_to_escape_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Restorer.feed

    def plain(self: Restorer, text: str, *, escaped: bool, final: bool) -> tuple[str, str]:
        return feed(self, text, escaped=False, final=final)

    monkeypatch.setattr(Restorer, "feed", plain)
    assert trials.restoring(300).figures[0].hits > 50


def test_a_verifier_that_looks_away_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trials.tampering(50).figures[0].share == 1.0
    monkeypatch.setattr("shortstop.evaluate.privacy.trials.verify", lambda path, key: None)
    assert trials.tampering(50).figures[0].share == 0.0


def test_a_trial_is_the_same_each_time() -> None:
    one, two = trials.restoring(200, seed=3), trials.restoring(200, seed=3)
    assert one.figures == two.figures
    assert one.figures[0].n == 200
    assert one.timings[0].n == 200


def test_surrogates_of_every_kind_are_tried() -> None:
    values = trials._surrogates(random.Random(1))
    assert len(values) == len(LABELS)
    assert all('"' in value and "\n" in value for value in values.values()), "hard ones for JSON"


@pytest.mark.parametrize("how", range(5))
def test_every_way_of_tampering_changes_the_log_at_its_record(how: int, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    appending = trials._written(path)
    assert appending.n == EVENTS
    assert verify(path, KEY) is None
    lines = path.read_bytes().splitlines(keepends=True)
    changed = trials._tampered(lines, 7, how, random.Random(1))
    assert changed[:7] == lines[:7]
    assert changed[7:8] != lines[7:8]
