"""Placements of several machines: who wins, and that all come to the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.registry.merging import merged, with_files
from shortstop.registry.placements import KEPT, Placement, Placements
from shortstop.types.decision import TargetState


def placed(name: str, state: TargetState = "live", at: float = 1.0, task: str = "m") -> Placement:
    return Placement(name, "acme", task, state, at)


class Pair:
    """Two machines that have seen the same so far."""

    def __init__(self, folder: Path) -> None:
        self.one, self.two = Placements(folder / "one"), Placements(folder / "two")

    def place(self, *each: Placement) -> None:
        for placement in each:
            self.one.place(placement)
        self.meet()

    def meet(self) -> dict[str, TargetState]:
        """Both go on with what came of both; who stands where."""
        both = merged(self.one.all(), self.two.all())
        assert merged(self.two.all(), self.one.all()) == both
        assert merged(both, self.one.all()) == merged(both, both) == both
        for machine in (self.one, self.two):
            machine.rewrite(lambda _: both)
        return {one.name: one.state for one in both}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_roll_back_stands_against_all_who_did_not_know_of_it(pair: Pair) -> None:
    """Also where their clock is ahead, and where they have changed more."""
    pair.place(placed("copy-1"), placed("copy-2", at=2.0))
    pair.one.roll_back("copy-2", 3.0, "alarm")
    for at in (90.0, 91.0, 92.0):
        pair.two.place(placed("copy-2", "live", at))
    assert pair.meet() == {"copy-1": "live", "copy-2": "retired"}
    pair.two.place(placed("copy-2", "canary", 1.5))
    assert pair.meet()["copy-2"] == "canary", "by somebody who knew of it, by a clock behind"


def test_both_roll_back_at_once_and_their_predecessor_is_back(pair: Pair) -> None:
    pair.place(placed("copy-1"), placed("copy-2", at=2.0))
    pair.one.roll_back("copy-2", 3.0, "alarm")
    pair.two.roll_back("copy-2", 3.2, "alarm")
    assert pair.meet() == {"copy-1": "live", "copy-2": "retired"}
    assert {one.since for one in pair.one.all()} == {3.2}


def test_two_that_go_live_at_once_do_not_both_stay(pair: Pair) -> None:
    pair.place(placed("copy-1"))
    pair.one.place(placed("copy-2", at=5.0))
    pair.two.place(placed("copy-3", at=4.0))
    pair.two.place(placed("copy-4", at=4.0, task="other"))
    assert pair.meet() == {
        "copy-1": "retired", "copy-2": "live", "copy-3": "retired", "copy-4": "live",
    }  # fmt: skip
    pair.one.roll_back("copy-2", 6.0, "alarm")
    assert pair.meet()["copy-3"] == "live", "it was replaced by that one"


def test_who_answers_or_may_come_back_needs_files(pair: Pair) -> None:
    pair.place(placed("copy-1"), placed("copy-2", at=2.0), placed("copy-3", at=3.0))
    pair.place(placed("copy-4", "candidate"), placed("tools-5", "shadow"))
    assert with_files(pair.one.all()) == {"copy-2", "copy-3", "copy-4", "tools-5"}
    pair.one.retire("copy-3", 4.0, "unwanted")
    assert with_files(pair.one.all()) == {"copy-4", "tools-5"}


def test_what_has_ended_long_ago_does_not_come_back_from_another_machine(pair: Pair) -> None:
    old = [placed(f"copy-{number}", "retired", float(number)) for number in range(KEPT)]
    pair.two.rewrite(lambda _: old)
    pair.one.rewrite(lambda _: [placed("tools-1", "retired", 500.0), *old[50:]])
    names = pair.meet()
    assert len(names) == KEPT
    assert "copy-0" not in names
    assert "tools-1" in names
