"""Tables of graded pairs: prompts that a small and a big model answered, with both grades.

A table has the open set's columns (README of the open routing set); rows come in as plain
dictionaries and are held as columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortstop.errors import StoreError
from shortstop.routing.embed import Embedder
from shortstop.routing.features import PromptFeatures, prompt_features
from shortstop.routing.graders import GRADERS

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Row = Mapping[str, Any]

_OTHER = re.compile(r"response_other(?:_\d+)?")
FOLDS = 5
"""Folds that are drawn from the prompts where the table names none."""
MOST_WRONG = 5
"""Rows with errors that are named."""
REQUIRED = ("id", "bench", "prompt", "score_small", "score_big")
NUMBERS = ("score_small", "score_big", "cost_small", "cost_big", "fold")


@dataclass(frozen=True, slots=True)
class PairTable:
    """The usable rows of a table, one entry per row in each column.

    `small` and `big` are the grades, scaled to [0, 1] per benchmark; `answers` are the small
    model's, "" where the table has none, `others` those of its helpers (a second one of its own, or
    other models'). `graders` say how a row's answers are compared, where that is told. `fold`
    numbers start at 0.
    """

    ids: list[str]
    bench: NDArray[np.str_]
    domain: NDArray[np.str_]
    prompts: list[str]
    answers: list[str]
    others: list[list[str]]
    graders: list[str | None]
    small: Floats
    big: Floats
    cost_small: Floats
    cost_big: Floats
    fold: Rows
    features: list[PromptFeatures]

    @property
    def gap(self) -> Floats:
        """By how much the big model is better, shape (rows,)."""
        return self.big - self.small

    def where(self, bench: str) -> Rows:
        """The numbers of the rows of a benchmark."""
        return np.flatnonzero(self.bench == bench)

    @property
    def benches(self) -> list[str]:
        return list(dict.fromkeys(self.bench.tolist()))


def pair_table(rows: Iterable[Row], embedder: Embedder) -> PairTable:
    """Contaminated rows are dropped. Raises StoreError naming the row and column that is wrong."""
    usable = _usable(rows)
    small, big = _grades(usable)
    return PairTable(
        ids=[str(r["id"]) for r in usable],
        bench=np.array([str(r["bench"]) for r in usable]),
        domain=np.array([str(r.get("domain") or r["bench"]) for r in usable]),
        prompts=[str(r["prompt"]) for r in usable],
        answers=_texts(usable, "response_small"),
        others=_others(usable),
        graders=[str(r["grader"]) if r.get("grader") else None for r in usable],
        small=small,
        big=big,
        cost_small=_numbers(usable, "cost_small", 0.0),
        cost_big=_numbers(usable, "cost_big", 1.0),
        fold=np.array([_fold(r) for r in usable], np.int64),
        features=[prompt_features(str(r["prompt"]), embedder) for r in usable],
    )


def _usable(rows: Iterable[Row]) -> list[Row]:
    usable, wrong = [], []
    for number, row in enumerate(rows, start=1):
        problem = _problem(row)
        if problem is not None:
            wrong.append(f"Row {number} of the table {problem}.")
        elif not _true(row.get("contaminated")):
            usable.append(row)
    if wrong:
        more = f" And {len(wrong) - MOST_WRONG:,} more." if len(wrong) > MOST_WRONG else ""
        raise StoreError(" ".join(wrong[:MOST_WRONG]) + more)
    if not usable:
        raise StoreError("The table has no usable rows.")
    return usable


def _problem(row: Row) -> str | None:
    for column in REQUIRED:
        if row.get(column) in (None, ""):
            return f"has no {column!r}"
    for column in NUMBERS:
        value = row.get(column)
        if not _numeric(value, int if column == "fold" else float):
            return f"has {value!r} as {column!r}, which is not a number"
    if row.get("grader") and row["grader"] not in GRADERS:
        return f"has {row['grader']!r} as 'grader', which is none of {', '.join(GRADERS)}"
    return None


def _numeric(value: object, kind: type[int] | type[float]) -> bool:
    try:
        return value in (None, "") or isfinite(kind(str(value)))
    except ValueError:
        return False


def _grades(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """The small and the big model's grades, in each benchmark divided by its largest."""
    small = np.array([float(r["score_small"]) for r in rows])
    big = np.array([float(r["score_big"]) for r in rows])
    benches = np.array([str(r["bench"]) for r in rows])
    for bench in set(benches.tolist()):
        member = benches == bench
        top = max(1.0, float(np.maximum(big[member], small[member]).max()))
        big[member], small[member] = big[member] / top, small[member] / top
    return small, big


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "1") if value is not None else False


def _texts(rows: Sequence[Row], column: str) -> list[str]:
    return [str(r.get(column) or "") for r in rows]


def _others(rows: Sequence[Row]) -> list[list[str]]:
    """The helpers' answers, from "response_other" and "response_other_1" to "response_other_n"."""
    names = sorted({name for row in rows for name in row if _OTHER.fullmatch(name)}, key=_number)
    return [[str(row[name]) for name in names if row.get(name)] for row in rows]


def _number(name: str) -> int:
    return int(name.rpartition("_")[2]) if name[-1].isdigit() else 0


def _numbers(rows: Sequence[Row], column: str, default: float) -> Floats:
    values = [r.get(column) for r in rows]
    return np.array([default if v in (None, "") else float(str(v)) for v in values])


def _fold(row: Row) -> int:
    if row.get("fold") not in (None, ""):
        return int(str(row["fold"]))
    return int(sha256(str(row["prompt"]).encode()).hexdigest(), 16) % FOLDS
