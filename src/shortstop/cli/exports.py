"""Charges as files for the tools of whoever pays: FOCUS columns as CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from shortstop.cli.output import write_page
from shortstop.errors import ConfigError
from shortstop.ledger.focus import AMOUNTS, COLUMNS, TEXTS, Focus
from shortstop.money import PICO


def write_focus(path: Path, rows: Iterable[Focus]) -> int:
    """By the name's end; how many rows. Raises ConfigError, OSError."""
    kept = list(rows)
    if path.suffix == ".csv":
        write_page(path, _csv(kept))
    elif path.suffix == ".parquet":
        write_page(path, _parquet(kept))
    else:
        raise ConfigError(
            f"{path} ends in neither .csv nor .parquet.", hint="The name says which is written."
        )
    return len(kept)


def _csv(rows: Iterable[Focus]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    """A text that a spreadsheet would run as a formula is shown as a text."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return f"{value:f}"


def _exact(value: str | Decimal) -> str | Decimal:
    """Whole pico-dollars, as they are kept."""
    return value if isinstance(value, str) else value.quantize(PICO)


def _parquet(rows: list[Focus]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ConfigError(
            "Parquet needs the extra [parquet].", hint="pip install 'shortstop[parquet]', or .csv."
        ) from error
    money = pa.decimal128(38, 12)
    schema = pa.schema([*((n, pa.string()) for n in TEXTS), *((n, money) for n in AMOUNTS)])
    columns = [pa.array([_exact(row[f.name]) for row in rows], f.type) for f in schema]
    out = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), out)
    return out.getvalue()
