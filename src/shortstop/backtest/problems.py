"""What is wrong with a log: counted by kind, the first ones with their lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

Kind = Literal[
    "not-readable",
    "no-model-call",
    "not-a-request",
    "file-breaks-off",
    "no-usage",
    "no-price",
    "no-time",
    "no-content",
    "no-answer",
]
"""The line is no row of a known form; it is of something else than a call of a model; what was
asked cannot be decoded; the file ends in the middle. And of rows that do count: tokens are
estimated, nobody knows the price, there is no time, what was asked or answered was not kept."""
LOST: tuple[Kind, ...] = ("not-readable", "no-model-call", "not-a-request", "file-breaks-off")
"""Those whose row is in no figure."""
SHOWN = 10


class FoundAt(Struct, frozen=True):
    """One of them: file, line and why."""

    file: str
    line: int
    why: str


class Problem(Struct, frozen=True):
    """`lost`: such rows are in no figure."""

    kind: Kind
    rows: int
    lost: bool
    first: tuple[FoundAt, ...]


@dataclass(slots=True)
class Problems:
    """Holds a few of each kind, however many there are."""

    _rows: dict[Kind, int] = field(default_factory=dict)
    _first: dict[Kind, list[FoundAt]] = field(default_factory=dict)

    def add(self, kind: Kind, file: str, line: int, why: str = "") -> None:
        self._rows[kind] = self._rows.get(kind, 0) + 1
        first = self._first.setdefault(kind, [])
        if len(first) < SHOWN:
            first.append(FoundAt(file, line, why[:200]))

    def rows(self, kind: Kind) -> int:
        return self._rows.get(kind, 0)

    def all(self) -> Iterator[Problem]:
        """Lost ones first, the most frequent first."""
        for kind in sorted(self._rows, key=lambda k: (k not in LOST, -self._rows[k])):
            yield Problem(kind, self._rows[kind], kind in LOST, tuple(self._first[kind]))
