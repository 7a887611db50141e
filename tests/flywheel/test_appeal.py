"""Held-out answers that differ from the teacher's: the surest are ruled on, while it matters."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from shortstop.flywheel.appeal import AT_ONCE, NOBODY, Case, Claim, heard, settled, worth
from shortstop.flywheel.thresholds import threshold
from shortstop.specialists.opinion import NEVER
from tests.flywheel.traffic import example

TARGET = 0.95


class Knows:
    """Rules that the answers in `right` are right, `left` times at most; remembers what it was
    asked."""

    def __init__(self, right: Sequence[str], most: float = 0.9, left: int = 10_000) -> None:
        self.right, self.most, self.left = set(right), most, left
        self.asked: list[str] = []

    def worth(self, claim: Claim) -> float | None:
        if claim.answer not in self.asked:
            return None
        return self.most if claim.answer in self.right else 0.0

    def rule(self, claims: Sequence[Claim]) -> bool:
        told = [claim.answer for claim in claims][: self.left]
        self.left -= len(told)
        self.asked += told
        return len(told) == len(claims)


def claim(number: int, *, gold: bool = False) -> Claim:
    row = example(number, f"text {number}", "the teacher's")
    return Claim(replace(row, gold=gold), f"own {number}")


def cases(n: int, every: int) -> tuple[list[float], list[Case]]:
    """Confidences that fall, and one answer in so many that differs from the teacher's."""
    confidence = [1 - i / n for i in range(n)]
    return confidence, [() if i % every else (claim(i),) for i in range(n)]


def test_slips_of_the_teacher_no_longer_hide_who_is_right() -> None:
    confidence, disputed = cases(400, every=14)
    by_agreement = settled(confidence, disputed, TARGET, NOBODY)
    assert threshold(confidence, by_agreement, TARGET) == NEVER
    umpire = Knows([f"own {i}" for i in range(400)])
    judged = settled(confidence, disputed, TARGET, umpire)
    assert threshold(confidence, judged, TARGET) == min(confidence)
    assert sorted(set(judged)) == [0.9, 1.0], "a judge errs: its word is worth less"


def test_who_is_sure_and_wrong_stays_wrong_and_costs_few_questions() -> None:
    confidence, disputed = cases(400, every=4)
    umpire = Knows([])
    judged = settled(confidence, disputed, TARGET, umpire)
    assert threshold(confidence, judged, TARGET) == NEVER
    assert len(umpire.asked) <= 2 * AT_ONCE < sum(map(bool, disputed))


def test_the_surest_are_ruled_on_first() -> None:
    confidence, disputed = cases(200, every=5)
    umpire = Knows([], left=3)
    settled(confidence, disputed, TARGET, umpire)
    assert umpire.asked == ["own 0", "own 5", "own 10"]


@pytest.mark.parametrize("case", [None, (claim(1, gold=True),)])
def test_what_is_known_to_be_wrong_is_never_asked(case: Case) -> None:
    umpire = Knows(["own 1"])
    assert heard([case], umpire) == [0.0]
    assert not umpire.asked


def test_all_claims_of_an_answer_must_hold() -> None:
    umpire = Knows(["own 1", "own 2"])
    both, lost = (claim(1), claim(2)), (claim(1), claim(3))
    assert heard([both, lost, ()], umpire) == pytest.approx([0.81, 0.0, 1.0])


def test_what_nobody_ruled_on_counts_for_nothing() -> None:
    umpire = Knows(["own 1"], left=0)
    assert heard([(claim(1),)], umpire) == [0.0]
    assert worth((claim(2),), umpire) == 0.0
