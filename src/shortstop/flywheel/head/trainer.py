"""Label heads for tasks whose answers are few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.catch_all import catch_all_labels
from shortstop.flywheel.head.train import HeldOutLabels, train_head
from shortstop.flywheel.shapes import closed_answers
from shortstop.flywheel.trainer import Made, NotLearned, Recipe
from shortstop.specialists.head.files import LABEL_HEAD, dump_head
from shortstop.specialists.head.label_head import HeadSpecialist, LabelHead
from shortstop.specialists.opinion import Opinion

MOST_ROWS = 12_000
"""Drawn from a longer history, corrections by people first: two minutes of one core."""


class HeadTrainer:
    """Labels that were given once are not learned: nothing could be held out."""

    kind = LABEL_HEAD.name

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        kept = drawn(rows, MOST_ROWS, recipe.seed)
        answers = closed_answers([row.answer for row in kept])
        if answers is None:
            raise NotLearned("Its answers are no labels.")
        if recipe.encoder is None:
            raise NotLearned("Its answers are labels; the sentence encoder is not installed.")
        counts = Counter(answers)
        pairs = [(r, a) for r, a in zip(kept, answers, strict=True) if a and counts[a] > 1]
        if len({answer for _, answer in pairs}) < 2:
            raise NotLearned("It has a single answer.")
        texts = [row.query.whole for row, _ in pairs]
        labels = [answer or "" for _, answer in pairs]
        units = recipe.encoder.encode(texts)
        made = train_head(texts, labels, units, recipe.target, recipe.seed)
        head = catch_all_labels(made.head)
        told = [row for row, _ in pairs]
        known, new = held_out(told, head, made.held), held_out(told, head, made.new)
        specialist = HeadSpecialist(head, recipe.encoder)
        opinions = [*known, *new]
        return Made(dump_head(head), specialist, opinions, new=new, closed=True, blind=not new)


def drawn(rows: Sequence[Example], most: int, seed: int) -> list[Example]:
    """At most so many of the rows, people's answers before others, in their order."""
    if len(rows) <= most:
        return list(rows)
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    chosen = sorted(order, key=lambda i: not rows[i].gold)[:most]
    return [rows[i] for i in sorted(chosen)]


def held_out(
    rows: Sequence[Example], head: LabelHead, held: HeldOutLabels
) -> list[tuple[Example, Opinion]]:
    columns = (held.rows, held.labels, held.confidence, held.similarity)
    return [
        (rows[row], head.opinion(label, sure, similarity))
        for row, label, sure, similarity in zip(*(c.tolist() for c in columns), strict=True)
    ]
