"""How good a specialist is on rows that it has not learned from, and what it may serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shortstop.flywheel.appeal import NOBODY, Case, Claim, Umpire, heard, settled
from shortstop.flywheel.examples import Example
from shortstop.flywheel.novelty import similarity_floor
from shortstop.flywheel.thresholds import FEW_SUREST, attainable, surest, threshold
from shortstop.flywheel.trainer import Grade, Made
from shortstop.flywheel.wordings import least_similarity
from shortstop.specialists.json_object import completed
from shortstop.specialists.opinion import Gate, Opinion, Specialist


class Examined(NamedTuple):
    """Of the examination's rows: how many, the share served, how good those were on average, and
    the share of which but some fields were served (as good as the rest was right)."""

    rows: int
    served: float
    right: float
    partly: float = 0.0


def ceiling(made: Made, grade: Grade) -> float:
    """How often answers can agree with the teacher at best, in (0, 1]: below 1 where its slips
    show."""
    told = [(row, one) for row, one in made.held_out if one is not None]
    if not made.closed or not told:
        return 1.0
    right = [grade(finished(one, row), row) >= 1.0 for row, one in told]
    return attainable([one.confidence for _, one in told], right)


def tells_slips(made: Made) -> bool:
    """Whether there are answers enough to see how often the teacher slips. Else a judge has to say
    who is right."""
    return surest(sum(one is not None for _, one in made.held_out)) >= FEW_SUREST


def calibrated(made: Made, grade: Grade, target: float, umpire: Umpire = NOBODY) -> Gate:
    """Thresholds by stratum, and the novelty guard's. The `umpire` is asked who is right where an
    opinion differs from the teacher."""
    gate = Gate(_thresholds(made, grade, target, umpire))
    sure = [(row, one) for row, one in made.unseen if one is not None and gate.serves(one)]
    right = heard([case_of(one, row, grade) for row, one in sure], umpire)
    similarity = [one.similarity for _, one in sure]
    known = [
        one.similarity
        for row, one in made.held_out
        if one is not None and gate.serves(one) and grade(finished(one, row), row) >= 1.0
    ]
    new = [one.similarity for _, one in made.new if one is not None and gate.serves(one)]
    floor = similarity_floor(known, new, len(made.new)) if made.new or made.blind else 0.0
    return Gate(gate.thresholds, max(floor, least_similarity(similarity, right, target)))


def _thresholds(made: Made, grade: Grade, target: float, umpire: Umpire) -> dict[str, float]:
    by_stratum: dict[str, tuple[list[float], list[Case]]] = {}
    new = {id(opinion) for _, opinion in made.new}
    for row, opinion in made.held_out:
        if opinion is not None:
            confidence, cases = by_stratum.setdefault(opinion.stratum, ([], []))
            confidence.append(opinion.confidence)
            cases.append(None if id(opinion) in new else case_of(opinion, row, grade))
    return {
        name: threshold(confidence, settled(confidence, cases, target, umpire), target)
        for name, (confidence, cases) in by_stratum.items()
    }


def case_of(opinion: Opinion, row: Example, grade: Grade) -> Case:
    """What must hold for an opinion to be right."""
    answer = finished(opinion, row)
    return () if grade(answer, row) >= 1.0 else (Claim(row, answer),)


def finished(opinion: Opinion, row: Example) -> str:
    """The answer with its unsure fields as the row has them."""
    if not opinion.unsure:
        return opinion.answer
    return completed(opinion.answer, opinion.unsure, row.answer) or opinion.answer


def sure(specialist: Specialist, gate: Gate, rows: Sequence[Example]) -> list[Opinion | None]:
    """Its opinion about each row; None where it escalates."""
    opinions = specialist.opine([row.query for row in rows])
    return [one if one is not None and gate.serves(one) else None for one in opinions]


def served(specialist: Specialist, gate: Gate, rows: Sequence[Example]) -> list[str | None]:
    """What a client gets for each row with its help: where it escalates single fields, these are as
    the row has them. None where it escalates the whole."""
    opinions = sure(specialist, gate, rows)
    return [
        None if one is None else finished(one, row) for row, one in zip(rows, opinions, strict=True)
    ]


def examine(
    specialist: Specialist,
    gate: Gate,
    rows: Sequence[Example],
    grade: Grade,
    umpire: Umpire = NOBODY,
) -> Examined:
    """On rows that neither training nor calibration has seen."""
    pairs = zip(rows, sure(specialist, gate, rows), strict=True)
    answered = [(row, one) for row, one in pairs if one is not None]
    told = [grade(finished(one, row), row) for row, one in answered]
    ruled = heard([case_of(one, row, grade) for row, one in answered], umpire)
    grades = [max(pair) for pair in zip(told, ruled, strict=True)]
    partly = sum(bool(one.unsure) for _, one in answered)
    n = max(len(rows), 1)
    return Examined(
        len(rows), (len(answered) - partly) / n, sum(grades) / max(len(grades), 1), partly / n
    )
