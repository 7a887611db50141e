"""Open task data as rows, without test texts that stand in train."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import fingerprint
from shortstop.specialists.query import Query

OPEN_DATA = Path(__file__).parents[3] / "shared" / "data" / "tasks"
Row = dict[str, Any]


def read(folder: Path, name: str) -> list[Row]:
    """The rows of `name.parquet`; [] where it is absent, so that other data may hold fewer sets."""
    file = folder / f"{name}.parquet"
    return list(pq.read_table(file).to_pylist()) if file.is_file() else []


def unseen(rows: Iterable[Row], train: Iterable[Row], column: str = "text") -> list[Row]:
    """The rows whose text does not stand in train, ignoring case and punctuation."""
    known = {fingerprint(example(0, row[column], "")) for row in train}
    return [row for row in rows if fingerprint(example(0, row[column], "")) not in known]


def example(number: int, text: str, answer: str, task: str = "bench") -> Example:
    return Example(f"r{number}", float(number), "acme", task, Query(text), answer, "teacher")


def examples(texts: Sequence[str], answers: Sequence[str]) -> list[Example]:
    return [example(i, *pair) for i, pair in enumerate(zip(texts, answers, strict=True))]
