"""A simulated teacher: right most of the time, else wrong in the direction of what is alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortstop.specialists.encoder import Matrix

RIGHT = 0.93
NEIGHBOURS = 5


class Teacher:
    """Errs into one of the five classes whose mean embeddings are nearest."""

    def __init__(self, labels: Sequence[str], units: Matrix) -> None:
        self.names = sorted(set(labels))
        owners = np.array([self.names.index(label) for label in labels])
        centres = np.stack([units[owners == k].mean(axis=0) for k in range(len(self.names))])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        alike = centres @ centres.T
        np.fill_diagonal(alike, -2)
        self._near = np.argsort(-alike, axis=1)[:, :NEIGHBOURS]

    def labels(self, right: Sequence[str], seed: int, share: float = RIGHT) -> list[str]:
        draws = np.random.default_rng(seed)
        out = []
        for label in right:
            near = self._near[self.names.index(label)]
            wrong = self.names[near[draws.integers(len(near))]]
            out.append(wrong if draws.random() >= share else label)
        return out
