"""Pairs for free, and what they prove: never agreement where somebody knows better."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import pytest
from msgspec.structs import replace

from shortstop.flywheel.examples import Example
from shortstop.flywheel.pairs import LEAST_COMPARED, MatchedPair, fair, paired, proof_of, slips
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


def test_what_it_leaves_to_the_frontier_is_part_of_the_mean() -> None:
    """One answer in twenty is wrong, but three requests in four are the frontier's: the task loses
    1.25 %."""
    answered = pairs(190, 10)
    spread: list[MatchedPair | None] = [
        one for pair in answered for one in (pair, None, None, None)
    ]
    assert not proof_of(answered, 0.03, SURE).proven
    found = proof_of(spread, 0.03, SURE)
    assert found.proven
    assert (found.asked, found.served, found.loss) == (800, 200, 0.05)


def test_who_answers_hardly_anything_is_not_proven_by_what_others_answered() -> None:
    found = proof_of([*pairs(LEAST_COMPARED - 1), *[None] * 2000], 0.03, SURE)
    assert found.log_e > found.needed
    assert not found.proven
    assert found.more == ceil(2049 / (LEAST_COMPARED - 1))
    assert proof_of([*pairs(LEAST_COMPARED), *[None] * 2000], 0.03, SURE).proven


@pytest.mark.parametrize("share", [0.05, 0.25, 0.9])
def test_what_a_canary_answered_itself_dilutes_nothing(share: float) -> None:
    """Whatever it answers unseen, the mean of what is left is that of the whole traffic."""
    rng = np.random.default_rng(11)
    traffic = [one if n % 3 == 0 else None for n, one in enumerate(pairs(2400, 600))]
    whole = mean(traffic)
    means = []
    for _ in range(40):
        own = rng.random(len(traffic)) < share
        seen = [p for p, answered in zip(traffic, own, strict=True) if p is None or not answered]
        means.append(mean(fair(seen, len(traffic) - len(seen))))
    assert np.mean(means) == pytest.approx(whole, rel=0.08)


def mean(found: Sequence[MatchedPair | None]) -> float:
    return float(np.mean([0.0 if pair is None else pair.loss for pair in found]))


def test_nothing_is_left_out_where_nobody_answered_unseen() -> None:
    found = [*pairs(5), None, None]
    assert fair(found, 0) == found
    assert fair([None] * 8, 3) == [], "all that it was sure of was its own"


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
