"""Who was right where a specialist and the frontier differ: a judge is asked what nobody has said.

Verdicts are kept as grades of the specialist's answer. A specialist answers the same again, so what
was said of an answer of an earlier one counts for whoever gives that answer: it is not asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol

from shortstop.errors import StoreError
from shortstop.flywheel.examine import served
from shortstop.flywheel.examples import Example
from shortstop.flywheel.gather import TaskTraffic
from shortstop.flywheel.learn import Learned
from shortstop.flywheel.night.rehearsed import Rehearsed
from shortstop.flywheel.night.shelf import Shelf
from shortstop.flywheel.pairs import (
    LEAST_ON_TRIAL,
    MatchedPair,
    Proof,
    paired,
    proof_of,
    slips,
    unlike,
)
from shortstop.flywheel.trainer import Grade
from shortstop.flywheel.verdicts import BothGrades, Doubt, doubt_of

HELD_OUT = "held-out"
"""In whose name the answers are that models gave to rows held out from them; of those that a
specialist would have given to what it has learned from, with its name behind a colon."""
CHECKS = 60
"""Requests of a task whose right answer is known and that the judge is asked about in a night, to
learn how often it is wrong."""


class Dispute(NamedTuple):
    """The answer of `specialist`, which differs from that of the row's teacher."""

    row: Example
    specialist: str
    answer: str

    @property
    def told(self) -> str:
        """What the teacher answered."""
        return self.row.answer if self.row.told is None else self.row.told


class Court(Protocol):
    """A judge with its budget."""

    def hear(self, disputes: Sequence[Dispute]) -> Sequence[BothGrades | None]:
        """Grades for each, in this order, None where it could not or must not judge; fewer where
        the money or the judge has come to an end: the rest waits. Never raises."""


class Pairs(NamedTuple):
    """Pairs in order of time, beside their times. `waiting` are left out: who was right in the
    first of them, or may be, is still to be judged. `own` are the times at which the specialist
    answered by itself."""

    at: Sequence[float]
    every: Sequence[MatchedPair | None]
    waiting: int = 0
    own: Sequence[float] = ()

    def since(self, at: float) -> list[MatchedPair | None]:
        return [pair for time, pair in zip(self.at, self.every, strict=True) if time > at]

    def beside(self, at: float = 0.0) -> int:
        """Answers of its own after a time, as far as its pairs go."""
        until = self.at[-1] if self.at else 0.0
        return sum(at < one <= until for one in self.own)


class Findings(NamedTuple):
    """What is known of a task's specialists, by name, and how far a judge's word is believed.
    `rehearsed` are pairs of those who are not live yet, with what they have learned from."""

    pairs: Mapping[str, Pairs]
    doubt: Doubt
    margin: float
    rehearsed: Mapping[str, Pairs] = MappingProxyType({})

    def unseen(self, name: str) -> Proof:
        """By all that a specialist has not learned from."""
        pairs = self.pairs[name]
        return proof_of(pairs.every, self.margin, self.doubt, pairs.beside())

    def asked(self, name: str) -> Proof:
        """By that and by what it would have answered to the rest."""
        rest, pairs = self.rehearsed.get(name), self.pairs[name]
        every = [*rest.every, *pairs.every] if rest else pairs.every
        return proof_of(every, self.margin, self.doubt, pairs.beside())

    def since(self, name: str, at: float) -> Proof:
        """By what came after a time."""
        pairs, doubt = self.pairs[name], self.doubt.on_trial
        return proof_of(pairs.since(at), self.margin, doubt, pairs.beside(at), LEAST_ON_TRIAL)


@dataclass(slots=True)
class Hearing:
    """One task's disputes in one night; without a `court` only what was said before counts."""

    traffic: TaskTraffic
    shelf: Shelf
    rehearsed: Rehearsed
    grade: Grade
    court: Court | None = None
    _known: dict[tuple[str, str], BothGrades | None] = field(default_factory=dict)
    _slips: dict[tuple[str, str], float] = field(default_factory=dict)
    _checks: int = 0

    def recall(self, rows: Sequence[Example]) -> None:
        """Find the answers that judges have ruled on: specialists are asked for them again."""
        judged = self.traffic.judged
        for name in sorted({name for values in judged.values() for name in values}):
            with suppress(StoreError):
                ruled_on = [row for row in rows if name in judged.get(row.id, ())]
                self._remember(name, ruled_on, self._answered(name, ruled_on))

    def _answered(self, name: str, rows: Sequence[Example]) -> Sequence[str | None]:
        """What was answered in that name. Raises StoreError."""
        whose, rehearsed, specialist = name.partition(":")
        if whose == HELD_OUT and rehearsed:
            told = self.rehearsed.read(specialist)
            return [told.get(row.id) for row in rows]
        return _answers(self.shelf.take(name), rows)

    def _remember(self, name: str, rows: Sequence[Example], answers: Sequence[str | None]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            if answer is not None:
                self._known[row.id, answer] = self.traffic.judged[row.id][name]

    def pairs(self, learned: Learned, rows: Sequence[Example]) -> Pairs:
        """What a specialist and the frontier answered to rows in order of time, judged."""
        name = learned.manifest.name
        own = [row.at for row in self.traffic.local if row.teacher == name]
        return self._judged(name, rows, _answers(learned, rows))._replace(own=own)

    def rehearsal(self, name: str, rows: Sequence[Example]) -> Pairs:
        """The same for those of the rows that the specialist `name` has learned from."""
        told = self.rehearsed.read(name)
        known = [row for row in rows if row.id in told]
        return self._judged(f"{HELD_OUT}:{name}", known, [told[row.id] for row in known])

    def _judged(self, name: str, rows: Sequence[Example], answers: Sequence[str | None]) -> Pairs:
        end = self._heard(name, rows, answers)
        rows, answers, left = rows[:end], answers[:end], len(rows) - end
        for row, answer in zip(rows, answers, strict=True):
            for slip in slips([row], [answer], self.grade, self._ruling):
                self._slips[row.id, str(answer)] = slip
        pairs = paired(rows, answers, self.grade, self._ruling)
        return Pairs([row.at for row in rows], pairs, left)

    def evidence(
        self,
        pairs: Mapping[str, Pairs],
        rehearsed: Mapping[str, Pairs],
        margin: float,
        alpha: float,
        error: float,
    ) -> Findings:
        """With what is to be made of the judge's word: by what people have checked of it."""
        doubt = doubt_of(list(self._slips.values()), error, alpha)
        return Findings(pairs, doubt, margin, rehearsed)

    def _ruling(self, row: Example, answer: str) -> BothGrades | None:
        return self._known.get((row.id, answer))

    def _heard(self, name: str, rows: Sequence[Example], answers: Sequence[str | None]) -> int:
        """Ask for what nobody has ruled on; the number of the first row that has to wait."""
        if self.court is None:
            return len(rows)
        places: list[int] = []
        disputes: list[Dispute] = []
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            if answer is not None and self._open(row, answer):
                places.append(number)
                disputes.append(Dispute(row, name, answer))
        said = self.court.hear(disputes)
        for dispute, grades in zip(disputes, said, strict=False):
            self._known[dispute.row.id, dispute.answer] = grades
        unheard = [
            place
            for place, dispute in zip(places[len(said) :], disputes[len(said) :], strict=True)
            if not dispute.row.gold
        ]
        return min(unheard, default=len(rows))

    def _open(self, row: Example, answer: str) -> bool:
        if (row.id, answer) in self._known or unlike(row, answer, self.grade) <= 0.0:
            return False
        if not row.gold:
            return True
        self._checks += 1
        return self._checks <= CHECKS


def failed(learned: Learned, anchors: Sequence[Example], grade: Grade) -> str | None:
    """The id of the first of the anchors that a specialist would answer wrongly."""
    for anchor, answer in zip(anchors, _answers(learned, anchors), strict=True):
        if answer is not None and grade(answer, anchor) < 1.0:
            return anchor.id
    return None


def _answers(learned: Learned, rows: Sequence[Example]) -> Sequence[str | None]:
    return served(learned.specialist, learned.manifest.gate, rows)
