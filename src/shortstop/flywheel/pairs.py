"""A specialist beside the frontier on requests that it has not learned from, and what that proves.

A specialist is deterministic: what it would have answered to a request that the frontier answered
is found out by asking it afterwards. So every recorded answer of the frontier is a pair, for free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil, exp, log
from typing import Literal, NamedTuple

import numpy as np
from msgspec.structs import replace

from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Grade
from shortstop.flywheel.verdicts import BothGrades, Doubt
from shortstop.routing import winner
from shortstop.routing.bounds import labels_for_proof, log_e_value

Judge = Literal["gold", "checker", "judge", "none"]
"""Who says whose answer is right where two differ: a person's correction, the task's form, a model
that read both without names, or nobody: then the frontier's counts as right."""


Decide = Callable[[Example, str], BothGrades | None]
"""(request with the frontier's answer, another answer) -> a ruling; None where there is none."""


class MatchedPair(NamedTuple):
    """One request that both answered. `loss` is the frontier's grade minus the specialist's, in
    [-1, 1]; `by` says who judged, "" where both answers are the same and nobody corrected them."""

    id: str
    at: float
    loss: float
    by: Judge | Literal[""]


class Proof(NamedTuple):
    """What pairs say about a candidate: `asked` requests, of which it was sure of `served`; the
    mean `loss` on these, and `log_e`, the evidence in nats against "it loses the margin or more",
    after what a judge's verdicts may be too kind.
    `more` pairs like these would prove it at the wanted level: None where none would."""

    asked: int
    served: int
    loss: float
    log_e: float
    needed: float
    more: int | None
    judged: Mapping[str, int]

    @property
    def proven(self) -> bool:
        return self.log_e >= self.needed

    @property
    def share(self) -> float:
        return self.served / self.asked if self.asked else 0.0


def paired(
    rows: Sequence[Example],
    answers: Sequence[str | None],
    grade: Grade,
    decide: Decide | None = None,
) -> list[MatchedPair | None]:
    """One for each row; None where the specialist escalates."""
    return [
        None if answer is None else _pair(row, answer, grade, decide)
        for row, answer in zip(rows, answers, strict=True)
    ]


def _pair(row: Example, answer: str, grade: Grade, decide: Decide | None) -> MatchedPair:
    value = grade(answer, row)
    if row.gold:
        told = 1.0 if row.told is None else grade(row.told, row)
        return MatchedPair(row.id, row.at, told - value, "gold")
    if value >= 1.0:
        return MatchedPair(row.id, row.at, 0.0, "")
    both = decide(row, answer) if decide is not None else None
    won = None if both is None else winner(*both)
    if won is not None:
        return MatchedPair(row.id, row.at, won * (1.0 - value), "judge")
    return MatchedPair(row.id, row.at, 1.0 - value, "none")


def unlike(row: Example, answer: str, grade: Grade) -> float:
    """By how much an answer differs from the frontier's, in [0, 1]; 0 where there is none."""
    if not row.gold:
        return 1.0 - grade(answer, row)
    return 0.0 if row.told is None else 1.0 - grade(answer, replace(row, answer=row.told))


def slips(
    rows: Sequence[Example], answers: Sequence[str | None], grade: Grade, decide: Decide
) -> list[float]:
    """True losses less those by the judge's verdicts, where people and the judge have ruled."""
    found = []
    for row, answer in zip(rows, answers, strict=True):
        if not row.gold or row.told is None or answer is None:
            continue
        both = decide(row, answer)
        won = None if both is None else winner(*both)
        if won is not None:
            true = grade(row.told, row) - grade(answer, row)
            found.append(true - won * unlike(row, answer, grade))
    return found


def proof_of(pairs: Sequence[MatchedPair | None], margin: float, doubt: Doubt) -> Proof:
    """Pairs in order of time, whichever were looked at before: the proof holds at any time. `doubt`
    is about the judge's verdicts among them."""
    served = [pair for pair in pairs if pair is not None]
    losses = np.array([pair.loss for pair in served], np.float64)
    biased = np.array([pair.by == "judge" for pair in served], np.float64)
    feared, most = losses + doubt.bias * biased, 1.0 + doubt.bias
    log_e, needed = log_e_value(feared, margin, most), -log(doubt.alpha)
    return Proof(
        len(pairs),
        len(served),
        float(losses.mean()) if len(losses) else 0.0,
        log_e,
        needed,
        _more(feared, margin, needed - log_e),
        Counter(pair.by for pair in served if pair.by),
    )


def _more(losses: np.ndarray, margin: float, lacking: float) -> int | None:
    """Pairs that add the `lacking` evidence, in nats, if they are like those that there are."""
    if lacking <= 0:
        return 0
    mean = float(losses.mean()) if len(losses) else 0.0
    second = float((losses * losses).mean()) if len(losses) else 0.0
    wanted = labels_for_proof(mean, second, margin, exp(-lacking))
    return None if wanted == float("inf") else max(1, ceil(wanted))


def running_losses(pairs: Sequence[MatchedPair | None], points: int = 120) -> tuple[float, ...]:
    """The mean loss after ever more pairs, at most so many values."""
    losses = np.array([pair.loss for pair in pairs if pair is not None], np.float64)
    if not len(losses):
        return ()
    means = np.cumsum(losses) / np.arange(1, len(losses) + 1)
    chosen = np.unique(np.linspace(0, len(means) - 1, points).astype(int))
    return tuple(round(float(mean), 4) for mean in means[chosen])
