"""Pairs for free, and what they prove: never agreement where somebody knows better."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.flywheel.examples import Example
from shortstop.flywheel.pairs import MatchedPair, paired, proof_of, slips
from shortstop.flywheel.verdicts import BothGrades, Doubt
from tests.flywheel.traffic import example


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


SURE = Doubt(0.0, 0.05)
ROW = example(1, "why this fee", "fees")
GOLD = replace(ROW, answer="loan", gold=True, teacher="", told="fees")


def one(row: Example, answer: str | None, ruling: BothGrades | None = None) -> MatchedPair | None:
    (pair,) = paired([row], [answer], exactly, lambda row, answer: ruling)
    return pair


@pytest.mark.parametrize(
    ("row", "answer", "ruling", "loss", "by"),
    [
        (ROW, "fees", None, 0.0, ""),
        (ROW, "loan", None, 1.0, "none"),
        (ROW, "loan", BothGrades(0.0, 1.0), -1.0, "judge"),
        (ROW, "loan", BothGrades(1.0, 0.0), 1.0, "judge"),
        (ROW, "loan", BothGrades(0.7, 0.8), 1.0, "none"),
        (GOLD, "loan", None, -1.0, "gold"),
        (GOLD, "fees", None, 0.0, "gold"),
        (replace(GOLD, told=None), "card", None, 1.0, "gold"),
    ],
)
def test_a_loss_is_counted_by_who_knows_best(
    row: Example, answer: str, ruling: BothGrades | None, loss: float, by: str
) -> None:
    pair = one(row, answer, ruling)
    assert pair is not None
    assert (pair.loss, pair.by) == (loss, by)


def test_what_escalates_is_no_pair() -> None:
    assert one(ROW, None) is None


def pairs(same: int, lost: int = 0) -> list[MatchedPair | None]:
    """In turn: a lost pair after every so many that are the same."""
    turn = (same + lost) // lost if lost else 1
    return [
        MatchedPair(f"r{n}", n, *((1.0, "none") if lost and n % turn == 1 else (0.0, "")))
        for n in range(same + lost)
    ]


def test_equal_answers_prove_it_after_a_while() -> None:
    assert not proof_of(pairs(60), 0.03, SURE).proven
    found = proof_of([*pairs(400), None, None], 0.03, SURE)
    assert found.proven
    assert (found.asked, found.served) == (402, 400)


def test_a_loss_at_the_margin_is_not_proven_and_says_that_nothing_helps() -> None:
    found = proof_of(pairs(950, 50), 0.03, SURE)
    assert not found.proven
    assert found.more is None
    assert found.judged["none"] == 50


def test_how_many_more_are_needed_is_told() -> None:
    found = proof_of(pairs(60), 0.03, SURE)
    assert found.more is not None
    assert 10 < found.more < 400


def test_nothing_is_no_evidence() -> None:
    found = proof_of([], 0.03, SURE)
    assert (found.proven, found.served, found.share) == (False, 0, 0.0)


def judged(*losses: float) -> list[MatchedPair | None]:
    return [MatchedPair(f"r{n}", n, loss, "judge" if loss else "") for n, loss in enumerate(losses)]


def test_a_verdict_counts_for_less_than_it_says() -> None:
    """A specialist that is right in each of 5 % disagreements, by a judge that may be wrong."""
    found = judged(*([0.0] * 19 + [-1.0]) * 10)
    sure, unsure = (proof_of(found, 0.03, Doubt(bias, 0.05)) for bias in (0.0, 0.4))
    assert sure.log_e > unsure.log_e > 0
    assert sure.loss == unsure.loss == -0.05
    worthless = proof_of(found, 0.03, Doubt(1.7, 0.05))
    assert worthless.log_e < 1


def test_what_people_and_the_judge_both_ruled_on_shows_how_wrong_the_judge_is() -> None:
    confirmed = replace(ROW, gold=True, told="fees")
    rows, answers = [GOLD, confirmed, GOLD, ROW], ["loan", "loan", None, "loan"]
    kind = slips(rows, answers, exactly, lambda row, answer: BothGrades(0.0, 1.0))
    assert kind == [0.0, 2.0], "right about the first, too kind by 2 about the second"
    assert slips(rows, answers, exactly, lambda row, answer: None) == []
