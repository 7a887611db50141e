"""Learning one field of a JSON answer: the kinds that could, and the cheapest that does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.composed.corpus import Corpus
from shortstop.flywheel.copy.learner import CopyLearner, NotCopied
from shortstop.flywheel.head.train import plain_head
from shortstop.specialists.composed.field import (
    ConstantField,
    FieldOpinion,
    FieldReader,
    LabelField,
    spelling,
)
from shortstop.specialists.copy.field import CopyField
from shortstop.specialists.copy.forms import loose

CONSTANT = 0.98
"""Share of the answers with one value from which on it is taken for the field's only one."""
CLOSED = 0.9
"""Share of the values that must be given more than once for them to be labels."""
MOST_LABELS = 0.2
"""Labels for a row."""
LABEL_CHARACTERS = 60
CLEARLY = 0.01
"""Share of the rows that a later kind must be right in more to be taken."""
SLOPES = (0.0, 0.25, 0.5, 1.0)
"""Prices of unlikeness that are tried out of fold (`KnownValues.slope`)."""
MENDS = 0.005
"""Share of the rows that mending must put right."""

Fit = Callable[[Sequence[int]], FieldReader | None]
"""Learns a field from some rows of the corpus; None where these do not show it."""


class Column(NamedTuple):
    """A field's way to be learned, and its opinions out of fold with whether they were right; `fit`
    None: no way was found, for the reason `why`."""

    fit: Fit | None
    held: list[FieldOpinion | None]
    why: str = ""


def learn_column(corpus: Corpus, name: str, folds: NDArray[np.int64]) -> Column:
    """By the first kind that is not clearly worse out of fold than a later one. What can be copied
    is not taken for a label: of a value that was never met, labels know nothing."""
    values = corpus.values[name]
    best, most, whys = Column(None, [None] * len(corpus)), 0.0, []
    for kind in (_constant, _copy, _label):
        column = kind(corpus, name, folds)
        if column.fit is None:
            whys.append(column.why)
            continue
        good = sum(right(one, value) for one, value in zip(column.held, values, strict=True))
        if good > most + CLEARLY * len(corpus):
            best, most = column, good
        if best.fit is not None and most >= (1 - CLEARLY) * len(corpus):
            break
    return best if best.fit is not None else best._replace(why="; ".join(filter(None, whys)))


def right(opinion: FieldOpinion | None, value: Any) -> bool:
    """Whether it says so, blanks, marks and case aside."""
    return opinion is not None and _plain(opinion.value) == _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return loose(value)[0] or value.strip()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def held_out(corpus: Corpus, fit: Fit, folds: NDArray[np.int64]) -> list[FieldOpinion | None]:
    """What the field says about rows that it has not learned from."""
    out: list[FieldOpinion | None] = [None] * len(corpus)
    for fold in np.unique(folds).tolist():
        field = fit(np.flatnonzero(folds != fold).tolist())
        if field is not None:
            for row in np.flatnonzero(folds == fold).tolist():
                out[row] = field.read(corpus.pages[row])
    return out


def _constant(corpus: Corpus, name: str, folds: NDArray[np.int64]) -> Column:
    spelled = [spelling(value) for value in corpus.values[name]]

    def fit(rows: Sequence[int]) -> FieldReader | None:
        (usual, count), *_ = Counter(spelled[row] for row in rows).most_common(1)
        return ConstantField(usual, count / len(rows)) if count >= CONSTANT * len(rows) else None

    if fit(range(len(corpus))) is None:
        return Column(None, [])
    return Column(fit, held_out(corpus, fit, folds))


def _label(corpus: Corpus, name: str, folds: NDArray[np.int64]) -> Column:
    spelled = [spelling(value) for value in corpus.values[name]]
    counts = Counter(spelled)
    closed = sum(n for one, n in counts.items() if n > 1 and len(one) <= LABEL_CHARACTERS)
    if closed < CLOSED * len(spelled) or not 1 < len(counts) <= MOST_LABELS * len(spelled):
        return Column(None, [], "its values are too many to be labels")
    if corpus.encoder is None:
        return Column(None, [], "its values are labels; the sentence encoder is not installed")

    def fit(rows: Sequence[int]) -> FieldReader | None:
        kept = [row for row in rows if counts[spelled[row]] > 1]
        if len({spelled[row] for row in kept}) < 2:
            return None
        texts = [corpus.pages[row].text for row in kept]
        return LabelField(plain_head(texts, [spelled[r] for r in kept], corpus.units[kept]))

    return Column(fit, held_out(corpus, fit, folds))


def _copy(corpus: Corpus, name: str, folds: NDArray[np.int64]) -> Column:
    values = corpus.values[name]
    try:
        learner = CopyLearner(name, corpus.pages, values)
    except NotCopied as error:
        return Column(None, [], str(error))
    read: list[Any] = [None] * len(corpus)
    for fold in np.unique(folds).tolist():
        field = learner.fit(np.flatnonzero(folds != fold).tolist())
        for row in np.flatnonzero(folds == fold).tolist():
            read[row] = field, field.candidates(corpus.pages[row])
    slope, trust = _mending(read, values)
    held = [field.mending(slope, trust).decide(found) for field, found in read]
    return Column(lambda rows: learner.fit(rows).mending(slope, trust), held)


def _mending(read: Sequence[tuple[CopyField, Any]], values: Sequence[Any]) -> tuple[float, float]:
    """The price of unlikeness that puts most right, and how often what it mends is right."""
    plain = [field.decide(found) for field, found in read]
    best, most = (0.0, 1.0), -1.0
    for slope in SLOPES if read[0][0].rules.memory.values else SLOPES[:1]:
        held = [field.mending(slope).decide(found) for field, found in read]
        good = sum(right(one, value) for one, value in zip(held, values, strict=True))
        if good > most + (MENDS * len(values) if slope else 0):
            mended = [
                right(one, value)
                for one, was, value in zip(held, plain, values, strict=True)
                if one and was and one.value != was.value
            ]
            best, most = (slope, (sum(mended) + 1) / (len(mended) + 2)), good
    return best
