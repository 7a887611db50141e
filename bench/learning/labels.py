"""Label heads: Banking77 and CLINC150 learned from traces of a teacher that errs.

Seeds draw the traces and the teacher's errors; the test rows are always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.learning.encoding import KeptEncoder
from bench.learning.figures import Bars, Figure, share
from bench.learning.rows import Row, examples, read, unseen
from bench.learning.teacher import RIGHT, Teacher
from shortstop.flywheel.curate.doubt import doubted
from shortstop.flywheel.examine import calibrated, ceiling
from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.trainer import HeadTrainer
from shortstop.flywheel.trainer import Made, Recipe
from shortstop.specialists.opinion import Gate, Opinion
from shortstop.specialists.query import Query

TARGET = 0.95
BELOW_TEACHER = 0.02
"""What is promoted beside the teacher may be right so much less often."""
BANKING, CLINC, OUT = "intent_banking77", "intent_clinc150", "oos"


class Head(NamedTuple):
    """What was made, and the gate for a target."""

    made: Made
    gate: Gate


def exact(answer: str, row: Example) -> float:
    return float(answer == row.answer)


def learned(rows: Sequence[Example], encoder: KeptEncoder, target: float, seed: int) -> Head:
    """As a night does it: doubted answers do not train, and count against thresholds."""
    against = doubted(rows, encoder, seed)
    recipe = Recipe(target, encoder, 0.0, seed)
    made = HeadTrainer().train([r for n, r in enumerate(rows) if n not in against], recipe)
    odd = [rows[number] for number in sorted(against)]
    told = opinions(made, [row.query.text for row in odd])
    made = made._replace(held_out=[*made.held_out, *zip(odd, told, strict=True)])
    return Head(made, calibrated(made, exact, target * ceiling(made, exact)))


def opinions(made: Made, texts: Sequence[str]) -> list[Opinion]:
    out = []
    for start in range(0, len(texts), 1_000):
        told = made.specialist.opine([Query(text) for text in texts[start : start + 1_000]])
        out += [one if one is not None else Opinion("", 0.0, 0.0) for one in told]
    return out


def banking(data: Path, encoder: KeptEncoder, seeds: Sequence[int]) -> list[Figure]:
    rows = read(data, BANKING)
    train = [row for row in rows if row["split"] == "train"]
    test = unseen((row for row in rows if row["split"] == "test"), train)
    if not train:
        return []
    taught = Traces(train, encoder)
    right: list[tuple[float, int]] = []
    served: list[list[tuple[float, int]]] = [[], [], [], []]
    for seed in seeds:
        head = learned(taught.drawn(4_000, seed), encoder, TARGET, seed)
        told = opinions(head.made, [row["text"] for row in test])
        right.append((sum(hits(told, test)), len(test)))
        _count(served[:2], head, told, test)
        few = taught.drawn(1_000, seed)
        promoted = learned(few, encoder, RIGHT - BELOW_TEACHER, seed)
        _count(served[2:], promoted, opinions(promoted.made, [r["text"] for r in test]), test)
    name = f"{BANKING}, teacher {RIGHT:.0%}"
    return [
        share(name, "4,000 traces: accuracy", right, Bars(0.88, 0.92)),
        share(name, "4,000 traces: served", served[0], Bars(0.70, 0.88)),
        share(name, "  of these right against gold", served[1], Bars(0.95, 0.95)),
        share(name, "1,000 traces: promoted", served[2], Bars(0.60, 0.73)),
        share(name, "  of these right against gold", served[3], Bars(RIGHT - BELOW_TEACHER)),
    ]


class Traces:
    """Train rows as a teacher would have answered them; `in_scope` alone errs."""

    def __init__(self, train: Sequence[Row], encoder: KeptEncoder, out: str = "") -> None:
        self._train = list(train)
        scope = [row for row in train if row["label"] != out]
        units = encoder.encode([row["text"] for row in scope])
        self._teacher = Teacher([row["label"] for row in scope], units)
        self._out = out

    def drawn(self, n: int, seed: int) -> list[Example]:
        """`n` of the rows in some order."""
        order = np.random.default_rng(seed).permutation(len(self._train))[:n]
        rows = [self._train[i] for i in order]
        told = iter(
            self._teacher.labels([r["label"] for r in rows if r["label"] != self._out], seed)
        )
        answers = [next(told) if row["label"] != self._out else self._out for row in rows]
        return examples([row["text"] for row in rows], answers)


def hits(told: Sequence[Opinion], rows: Sequence[Row]) -> list[bool]:
    return [one.answer == row["label"] for one, row in zip(told, rows, strict=True)]


def _count(
    counts: Sequence[list[tuple[float, int]]],
    head: Head,
    told: Sequence[Opinion],
    rows: Sequence[Row],
) -> None:
    """Served of all, and right of served."""
    sure = [head.gate.serves(one) for one in told]
    good = [right for right, serve in zip(hits(told, rows), sure, strict=True) if serve]
    counts[0].append((len(good), len(rows)))
    counts[1].append((sum(good), len(good)))


def clinc(data: Path, encoder: KeptEncoder, seeds: Sequence[int]) -> list[Figure]:
    rows = read(data, CLINC)
    train = [row for row in rows if row["split"] == "train"]
    test = unseen((row for row in rows if row["split"] == "test"), train)
    if not train:
        return []
    taught = Traces(train, encoder, OUT)
    inside: list[tuple[float, int]] = []
    areas, outside, false_in = [], [], []
    served: list[list[tuple[float, int]]] = [[], []]
    for seed in seeds:
        head = learned(taught.drawn(len(train), seed), encoder, TARGET, seed)
        told = opinions(head.made, [row["text"] for row in test])
        known = np.array([row["label"] != OUT for row in test])
        right = np.array(hits(told, test))
        sure = np.array([head.gate.serves(one) for one in told])
        inside.append((int(right[known].sum()), int(known.sum())))
        score = np.array([one.similarity if one.answer != OUT else -1.0 for one in told])
        areas.append(area(score, known))
        guessed = np.array([one.answer != OUT for one in told]) & sure & ~known
        outside.append((int(guessed.sum()), int((~known).sum())))
        false_in.append((int((sure & ~known & ~guessed).sum()), int((~known).sum())))
        _count(served, head, told, test)
    name = f"{CLINC}, teacher {RIGHT:.0%}"
    return [
        share(name, "in scope: accuracy", inside, Bars(0.94, 0.96)),
        share(
            name, "out of scope: AUC", [(round(a * 1e4), 10_000) for a in areas], Bars(0.96, 0.98)
        ),
        share(name, "of all traffic: served", served[0], Bars(0.70, 0.80)),
        share(name, "  of these right against gold", served[1], Bars(0.95, 0.95)),
        share(name, "out of scope: answered by a guess", outside),
        share(name, "out of scope: answered as such", false_in),
    ]


def area(score: np.ndarray, good: np.ndarray) -> float:
    """Under the curve: how often a good row has the larger score."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(good, score))


def run(data: Path, seeds: Sequence[int]) -> list[Figure]:
    encoder = KeptEncoder()
    try:
        return [*banking(data, encoder, seeds), *clinc(data, encoder, seeds)]
    finally:
        encoder.save()
