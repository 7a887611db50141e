"""What could answer a task, learned from the log's own answers and tried on its newest requests.

No embedding is asked which rows are alike: most tasks have no answers that could be learned, and
reading all of their texts would take longer than everything else.

The oldest four fifths of the different texts train; the rest examines, each text as often as it
was asked then. Thresholds come from held-out rows of the training part, as in `flywheel.learn`,
once for each target of quality, so that what a stricter or a laxer limit would serve is measured.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.backtest.tally import LearnRow
from shortstop.flywheel.curate.dataset import Dataset, curate
from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.examine import calibrated, ceiling
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import fingerprint
from shortstop.flywheel.learn import LEAST_EXAMPLES, LEAST_SERVED, asked_too, rows_for
from shortstop.flywheel.pairs import MatchedPair, proof_of
from shortstop.flywheel.trainer import Grade, Made, NotLearned, Recipe, Trainer
from shortstop.flywheel.verdicts import Doubt
from shortstop.specialists.opinion import NEVER, Gate, Opinion

TARGETS = (0.90, 0.95, 0.98)
"""Shares of right answers that are tried; the middle one is the forecast's."""
MARGIN, ALPHA = 0.03, 0.05
MOST_ROWS = {"composed": 250, "tools": 600}
"""Newest rows that kinds learn from which read every word: more would take minutes a task."""


class AskedAgain(NamedTuple):
    """A text of the examination: how often it was asked then, and what that cost."""

    example: Example
    times: int
    cost: float


class KindResult(Struct, frozen=True):
    """What one kind of specialist adds to cheaper ones at one target: shares of the examination's
    requests, and how many of those answers are as the log's."""

    kind: str
    target: float
    served: float
    right: float
    answers: int


class Trial(Struct, frozen=True):
    """`asked` requests of `texts` different texts examined, newest first learned from `trained`.

    `counts` and `costs` are by text; `served` holds for each target which texts are answered (1 or
    0), `right` how good those answers are. `proven`: the log alone proves that the task loses less
    than the margin; else `more` is how many more requests would, None: no number of such would.
    """

    trained: int = 0
    texts: int = 0
    asked: int = 0
    kinds: tuple[KindResult, ...] = ()
    refused: dict[str, str] = {}
    counts: tuple[int, ...] = ()
    costs: tuple[float, ...] = ()
    served: tuple[tuple[float, ...], ...] = ()
    right: tuple[tuple[float, ...], ...] = ()
    proven: bool = False
    more: int | None = None
    seconds: float = 0.0


def tried(
    rows: Sequence[LearnRow], trainers: Sequence[Trainer], grade: Grade, recipe: Recipe
) -> Trial:
    """The rows of one task, oldest first."""
    began = time.monotonic()
    examples = [row.example for row in rows]
    try:
        data = curate(examples, Frozen(), None, recipe.seed)
    except NotLearned as error:
        return Trial(refused={"all": error.message}, seconds=time.monotonic() - began)
    if len(data.whole) < LEAST_EXAMPLES or not data.train or not data.examine:
        return too_few(len(data.whole))
    asked = _examination(rows, data)
    bench = _TaskTrial(data, asked, grade, recipe)
    for trainer in trainers:
        bench.try_kind(trainer)
    return bench.result(began)


def too_few(rows: int) -> Trial:
    """Of a task that was asked too rarely."""
    return Trial(refused={"all": f"{rows} different requests, {LEAST_EXAMPLES} are needed."})


def _examination(rows: Sequence[LearnRow], data: Dataset) -> list[AskedAgain]:
    """The texts of the examination's time, in order; those that do not have the usual form are
    among them, for nobody knows the form of an answer before it is given."""
    since = min(row.at for row in data.examine)
    learned = {fingerprint(row) for row in (*data.train, *data.doubted)}
    frozen = {fingerprint(row): row for row in data.examine}
    found: dict[bytes, AskedAgain] = {}
    for row in rows:
        key = fingerprint(row.example)
        if row.example.at < since or (key in learned and key not in frozen):
            continue
        before = found.get(key) or AskedAgain(frozen.get(key, row.example), 0, 0.0)
        found[key] = before._replace(times=before.times + 1, cost=before.cost + row.cost)
    return list(found.values())


class _TaskTrial:
    """The examination of one task: kinds are tried one after the other, on what is left."""

    def __init__(
        self, data: Dataset, asked: Sequence[AskedAgain], grade: Grade, recipe: Recipe
    ) -> None:
        self._data = data
        self._asked = asked
        self._grade = grade
        self._recipe = recipe
        self._counts = np.array([one.times for one in asked], np.float64)
        shape = (len(TARGETS), len(asked))
        self._served: NDArray[np.float64] = np.zeros(shape)
        self._right: NDArray[np.float64] = np.zeros(shape)
        self._kinds: list[KindResult] = []
        self._refused: dict[str, str] = {}

    def try_kind(self, trainer: Trainer) -> None:
        try:
            made, gates, top = self._made(trainer)
        except NotLearned as error:
            self._refused[trainer.kind] = error.message
            return
        opinions = made.specialist.opine([one.example.query for one in self._asked])
        wanted = [target * top for target in TARGETS]
        sure = [self._sure(n, gate, opinions) for n, gate in enumerate(gates)]
        passed = [
            self._serves(trainer.kind, n, rows, wanted[n], opinions) for n, rows in enumerate(sure)
        ]
        if not any(passed):
            self._refused.setdefault(trainer.kind, "It is sure of hardly any new request.")

    def _made(self, trainer: Trainer) -> tuple[Made, list[Gate], float]:
        data, grade, recipe = self._data, self._grade, self._recipe
        rows = rows_for(trainer.kind, data)
        made = trainer.train(rows[-MOST_ROWS.get(trainer.kind, len(rows)) :], recipe)
        made = asked_too(made, data.doubted)
        top = ceiling(made, grade)
        gates = [calibrated(made, grade, target * top) for target in TARGETS]
        if all(least >= NEVER for gate in gates for least in gate.thresholds.values()):
            raise NotLearned("At no threshold are its answers right with enough certainty.")
        return made, gates, top

    def _sure(self, target: int, gate: Gate, opinions: Sequence[Opinion | None]) -> list[int]:
        """Of what cheaper kinds leave."""
        left = (n for n in range(len(opinions)) if not self._served[target, n])
        return [
            n
            for n in left
            if (one := opinions[n]) is not None and not one.unsure and gate.serves(one)
        ]

    def _serves(
        self, kind: str, target: int, rows: list[int], wanted: float,
        opinions: Sequence[Opinion | None],
    ) -> bool:  # fmt: skip
        """Whether the kind is worth having at this target."""
        weight = float(self._counts[rows].sum())
        share = weight / max(float(self._counts.sum()), 1.0)
        if share < LEAST_SERVED:
            return False
        answers = ((n, one.answer) for n in rows if (one := opinions[n]) is not None)
        grades = np.array([self._grade(told, self._asked[n].example) for n, told in answers])
        right = float(grades @ self._counts[rows] / weight)
        if right < wanted:
            self._refused.setdefault(kind, f"Only {right:.0%} of its answers are as the log's.")
            return False
        self._served[target, rows] = 1.0
        self._right[target, rows] = grades
        self._kinds.append(KindResult(kind, TARGETS[target], share, right, round(weight)))
        return True

    def result(self, began: float) -> Trial:
        middle = len(TARGETS) // 2
        order = sorted(range(len(self._asked)), key=lambda n: self._asked[n].example.at)
        pairs = [
            MatchedPair("", self._asked[n].example.at, 1.0 - float(self._right[middle, n]), "none")
            if self._served[middle, n]
            else None
            for n in order
        ]
        proof = proof_of(pairs, MARGIN, Doubt(0.0, ALPHA, 0))
        return Trial(
            trained=len(self._data.train),
            texts=len(self._asked),
            asked=int(self._counts.sum()),
            kinds=tuple(self._kinds),
            refused=self._refused,
            counts=tuple(one.times for one in self._asked),
            costs=tuple(one.cost for one in self._asked),
            served=tuple(tuple(row) for row in self._served.tolist()),
            right=tuple(tuple(row) for row in self._right.tolist()),
            proven=proof.proven,
            more=proof.more if proof.served else None,
            seconds=time.monotonic() - began,
        )
