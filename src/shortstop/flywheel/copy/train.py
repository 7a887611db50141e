"""Training an extractor from recorded texts and flat JSON answers, and its out-of-fold opinions."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shortstop.flywheel.copy.align import COPYABLE, AlignedField, align_field, tags
from shortstop.specialists.copy.extractor import CopyExtractor, Scalar
from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.tagger import FieldOpinion, FieldTagger, sequence
from shortstop.specialists.copy.tokens import features, tokens

FOLDS = 4
REPEATS = 0.3
"""Share of a field's values that must have been met before for it to tell known from new."""
SNAPS = (0.92, 2.0)
"""Likenesses from which a new value becomes a known one; 2: never."""

Answer = Mapping[str, str | int | float]
Progress = Callable[[int, int], None]


class NotCopyable(Exception):
    """The fields, by name, whose values do not stand in the texts often enough, with the share."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        super().__init__(", ".join(f"{name}: {share:.0%}" for name, share in shares.items()))
        self.shares = dict(shares)


class HeldOutFields(NamedTuple):
    """What the extractor says about texts that it has not learned from: fields by row."""

    fields: list[dict[str, FieldOpinion | None]]


class _Corpus:
    """Texts with their features, and each field's places."""

    def __init__(self, texts: Sequence[str], answers: Sequence[Answer]) -> None:
        self.texts = list(texts)
        self.names = list(answers[0])
        self.kinds: dict[str, Scalar] = {
            name: "text" if any(isinstance(a[name], str) for a in answers) else "number"
            for name in self.names
        }
        self.values = {name: [str(answer[name]) for answer in answers] for name in self.names}
        self.fields: dict[str, AlignedField] = {
            name: align_field(self.texts, self.values[name]) for name in self.names
        }
        poor = {n: f.share for n, f in self.fields.items() if f.share < COPYABLE}
        if poor:
            raise NotCopyable(poor)
        self.found = [tokens(text) for text in self.texts]
        self.seen = [sequence(features(found)) for found in self.found]


def train_copy(
    texts: Sequence[str],
    answers: Sequence[Answer],
    *,
    seed: int = 0,
    progress: Progress = lambda done, of: None,
) -> tuple[CopyExtractor, HeldOutFields]:
    """`answers` are flat and have the same fields. Raises NotCopyable."""
    corpus = _Corpus(texts, answers)
    folds = np.random.default_rng(seed).permutation(len(corpus.texts)) % FOLDS
    read: list[dict[str, FieldOpinion | None]] = [{} for _ in corpus.texts]
    for fold in range(FOLDS):
        held = [i for i in range(len(read)) if folds[i] == fold]
        taggers = _taggers(corpus, [i for i in range(len(read)) if folds[i] != fold])
        for i in held:
            read[i] = {
                name: tagger.opine(corpus.texts[i], corpus.found[i], corpus.seen[i])
                for name, tagger in taggers.items()
            }
        progress(fold + 1, FOLDS + 1)
    taggers = _taggers(corpus, range(len(corpus.texts)))
    progress(FOLDS + 1, FOLDS + 1)
    return CopyExtractor(taggers, corpus.kinds, key_field(corpus.values)), HeldOutFields(read)


def key_field(values: Mapping[str, Sequence[str]]) -> str | None:
    """The field whose values repeat most, such as the vendor of an invoice: a new one is a new
    layout. None where none repeats enough; figures and dates repeat by chance, and do not count."""
    shares = {}
    for name, all_values in values.items():
        keys = [loose(value)[0] for value in all_values]
        wordy = sum(any(c.isalpha() for c in key) for key in keys) > 0.9 * len(keys)
        counts = Counter(keys)
        if wordy and len(counts) > 1:
            shares[name] = sum(n for n in counts.values() if n > 1) / len(keys)
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] >= REPEATS else None


def _taggers(corpus: _Corpus, rows: Sequence[int] | range) -> dict[str, FieldTagger]:
    return {name: _tagger(corpus, name, rows) for name in corpus.names}


def _tagger(corpus: _Corpus, name: str, rows: Sequence[int] | range) -> FieldTagger:
    import pycrfsuite

    field = corpus.fields[name]
    trainer: Any = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(
        {
            "c1": 0.0,
            "c2": 0.05,
            "max_iterations": 50,
            "feature.minfreq": 2,
            "feature.possible_transitions": True,
        }
    )
    for i in rows:
        place = field.places[i]
        if place is not None:
            trainer.append(corpus.seen[i], tags(len(corpus.found[i]), place))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model"
        trainer.train(str(file))
        model = file.read_bytes()
    memory = {loose(corpus.values[name][i])[0]: corpus.values[name][i] for i in rows}
    return FieldTagger(model, field.form, memory)
