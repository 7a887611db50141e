"""Tool specialists for tasks whose answers are calls of tools."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.examples import Example
from shortstop.flywheel.tools.train import TaggedCorpus, corpus, trained
from shortstop.flywheel.trainer import HeldOut, Made, NotLearned, Recipe
from shortstop.flywheel.wordings import group_folds, groups
from shortstop.specialists.opinion import Opinion
from shortstop.specialists.tools.files import TOOLS, dump_tools

FOLDS = 4
LEAST_CALLS = 0.2
"""Share of the answers that must be calls."""
MOST_ROWS = 4000
"""The newest are learned from."""


class ToolTrainer:
    """Opinions are held out in three ways: by chance, by wording and by value, so that each stratum
    (wording known or new, value known or new) has a threshold of its own."""

    kind = TOOLS.name

    def train(self, rows: Sequence[Example], recipe: Recipe) -> Made:
        """Raises NotLearned."""
        called = sum(bool(row.calls) for row in rows)
        if called < LEAST_CALLS * max(len(rows), 1) or not called:
            raise NotLearned("Its answers are no calls of tools.")
        if recipe.encoder is None:
            raise NotLearned("Its answers are calls; the sentence encoder is not installed.")
        known = corpus(rows[-MOST_ROWS:], recipe.encoder)
        if not known.tools:
            raise NotLearned(
                "No tool was called often enough with arguments that stand in its requests."
            )
        if not any(row.slots for row in known.rows):
            raise NotLearned("Its calls have no arguments that stand in its requests.")
        specialist = trained(known, known.rows)
        return Made(dump_tools(specialist), specialist, _held_out(known, recipe.seed))


def _held_out(known: TaggedCorpus, seed: int) -> HeldOut:
    """One opinion for each row and stratum: where two ways agree on the stratum, the harder one."""
    rows = known.rows
    wording = groups([row.wording for row in rows])
    ways = (
        np.random.default_rng(seed).permutation(len(rows)) % FOLDS,
        group_folds(_by_value(known), FOLDS, seed),
        group_folds(wording, FOLDS, seed),
    )
    found: dict[tuple[str, str], tuple[Example, Opinion | None]] = {}
    for way in ways:
        for row, opinion in zip(rows, _opinions(known, way), strict=True):
            if opinion is not None:
                found[row.example.id, opinion.stratum] = (row.example, opinion)
    return list(found.values())


def _opinions(known: TaggedCorpus, fold_of: NDArray[np.int64]) -> list[Opinion | None]:
    out: list[Opinion | None] = [None] * len(known.rows)
    for fold in range(FOLDS):
        held = np.flatnonzero(fold_of == fold).tolist()
        kept = [known.rows[i] for i in np.flatnonzero(fold_of != fold).tolist()]
        if not held or not any(row.slots for row in kept):
            continue
        specialist = trained(known, kept)
        for i in held:
            row = known.rows[i]
            chosen = specialist.head.choose(row.example.query.text, row.unit)
            out[i] = specialist.judge(row.example.query, chosen)
    return out


def _by_value(known: TaggedCorpus) -> NDArray[np.int64]:
    """Rows with the same recurring value are of one group, shape (n,)."""
    recurring = {
        argument.label
        for tool in known.tools.values()
        for argument in tool.arguments.values()
        if argument.known
    }
    numbers: dict[str, int] = {}
    out = []
    for row in known.rows:
        text = row.example.query.text
        spans = [text[s.start : s.end].lower() for s in row.slots or () if s.name in recurring]
        key = spans[0] if spans else f"\0{len(numbers)}"
        out.append(numbers.setdefault(key, len(numbers)))
    return np.array(out, np.int64)
