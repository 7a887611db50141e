"""Figures about detection: counted as they say, over the rows they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.errors import ConfigError
from shortstop.evaluate.privacy import adversarial, detection
from shortstop.privacy import PrivacyGuard
from shortstop.types import Clearance, Reach, Tier

MAIL = "mail jane.doe@acme-corp.com"


def row(text: str, tier: str, *, sensitive: bool) -> dict[str, object]:
    return {"id": text, "text": text, "tier": tier, "sensitive": sensitive}


ROWS = [
    row(MAIL, "PII", sensitive=True),
    row("nothing to see here", "PII", sensitive=True),
    row("the key is AKIAQ3EGRXQPZ7WJ2YHT", "SECRET", sensitive=True),
    row("what is the capital of France", "", sensitive=False),
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without timings, which take their time."""
    monkeypatch.setattr(detection, "_timed", lambda sizes, texts: ())


@pytest.mark.usefixtures("quick")
def test_figures_of_a_table_of_ones_own() -> None:
    report = detection.labelled(ROWS, "own")
    figures = {f.name: (f.hits, f.n) for f in report.figures}
    assert figures == {
        "sensitive flagged": (2, 3),
        "flagged: PII": (1, 2),
        "flagged: SECRET": (1, 1),
        "false pins: hard harmless": (0, 1),
    }
    assert (report.part, report.timings) == ("own", ())


@pytest.mark.usefixtures("quick")
def test_harmless_texts_are_counted_by_their_false_pins() -> None:
    report = detection.harmless([MAIL, "hello", "2+2=4"], "some")
    (figure,) = report.figures
    assert (figure.name, figure.hits, figure.n) == ("false pins", 1, 3)


@pytest.mark.usefixtures("quick")
def test_a_table_of_one_kind_has_the_other_figures_at_none() -> None:
    figures = {f.name: (f.hits, f.n) for f in detection.labelled(ROWS[:1], "own").figures}
    assert figures["false pins: hard harmless"] == (0, 0)


def test_a_low_tier_is_no_flag() -> None:
    examiner = detection.Examiner()
    assert examiner.tier("ping 8.8.4.4") == Tier.S1
    assert examiner.share("flagged", ["ping 8.8.4.4", MAIL]).hits == 1


def test_each_text_is_timed_as_often_as_asked() -> None:
    timing = detection.Examiner().timing("some", ["hello", MAIL], rounds=3)
    assert (timing.name, timing.n) == ("some", 6)
    assert 0 < timing.p50 <= timing.p99


def test_texts_to_time_are_of_one_size_and_not_all_the_same() -> None:
    texts = list(detection._filled(["abc", "defgh", "i"], 40, count=5))
    assert {len(t) for t in texts} == {40}
    assert len(set(texts)) > 1


def test_without_texts_there_is_nothing_to_time() -> None:
    assert detection._timed((("x", 800),), []) == ()


def test_about_half_of_the_rows_are_held_back_always_the_same() -> None:
    held = [detection.is_held_back(f"row {n}") for n in range(2_000)]
    assert 900 < sum(held) < 1_100
    assert held == [detection.is_held_back(f"row {n}") for n in range(2_000)]


def test_rows_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n  \n{"a": 2}')
    assert list(detection.read_rows(path)) == [{"a": 1}, {"a": 2}]
    assert [number for number, _ in detection.numbered_rows(path)] == [1, 4]
    path.write_text("\nno json")
    with pytest.raises(ConfigError, match=r"rows.jsonl, line 2, is not JSON"):
        list(detection.read_rows(path))
    with pytest.raises(OSError):
        list(detection.read_rows(tmp_path / "absent"))


def test_a_guard_that_lets_everything_go_fails_the_tricks(monkeypatch: pytest.MonkeyPatch) -> None:
    free = Clearance(Tier.S0, Reach.ANYWHERE)
    monkeypatch.setattr(PrivacyGuard, "clear", lambda self, request, caller: free)
    assert sum(t.passed for t in adversarial.tricks()) < 8


def test_the_held_back_half_of_the_open_data(shared_data: Path) -> None:
    rows = detection.read_rows(shared_data / "privacy" / "gateway_dev.jsonl")
    unseen = [r for r in rows if detection.is_held_back(r["id"])]
    examiner = detection.Examiner()
    missed = [r["id"] for r in unseen if r["sensitive"] and examiner.tier(r["text"]) < Tier.S2]
    pinned = [r["id"] for r in unseen if not r["sensitive"] and examiner.tier(r["text"]) >= Tier.S2]
    assert len(missed) <= 5
    assert len(pinned) <= 2
