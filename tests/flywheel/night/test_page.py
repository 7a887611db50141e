"""The page about an examination: whole in one file, and nothing that could be markup in it."""

from __future__ import annotations

import pytest

from shortstop.flywheel.night.page import page, write_page
from shortstop.flywheel.night.report import Beside, KindReport, TaskReport
from shortstop.flywheel.pairs import MatchedPair, running_losses

REPORT = TaskReport(
    "acme", "<b>mail</b>", 900, 800, 600, 160, {"duplicate": 3},
    (
        KindReport("label-head", "label-head-1", "canary", "Proven.", 0.8, 130, 0.01, None,
                   {"none": 2}, 1.5, 0.03, (0.0, 0.05, 0.01)),
        KindReport("copy", why="Its answers are no flat JSON."),
    ),
    beside={"small": Beside(40, 0.5)},
)  # fmt: skip


def test_it_shows_every_kind_and_needs_nothing_else() -> None:
    shown = page(REPORT)
    for part in ("label-head-1", "canary", "Its answers are no flat JSON", "small", "50.0%"):
        assert part in shown
    assert "<polyline" in shown
    assert "<b>mail" not in shown
    assert not any(word in shown for word in ("<script", "http://", "https://"))


def test_it_is_written_beside_what_is_remembered(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    assert write_page(tmp_path / "task", REPORT).read_text().startswith("<!doctype html>")


def test_the_running_mean_is_short_however_many_pairs() -> None:
    pairs = [MatchedPair("r", n, float(n % 2), "gold") for n in range(5000)]
    losses = running_losses([None, *pairs])
    assert len(losses) <= 120
    assert (losses[0], losses[-1]) == (0.0, pytest.approx(0.5, abs=1e-3))
    assert running_losses([None]) == ()
