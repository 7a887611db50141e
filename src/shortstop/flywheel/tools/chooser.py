"""Training a chooser of tools from recorded offers and calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortstop.flywheel.examples import Example
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.tools.chooser import FEATURES, ToolChooser, stems
from shortstop.specialists.words import Vector

FOLDS = 5
RECALL = 0.975
"""Share of the requests that no tool answers that must get no call, out of fold."""
PENALTY = 1.0


def train_chooser(
    rows: Sequence[Example], units: NDArray[np.float32], encoder: Encoder, seed: int = 0
) -> ToolChooser:
    """`units` are the embeddings of the rows' texts, shape (n, width). The cut is found on rows
    that were held out, those that call one function together."""
    whole = _fitted(rows, units, encoder)
    fold_of = np.random.default_rng(seed).permutation(len({_key(row) for row in rows})) % FOLDS
    numbers = {key: n for n, key in enumerate(dict.fromkeys(_key(row) for row in rows))}
    folds = np.array([fold_of[numbers[_key(row)]] for row in rows])
    chances = []
    for fold in range(FOLDS):
        kept = np.flatnonzero(folds != fold).tolist()
        part = _fitted([rows[i] for i in kept], units[kept], encoder)
        chances += [
            part.choose(rows[i].query, units[i]).chance
            for i in np.flatnonzero(folds == fold).tolist()
            if not rows[i].calls and rows[i].query.tools
        ]
    whole.cut = float(np.nextafter(np.quantile(chances, RECALL), 2.0)) if chances else 0.5
    return whole


def _key(row: Example) -> str:
    return row.calls[0].name if row.calls else row.query.tools[0].name if row.query.tools else ""


def _fitted(rows: Sequence[Example], units: NDArray[np.float32], encoder: Encoder) -> ToolChooser:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    offers = {t.name: stems(f"{t.name} {t.description}") for row in rows for t in row.query.tools}
    counts = Counter(stem for held in offers.values() for stem in held)
    rarity = {stem: float(np.log((1 + len(offers)) / (1 + n)) + 1) for stem, n in counts.items()}
    empty: Vector = np.zeros(len(FEATURES), np.float32)
    chooser = ToolChooser(empty, 0.0, rarity, 0.0, encoder)
    pairs, called = [], []
    for row, unit in zip(rows, units, strict=True):
        names = {call.name for call in row.calls}
        if row.query.tools:
            pairs.append(chooser.features(row.query, unit))
            called += [tool.name in names for tool in row.query.tools]
    scaler: Any = StandardScaler()
    model: Any = LogisticRegression(C=PENALTY, tol=1e-5, max_iter=500)
    model.fit(scaler.fit_transform(np.concatenate(pairs)), called)
    chooser.weights = (model.coef_[0] / scaler.scale_).astype(np.float32)
    chooser.bias = float(
        model.intercept_[0] - (model.coef_[0] * scaler.mean_ / scaler.scale_).sum()
    )
    return chooser
