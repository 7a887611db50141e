"""Whether held-out answers are right where they differ from a teacher that errs.

Thresholds count how often a model's answers to rows that it has not learned from are right. By the
teacher's word alone, one that is wrong in 7 % keeps every other model below 95 %, however good it
is. So a judge is asked, first about the surest answers, and only while its word could still decide
where the threshold lies: who is sure and wrong is found out at once, and what would not be served
anyway costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple, Protocol

from shortstop.flywheel.examples import Example
from shortstop.flywheel.thresholds import threshold

AT_ONCE = 24
"""Claims that are ruled on between two looks at where the threshold may lie."""


class Claim(NamedTuple):
    """That `answer` is right, not the other one that the row's teacher gave."""

    row: Example
    answer: str


class Umpire(Protocol):
    """Rules on claims, and remembers."""

    @property
    def most(self) -> float:
        """What a claim is worth at best, in [0, 1]: a judge errs."""

    def worth(self, claim: Claim) -> float | None:
        """How far it is to be taken for right, in [0, 1]; None where nobody has ruled yet."""

    def rule(self, claims: Sequence[Claim]) -> bool:
        """Rule on these; False where nobody rules any more. Never raises."""


class NoUmpire:
    """The teacher is right."""

    most = 0.0

    def worth(self, claim: Claim) -> float | None:
        return 0.0

    def rule(self, claims: Sequence[Claim]) -> bool:
        return False


NOBODY = NoUmpire()
Case = Sequence[Claim] | None
"""The claims that must all hold for an answer to be right; none where it is the teacher's. None:
it is wrong, whoever rules."""


def settled(
    confidence: Sequence[float], cases: Sequence[Case], target: float, umpire: Umpire
) -> list[float]:
    """How far each answer is to be taken for right, in [0, 1], after asking what has to be known
    for a threshold of `confidence` at the `target`."""
    order = sorted(range(len(cases)), key=lambda i: -confidence[i])
    while True:
        cut = threshold(confidence, [_worth(case, umpire, umpire.most) for case in cases], target)
        sure = (i for i in order if confidence[i] >= cut)
        batch = list(_open((cases[i] for i in sure), umpire))
        if not batch or not umpire.rule(batch):
            return [worth(case, umpire) for case in cases]


def heard(cases: Sequence[Case], umpire: Umpire) -> list[float]:
    """The same where all of it counts."""
    while (batch := list(_open(cases, umpire))) and umpire.rule(batch):
        pass
    return [worth(case, umpire) for case in cases]


def worth(case: Case, umpire: Umpire) -> float:
    """By what was ruled on; the rest counts for nothing."""
    return _worth(case, umpire, 0.0)


def _worth(case: Case, umpire: Umpire, unknown: float) -> float:
    """A person's answer needs no judge."""
    if case is None:
        return 0.0
    known = (0.0 if claim.row.gold else umpire.worth(claim) for claim in case)
    return prod(unknown if one is None else one for one in known)


def _open(cases: Iterator[Case] | Sequence[Case], umpire: Umpire) -> Iterator[Claim]:
    """The first that nobody has ruled on; of a case that is lost, none."""
    found: dict[tuple[str, str], Claim] = {}
    for case in cases:
        if case is None or _worth(case, umpire, 1.0) <= 0.0:
            continue
        for claim in case:
            if umpire.worth(claim) is None:
                found.setdefault((claim.row.id, claim.answer), claim)
        if len(found) >= AT_ONCE:
            break
    yield from list(found.values())[:AT_ONCE]
