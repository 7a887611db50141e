"""A specialist beside the frontier on requests that it has not learned from, and what that proves.

A specialist is deterministic: what it would have answered to a request that the frontier answered
is found out by asking it afterwards. So every recorded answer of the frontier is a pair, for free.

What is proven is what the contract promises: the mean over the task's traffic. A request that it
escalates is the frontier's and loses nothing, and is as much a part of that mean as one that it
answers. Who answers a fifth of a task may lose five times as much on these, by this proof alone: so
a number of its answers must have been compared as well, how good they are is what thresholds are
found by, and who loses too much on them is taken back.
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


LEAST_COMPARED = 50
"""Answers of a specialist that are compared before it is proven, however rare they are among its
task's requests."""
LEAST_ON_TRIAL = 20
"""The same of a trial."""


class Proof(NamedTuple):
    """What pairs say about a candidate: `asked` requests, of which it was sure of `served`, at
    `least` as many as are wanted where it is proven; the mean `loss` on these, and `log_e`, the
    evidence in nats against "its task loses the margin or more", after what a judge's verdicts may
    be too kind. `more` requests like these would prove it at the wanted level: None where none
    would."""

    asked: int
    served: int
    loss: float
    log_e: float
    needed: float
    more: int | None
    judged: Mapping[str, int]
    least: int = LEAST_COMPARED

    @property
    def proven(self) -> bool:
        return self.log_e >= self.needed and self.served >= self.least

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


def proof_of(
    pairs: Sequence[MatchedPair | None],
    margin: float,
    doubt: Doubt,
    beside: int = 0,
    least: int = LEAST_COMPARED,
) -> Proof:
    """Pairs in order of time, whichever were looked at before: the proof holds at any time. `doubt`
    is about the judge's verdicts among them; `beside` are requests that the candidate answered
    itself in this time, and nobody else."""
    served = [pair for pair in pairs if pair is not None]
    losses = np.array([pair.loss for pair in served], np.float64)
    feared = np.array([_feared(pair, doubt) for pair in fair(pairs, beside)], np.float64)
    log_e, needed = log_e_value(feared, margin, 1.0 + doubt.bias), -log(doubt.alpha)
    more = _more(feared, margin, needed - log_e)
    if more is not None and len(served) < least:
        more = max(more, ceil((least - len(served)) * len(pairs) / max(len(served), 1)))
    return Proof(
        len(pairs),
        len(served),
        float(losses.mean()) if len(losses) else 0.0,
        log_e,
        needed,
        more,
        Counter(pair.by for pair in served if pair.by),
        least,
    )


def fair(pairs: Sequence[MatchedPair | None], beside: int) -> list[MatchedPair | None]:
    """A fair sample of the traffic: what a candidate answered itself is missing among its pairs, so
    as large a share of what it escalated is left out, evenly."""
    served = sum(pair is not None for pair in pairs)
    kept = served / (served + beside) if beside else 1.0
    out, escalated = [], 0
    for pair in pairs:
        escalated += pair is None
        if pair is not None or int(escalated * kept) > int((escalated - 1) * kept):
            out.append(pair)
    return out


def _feared(pair: MatchedPair | None, doubt: Doubt) -> float:
    if pair is None:
        return 0.0
    return pair.loss + doubt.bias * (pair.by == "judge")


def _more(losses: np.ndarray, margin: float, lacking: float) -> int | None:
    """Requests that add the `lacking` evidence, in nats, if they are like those that there are."""
    if lacking <= 0:
        return 0
    mean = float(losses.mean()) if len(losses) else 0.0
    second = float((losses * losses).mean()) if len(losses) else 0.0
    wanted = labels_for_proof(mean, second, margin, exp(-lacking))
    return None if wanted == float("inf") else max(1, ceil(wanted))


def running_losses(pairs: Sequence[MatchedPair | None], points: int = 120) -> tuple[float, ...]:
    """The mean loss of the task after ever more requests, at most so many values; none where it
    answers nothing."""
    losses = np.array([0.0 if pair is None else pair.loss for pair in pairs], np.float64)
    if all(pair is None for pair in pairs):
        return ()
    means = np.cumsum(losses) / np.arange(1, len(losses) + 1)
    chosen = np.unique(np.linspace(0, len(means) - 1, points).astype(int))
    return tuple(round(float(mean), 4) for mean in means[chosen])
