"""Examples side by side in rows of a fixed length, each blind to the others.

Short examples padded to the longest are mostly padding; packed, nearly every token is computed for
something. Positions begin anew with each example, and attention stays within one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
NOTHING = -100
"""A label that is not learned: of a prompt, of padding."""


class Tokens(NamedTuple):
    """An example: the tokens of the prompt, and those of the answer with the end of the turn."""

    prompt: Sequence[int]
    answer: Sequence[int]

    @property
    def size(self) -> int:
        return len(self.prompt) + len(self.answer)


class PackedRows(NamedTuple):
    """Rows of tokens, each of shape (rows, length). `label` is the token to be foreseen at a place,
    `segment` the number of the example there, from 1 (0: padding)."""

    token: Numbers
    label: Numbers
    position: Numbers
    segment: Numbers

    def row(self, number: int) -> PackedRows:
        """One row, of shape (1, length), without the padding at its end."""
        end = max(1, int((self.segment[number] > 0).sum()))
        return PackedRows(*(column[number : number + 1, :end] for column in self))

    def attends(self) -> NDArray[np.bool_]:
        """Who may look at whom, of shape (rows, 1, length, length)."""
        same = self.segment[:, :, None] == self.segment[:, None, :]
        earlier = np.tri(self.token.shape[1], dtype=bool)
        attends: NDArray[np.bool_] = (same & earlier)[:, None]
        return attends


def packed(examples: Sequence[Tokens], length: int) -> PackedRows:
    """First fit, the longest first; none may be longer than `length`."""
    rows: list[list[Tokens]] = []
    room: list[int] = []
    for example in sorted(examples, key=lambda one: one.size, reverse=True):
        if example.size > length:
            raise ValueError(f"an example of {example.size} tokens")
        place = next((i for i, left in enumerate(room) if left >= example.size), None)
        if place is None:
            rows.append([])
            room.append(length)
            place = len(rows) - 1
        rows[place].append(example)
        room[place] -= example.size
    made = PackedRows(*(np.zeros((len(rows), length), np.int64) for _ in range(4)))
    made.label[:] = NOTHING
    for number, row in enumerate(rows):
        _lay(made, number, row)
    return made


def _lay(made: PackedRows, number: int, row: Sequence[Tokens]) -> None:
    at = 0
    for segment, example in enumerate(row, 1):
        end = at + example.size
        made.token[number, at:end] = [*example.prompt, *example.answer]
        made.position[number, at:end] = np.arange(end - at)
        made.segment[number, at:end] = segment
        begun = at + len(example.prompt) - 1
        made.label[number, begun : end - 1] = example.answer
        at = end


def batches(count: int, rows: int, seed: int, epoch: int) -> list[Numbers]:
    """The numbers of the examples of each step of an epoch, every example once."""
    order = np.random.default_rng((seed, epoch)).permutation(count)
    return [order[at : at + rows] for at in range(0, count, rows)]
