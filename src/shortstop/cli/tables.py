"""Tables of graded pairs: the open set, or the operator's own file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
from numpy.typing import NDArray

from shortstop.errors import ConfigError
from shortstop.evaluate.pair_table import PairTable, pair_table
from shortstop.routing import packaged

Data = Annotated[
    Path | None, typer.Option("--data", help="Parquet, CSV or JSONL with the open set's columns.")
]

OPEN_SET = Path("../shared/data/routing/routellm_pairs.parquet")


def graded(data: Path | None) -> PairTable:
    """The table in `data`, else the open set.

    Raises ConfigError when there is no such file or it cannot be read, StoreError when a row of it
    is not as it should be.
    """
    path = data or OPEN_SET
    if not path.exists():
        raise ConfigError(
            f"There is no table at {path}.", hint="Give --data FILE (Parquet, CSV or JSONL)."
        )
    return pair_table(read_rows(path), packaged().embedder)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Raises ConfigError when the file cannot be read as what its suffix says."""
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            return _parquet(path)
        if kind == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        lines = path.read_bytes().splitlines()
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines if line.strip()]
    except (OSError, ValueError, msgspec.MsgspecError) as e:
        raise ConfigError(f"Cannot read {path}: {e}.") from e


def column(rows: list[dict[str, Any]], name: str) -> NDArray[np.float64]:
    """A column of numbers, shape (rows,). Raises ConfigError naming the first row without one."""
    values = np.empty(len(rows))
    for i, row in enumerate(rows):
        try:
            values[i] = float(row[name])
        except (KeyError, TypeError, ValueError):
            values[i] = np.nan
        if not np.isfinite(values[i]):
            raise ConfigError(f"Row {i + 1} of the table has no number as {name!r}.")
    return values


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as e:
        raise ConfigError(
            "Reading Parquet needs pyarrow.", hint="pip install pyarrow, or give CSV or JSONL."
        ) from e
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows
