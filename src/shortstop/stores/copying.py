"""From SQLite files to a PostgreSQL database: table after table, each in the order of its keys.

A chunk is one transaction, so what the database holds of a table is always its beginning: how many
rows there are is where a copy goes on that was interrupted. Until it has come to its end no gateway
uses the database.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from shortstop.errors import StoreError
from shortstop.stores.paths import Paths
from shortstop.stores.postgres.connect import BoundedConnection, connect, named
from shortstop.stores.postgres.database import PostgresSession
from shortstop.stores.postgres.failures import as_store_error
from shortstop.stores.postgres.migrate import found, migrate, unhurried
from shortstop.stores.postgres.partitions import DayPartitions
from shortstop.stores.sql.rollups import DAY
from shortstop.stores.sqlite.accounts import ACCOUNTS
from shortstop.stores.sqlite.connect import FAILURES, FileKind, connect_read_only
from shortstop.stores.sqlite.responses import RESPONSES
from shortstop.stores.sqlite.runs import RUNS
from shortstop.stores.sqlite.surrogates import VAULT
from shortstop.stores.sqlite.taints import TAINTS
from shortstop.stores.sqlite.traces_schema import TRACES

CHUNK = 1000
"""Rows of one transaction."""
_BOOLEANS = {"stream", "local", "escalated", "explored", "tokens_estimated", "unpriced"}
"""Numbers in SQLite."""
Advance = Callable[[str, int], None]
"""Told of each table and how many more of its rows are there."""


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """How many rows a table has in the file, in the database, and how many this run has copied."""

    name: str
    source: int
    target: int
    copied: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A table, and what its rows are ordered by: what no two of them share."""

    name: str
    order: str
    rows: str = ""
    """What is read, where that is not the table alone."""

    @property
    def source(self) -> str:
        return self.rows or self.name


_FILES: tuple[tuple[Callable[[Paths], Path], FileKind, tuple[_Part, ...]], ...] = (
    (
        lambda paths: paths.traces,
        TRACES,
        (
            _Part("traces", "seq"),
            _Part("bodies", "seq", "(SELECT seq, at, trace FROM bodies JOIN traces USING (seq))"),
            _Part("grades", "rowid"),
            _Part("earlier", "seq"),
            _Part("erased", "tenant, conversation"),
            _Part("daily", "day, tenant, task, target, baseline"),
            _Part("hourly", "hour, tenant"),
        ),
    ),
    (
        lambda paths: paths.accounts,
        ACCOUNTS,
        (
            _Part("keys", "rowid"),
            _Part("meters", "key, unit"),
            _Part("purses", "key"),
            _Part("holds", "id"),
            _Part("budget_groups", "id"),
            _Part("retired", "fingerprint"),
            _Part("ended_sessions", "name"),
            _Part("answers", "rowid"),
        ),
    ),
    (lambda paths: paths.responses, RESPONSES, (_Part("responses", "id"),)),
    (lambda paths: paths.taints, TAINTS, (_Part("taints", "tenant, conversation"),)),
    (lambda paths: paths.vault, VAULT, (_Part("drawer", "scope"),)),
    (
        lambda paths: paths.runs,
        RUNS,
        (_Part("runs", "run, tenant"), _Part("heads", "prefix, tenant, run")),
    ),
)


def sizes(paths: Paths) -> dict[str, int]:
    """The rows of each table in the files. Raises StoreError."""
    with ExitStack() as opened:
        return {part.name: _count(file, part) for part, file in _sources(paths, opened)}


def copy_stores(paths: Paths, url: str, advance: Advance) -> list[CopiedTable]:
    """Copy every table that is not there yet. Nobody may serve from the files meanwhile.

    Raises StoreError; then what has been copied stays, and the next call goes on after it.
    """
    where = named(url)
    try:
        with ExitStack() as opened:
            parts = list(_sources(paths, opened))
            target = opened.enter_context(connect(url))
            migrate(target, where)
            _begin(target, where, f"{paths.home}: {sizes(paths)}", parts)
            copied = [_copied(file, target, part, advance) for part, file in parts]
            _end(target, copied)
    except psycopg.Error as error:
        raise as_store_error(error, where) from error
    return copied


def _sources(paths: Paths, opened: ExitStack) -> Iterator[tuple[_Part, sqlite3.Connection | None]]:
    for place, kind, parts in _FILES:
        path = place(paths)
        file = connect_read_only(path, kind) if path.exists() else None
        if file is not None:
            opened.enter_context(closing(file))
        yield from ((part, file) for part in parts)


def _begin(
    target: BoundedConnection, where: str, source: str, parts: Sequence[tuple[_Part, Any]]
) -> None:
    """Take an empty database, or one in which a copy of these files was interrupted."""
    copying = found(target).copying
    if copying == source:
        return
    if copying is not None:
        raise StoreError(
            f"The database {where} holds a part of a copy of other files, or these have changed.",
            hint="Make the database anew and copy into the empty one.",
        )
    with target.transaction():
        for part, _ in parts:
            if _there(target, part):
                raise StoreError(
                    f"The database {where} is in use already: {part.name} has rows.",
                    hint="Copy into an empty database; the files stay as they are.",
                )
        target.execute("UPDATE shortstop_schema SET copying = %s", (source,))


def _copied(
    file: sqlite3.Connection | None, target: BoundedConnection, part: _Part, advance: Advance
) -> CopiedTable:
    there = _there(target, part)
    advance(part.name, there)
    count = 0
    if file is not None:
        for rows, columns in _chunks(file, part, there):
            _write(target, part, rows, columns)
            count += len(rows)
            advance(part.name, len(rows))
    return CopiedTable(part.name, _count(file, part), _there(target, part), count)


def _chunks(
    file: sqlite3.Connection, part: _Part, after: int
) -> Iterator[tuple[list[Any], list[str]]]:
    query = f"SELECT * FROM {part.source} ORDER BY {part.order} LIMIT -1 OFFSET ?"  # noqa: S608
    try:
        found = file.execute(query, (after,))
        columns = [name for name, *_ in found.description]
        while rows := found.fetchmany(CHUNK):
            yield rows, columns
    except FAILURES as error:
        raise StoreError(f"Cannot read {part.name}: {error}.") from error


def _write(
    target: BoundedConnection, part: _Part, rows: Sequence[Sequence[Any]], columns: Sequence[str]
) -> None:
    truths = [i for i, name in enumerate(columns) if name in _BOOLEANS and part.name == "traces"]
    names = ", ".join(f'"{name}"' for name in columns)
    command = f"COPY {part.name} ({names}) FROM STDIN"
    with unhurried(target), target.cursor() as cursor:
        if part.name == "traces":
            days = {int(row[columns.index("at")] // DAY) for row in rows}
            DayPartitions().make(PostgresSession(target), days, int(time.time() // DAY))
        with cursor.copy(command) as copy:
            for row in rows:
                values = list(row)
                for i in truths:
                    values[i] = bool(values[i])
                copy.write_row(values)


def _end(target: BoundedConnection, copied: Sequence[CopiedTable]) -> None:
    """Raises StoreError where the counts differ; the database stays closed then."""
    if wrong := [one for one in copied if one.source != one.target]:
        told = ", ".join(f"{one.name} {one.source:,} and {one.target:,}" for one in wrong)
        raise StoreError(
            f"The counts of the files and of the database differ: {told}.",
            hint="Make the database anew and copy into the empty one.",
        )
    with unhurried(target):
        target.execute("ANALYZE")
        target.execute("UPDATE keys_version SET number = number + 1")
        target.execute("UPDATE shortstop_schema SET copying = NULL")


def _count(file: sqlite3.Connection | None, part: _Part) -> int:
    if file is None:
        return 0
    try:
        number: int = file.execute(f"SELECT count(*) FROM {part.name}").fetchone()[0]  # noqa: S608
    except FAILURES as error:
        raise StoreError(f"Cannot read {part.name}: {error}.") from error
    return number


def _there(target: BoundedConnection, part: _Part) -> int:
    with unhurried(target):
        row = target.execute(f"SELECT count(*) FROM {part.name}").fetchone()  # noqa: S608 - ours
    return int(row[0]) if row else 0
