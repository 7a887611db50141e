"""Which of the tools that were learned a request wants, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shortstop.specialists.words import Vector, WordTable

Matrix = NDArray[np.float32]
NONE, SEVERAL = "", "*"
"""Labels beside the tools' names: no call, and more than one."""


class Chosen(NamedTuple):
    """A tool's name, NONE or SEVERAL, and its probability."""

    tool: str
    chance: float


@dataclass(frozen=True, slots=True)
class ToolHead:
    """One linear head on meaning and words: `weights` (width, labels), `word_weights` (terms,
    labels), `bias` (labels,)."""

    labels: tuple[str, ...]
    table: WordTable
    weights: Matrix
    word_weights: Matrix
    bias: Vector

    def choose(self, text: str, unit: Vector) -> Chosen:
        row = self.table.row(text)
        logits = unit @ self.weights + row.values @ self.word_weights[row.columns] + self.bias
        powers = np.exp(logits - logits.max())
        chances = powers / powers.sum()
        best = int(chances.argmax())
        return Chosen(self.labels[best], float(chances[best]))
