"""Traces and grades as the writer stores them: columns for reports, and each trace as JSON."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from shortstop.errors import StoreError
from shortstop.ports.stores import SealDocument, SealGrade
from shortstop.stores.sqlite import earlier, erased, grades, rollups
from shortstop.stores.sqlite.connect import (
    Database,
    FileKind,
    connect_read_only,
    is_fault_of_file,
)
from shortstop.traces.document import emptied
from shortstop.types import Tier
from shortstop.types.rows import COLUMNS, GradeRow, Row

log = logging.getLogger(__name__)

_PAGE_BYTES = 16_384
"""A trace is some kilobytes: on SQLite's default pages of 4 KiB each would take several."""
_ROWS_PER_STATEMENT = 16
"""More would cost less each, but hold the interpreter for longer."""
_PAUSE_SECONDS = 0.0005
"""Slept between statements: on a machine whose cores are all busy the writer would otherwise keep
requests waiting until its time slice ends."""


def m001_traces(db: sqlite3.Connection) -> None:
    """Slim rows for reports, and the whole trace as JSON in a table of its own.

    Money is whole pico-dollars (1e-12): every list price per million tokens with up to six
    decimals is exact. NULL money means that a price was unknown.
    """
    db.execute(
        """
        CREATE TABLE traces (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at REAL NOT NULL,
            tenant TEXT NOT NULL,
            key TEXT,
            conversation TEXT,
            dialect TEXT NOT NULL,
            model TEXT NOT NULL,
            template TEXT NOT NULL,
            digest TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            stream INTEGER NOT NULL,
            task TEXT,
            target TEXT,
            local INTEGER NOT NULL,
            tier INTEGER NOT NULL,
            reach INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            escalated INTEGER NOT NULL,
            explored INTEGER NOT NULL,
            seconds REAL NOT NULL,
            first_byte REAL,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            tokens_estimated INTEGER NOT NULL,
            cost_pico INTEGER,
            cost_local_pico INTEGER,
            cost_remote_pico INTEGER,
            counterfactual_pico INTEGER,
            baseline TEXT,
            unpriced INTEGER NOT NULL,
            prices TEXT,
            joules REAL,
            joules_low REAL,
            joules_high REAL,
            joules_basis TEXT,
            counterfactual_joules REAL,
            counterfactual_joules_low REAL,
            counterfactual_joules_high REAL,
            gco2 REAL,
            gco2_low REAL,
            gco2_high REAL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX traces_at ON traces (at, seq)")
    db.execute("CREATE INDEX traces_tenant_at ON traces (tenant, at)")
    db.execute(
        """
        CREATE TABLE bodies (
            seq INTEGER PRIMARY KEY REFERENCES traces (seq) ON DELETE CASCADE,
            trace TEXT NOT NULL
        ) STRICT
        """
    )


def m002_no_template(db: sqlite3.Connection) -> None:
    """It was always empty."""
    db.execute("ALTER TABLE traces DROP COLUMN template")


def m006_runs(db: sqlite3.Connection) -> None:
    """The run that a request was a step of, and why that step or a call of it was refused."""
    db.execute("ALTER TABLE traces ADD COLUMN run TEXT")
    db.execute("ALTER TABLE traces ADD COLUMN run_refusal TEXT")
    db.execute("CREATE INDEX traces_run ON traces (run, tenant) WHERE run IS NOT NULL")


def m008_groups(db: sqlite3.Connection) -> None:
    """For whom the client asked, what it groups its requests by, and which specialist answered."""
    for column in ("user", "tag", "specialist"):
        db.execute(f"ALTER TABLE traces ADD COLUMN {column} TEXT")


def m009_deployments(db: sqlite3.Connection) -> None:
    """By which of the upstream's deployments the request was answered."""
    db.execute("ALTER TABLE traces ADD COLUMN deployment TEXT")


TRACES = FileKind(
    "traces",
    migrations=(
        m001_traces,
        m002_no_template,
        grades.m003_grades,
        earlier.m004_earlier,
        erased.m005_erased,
        m006_runs,
        rollups.m007_rollups,
        m008_groups,
        m009_deployments,
    ),
    pragmas=(
        f"page_size = {_PAGE_BYTES}",
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        "foreign_keys = ON",
    ),
    busy_seconds=1.0,
)
_FSYNC = "synchronous = FULL"


def _statement(table: str, columns: tuple[str, ...], count: int, verb: str = "INSERT") -> str:
    places = f"({', '.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES {', '.join([places] * count)}"


_COLUMNS = ("seq", *COLUMNS)
_BODY = ("seq", "trace")
_ONE = _statement("traces", _COLUMNS, 1, "INSERT OR IGNORE")


class SqliteRows:
    """Implements ports.stores.RowStore."""

    def __init__(
        self, path: Path, *, fsync: bool = False, busy_seconds: float = TRACES.busy_seconds
    ) -> None:
        pragmas = (*TRACES.pragmas, _FSYNC) if fsync else TRACES.pragmas
        self._kind = replace(TRACES, pragmas=pragmas, busy_seconds=busy_seconds)
        self._path = path
        self._database = Database(path, self._kind)

    def open(self) -> None:
        self._database.open()

    def insert(self, rows: Sequence[Row], graded: Sequence[GradeRow] = ()) -> int:
        size = _ROWS_PER_STATEMENT
        groups = [rows[i : i + size] for i in range(0, len(rows), size)]

        def write(db: sqlite3.Connection) -> int:
            before = rollups.newest(db)
            refused = sum(_insert_gently(db, group) for group in groups)
            if rows:
                rollups.add(db, before)
            refused += grades.put(db, graded)
            erased.empty_late(db, rows, graded)
            return refused

        return self._write(write)

    def delete_before(self, at: float, limit: int) -> int:
        def delete(db: sqlite3.Connection) -> int:
            oldest = db.execute(
                "SELECT seq FROM traces WHERE at < ? ORDER BY at LIMIT ?", (at, limit)
            ).fetchall()
            grades.delete_of(db, oldest)
            rollups.take(db, [seq for (seq,) in oldest])
            db.executemany("DELETE FROM traces WHERE seq = ?", oldest)
            erased.delete_before(db, at)
            return len(oldest) + grades.delete_before(db, at, limit - len(oldest))

        deleted = self._write(delete)
        if deleted:
            with self._database.reading() as db:
                db.execute("PRAGMA incremental_vacuum(64)").fetchall()
        return deleted

    def forget(self, tenant: str, conversation: str, at: float) -> int:
        """On a connection of its own: any thread may call."""
        own = Database(self._path, self._kind)
        with closing(own):
            with own.writing() as db:
                count = _empty(db, tenant, conversation)
                grades.forget(db, tenant, conversation)
                erased.note(db, tenant, conversation, at)
            own.wipe()
        return count

    def seal_earlier(self, document: SealDocument, grade: SealGrade, limit: int) -> int:
        count = self._write(lambda db: earlier.rewrite(db, document, grade, limit))
        if count == 0:
            with self._database.reading() as db:
                earlier.give_back(db)
            self._database.wipe()
        return count

    def tier(self, id: str) -> Tier | None:
        try:
            with closing(connect_read_only(self._path, self._kind, busy_seconds=0.0)) as db:
                row = db.execute("SELECT tier FROM traces WHERE id = ?", (id,)).fetchone()
        except (StoreError, sqlite3.Error, UnicodeError):
            return None
        return Tier(row[0]) if row else None

    def close(self) -> None:
        self._database.close()

    def _write(self, work: Callable[[sqlite3.Connection], int]) -> int:
        try:
            with self._database.writing() as db:
                return work(db)
        except StoreError:
            self._database.reconnect()
            raise


def _empty(db: sqlite3.Connection, tenant: str, conversation: str) -> int:
    rows = db.execute(
        "SELECT seq, trace FROM traces JOIN bodies USING (seq)"
        " WHERE tenant = ? AND conversation = ?",
        (tenant, conversation),
    ).fetchall()
    bodies = [(emptied(document.encode()).decode(), seq) for seq, document in rows]
    db.executemany("UPDATE bodies SET trace = ? WHERE seq = ?", bodies)
    return len(rows)


def _insert_gently(db: sqlite3.Connection, group: Sequence[Row]) -> int:
    refused = _insert_group(db, group)
    time.sleep(_PAUSE_SECONDS)
    return refused


def _insert_group(db: sqlite3.Connection, group: Sequence[Row]) -> int:
    """Insert rows together, or one by one where one of them cannot be: how many were refused."""
    seq = db.execute("SELECT coalesce(max(seq), 0) FROM traces").fetchone()[0]
    db.execute("SAVEPOINT many")
    try:
        _insert_all(db, seq, group)
        db.execute("RELEASE many")
    except Exception as error:
        if is_fault_of_file(error):
            raise
        db.execute("ROLLBACK TO many")
        return sum(not _insert_one(db, seq + i, row) for i, row in enumerate(group, start=1))
    return 0


def _insert_all(db: sqlite3.Connection, seq: int, group: Sequence[Row]) -> None:
    slim: list[Any] = []
    bodies: list[Any] = []
    for number, row in enumerate(group, start=seq + 1):
        slim.append(number)
        slim += row.columns
        bodies += (number, row.document.decode())
    db.execute(_statement("traces", _COLUMNS, len(group)), slim)
    db.execute(_statement("bodies", _BODY, len(group)), bodies)


def _insert_one(db: sqlite3.Connection, seq: int, row: Row) -> bool:
    """Whether the row was taken. A row that nothing can store must not hold up all others."""
    try:
        if db.execute(_ONE, (seq, *row.columns)).rowcount == 0:
            return False
        db.execute(_statement("bodies", _BODY, 1), (seq, row.document.decode()))
    except Exception as error:
        if is_fault_of_file(error):
            raise
        log.error("traces: row %s cannot be kept: %s", row.columns[0], error)
        return False
    return True
