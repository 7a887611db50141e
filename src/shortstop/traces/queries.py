"""The read side. Opens the file read-only, so that reading never holds up the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from shortstop.errors import StoreError
from shortstop.types import Trace

from . import migrations, rows

_PAGE = 500


def connect(path: Path) -> sqlite3.Connection:
    """Raises StoreError when there is nothing to read or it cannot be read."""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        found = migrations.check(db, str(path))
    except sqlite3.Error as e:
        raise StoreError(f"Cannot read {path}: {e}.") from e
    if found < len(migrations.MIGRATIONS):
        db.close()
        raise StoreError(
            f"{path} has schema version {found}, not {len(migrations.MIGRATIONS)}.",
            hint="Start `shortstop serve` once: it brings the file up to date.",
        )
    return db


def read_traces(
    path: Path,
    *,
    since: float | None = None,
    until: float | None = None,
    tenant: str | None = None,
) -> Iterator[Trace]:
    """Rows with since <= at < until in order of time, a page at a time.

    No read transaction stays open between pages, so a slow reader does not stop checkpoints.
    """
    where, args = _where(since, until, tenant)
    query = f"""
        SELECT at, seq, trace FROM traces JOIN bodies USING (seq)
        WHERE {where} AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT {_PAGE}
    """  # noqa: S608 - `where` is made of fixed texts
    last: tuple[float, int] = (float("-inf"), 0)
    with closing(connect(path)) as db:
        while True:
            try:
                page = db.execute(query, (*args, *last)).fetchall()
            except sqlite3.Error as e:
                raise StoreError(f"Cannot read {path}: {e}.") from e
            for _at, _seq, blob in page:
                yield rows.unseal(blob)
            if len(page) < _PAGE:
                return
            last = page[-1][0], page[-1][1]


def _where(
    since: float | None, until: float | None, tenant: str | None
) -> tuple[str, list[float | str]]:
    parts, args = ["1"], list[float | str]()
    for text, value in (("at >= ?", since), ("at < ?", until), ("tenant = ?", tenant)):
        if value is not None:
            parts.append(text)
            args.append(value)
    return " AND ".join(parts), args
