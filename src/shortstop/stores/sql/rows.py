"""Traces and grades as the writer stores them: columns for reports, and each trace as JSON."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from shortstop.ports.rows import SealDocument, SealGrade
from shortstop.stores.sql import earlier, erased, grades, rollups
from shortstop.stores.sql.database import SqlDatabase, SqlSession, SqlVariant, savepoint
from shortstop.traces.document import emptied
from shortstop.traces.packing import unpacked
from shortstop.types import Tier
from shortstop.types.rows import COLUMNS, GradeRow, Row

log = logging.getLogger(__name__)

SUBJECT = "rows"
"""Writers take turns: who reads on from a row's number has missed none before it."""

_ROWS_PER_STATEMENT = 16
"""More would cost less each, but hold the interpreter for longer."""
_PAUSE_SECONDS = 0.0005
"""Slept between statements: on a machine whose cores are all busy the writer would otherwise keep
requests waiting until its time slice ends."""


@cache
def _statement(table: str, columns: tuple[str, ...], count: int) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    places = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([places] * count)}"  # noqa: S608


_COLUMNS = ("seq", *COLUMNS)
_BODY = ("seq", "trace")
_ASKED = "SELECT at FROM traces WHERE tenant = ? AND conversation = ?"
_ONE = _statement("traces", _COLUMNS, 1) + " ON CONFLICT DO NOTHING"


class SqlRows(ABC):
    """Implements ports.stores.RowStore but for what each database does in its own way."""

    batch = 200

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._variant = database.variant

    def open(self) -> None:
        self._database.open()

    def insert(self, rows: Sequence[Row], graded: Sequence[GradeRow] = ()) -> int:
        def write(db: SqlSession) -> int:
            refused = _put(db, self._variant, rows) if rows else 0
            refused += grades.put(db, self._variant, graded)
            erased.empty_late(db, rows, graded)
            return refused

        return self._write(write)

    def delete_before(self, at: float, limit: int) -> int:
        def delete(db: SqlSession) -> int:
            oldest = db.execute(
                "SELECT seq FROM traces WHERE at < ? ORDER BY at LIMIT ?", (at, limit)
            ).fetchall()
            grades.delete_of(db, oldest)
            rollups.take(db, self._variant, [seq for (seq,) in oldest])
            db.executemany("DELETE FROM traces WHERE seq = ?", oldest)
            erased.delete_before(db, at)
            return len(oldest) + grades.delete_before(db, at, limit - len(oldest))

        return self._write(delete)

    def expire(self, at: float, limit: int) -> int:
        return self.delete_before(at, limit)

    def forget(self, tenant: str, conversation: str, at: float) -> int:
        with self._beside() as database:
            with database.writing(SUBJECT) as db:
                count = _empty(db, self._variant, tenant, conversation)
                grades.forget(db, tenant, conversation)
                erased.note(db, tenant, conversation, at)
            database.wipe()
        return count

    def erased(self, rows: Sequence[Row]) -> dict[tuple[str, str], float]:
        with self._database.reading() as db:
            return {key: at for key, at, _ in erased.late(db, rows)}

    def erasures(self, since: float) -> dict[tuple[str, str], float]:
        with self._beside() as database, database.reading() as db:
            return erased.since(db, since)

    def days(self, tenant: str, conversation: str) -> set[int]:
        with self._beside() as database, database.reading() as db:
            rows = db.execute(_ASKED, (tenant, conversation)).fetchall()
        return {int(at // rollups.DAY) for (at,) in rows}

    def seal_earlier(self, document: SealDocument, grade: SealGrade, limit: int) -> int:
        return self._write(lambda db: earlier.rewrite(db, document, grade, limit))

    @abstractmethod
    def tier(self, id: str) -> Tier | None: ...

    def close(self) -> None:
        self._database.close()

    def _beside(self) -> AbstractContextManager[SqlDatabase]:
        """The same database, for a thread that is not the writer's."""
        return nullcontext(self._database)

    def _write(self, work: Callable[[SqlSession], int]) -> int:
        with self._database.writing(SUBJECT) as db:
            return work(db)


def _empty(db: SqlSession, variant: SqlVariant, tenant: str, conversation: str) -> int:
    rows = db.execute(
        f"SELECT trace, {', '.join(variant.body)} FROM {variant.whole_rows}"  # noqa: S608 - ours
        " WHERE tenant = ? AND conversation = ?",
        (tenant, conversation),
    ).fetchall()
    bodies = [(emptied(unpacked(document)).decode(), *body) for document, *body in rows]
    db.executemany(f"UPDATE bodies SET trace = ? WHERE {variant.one_body}", bodies)  # noqa: S608
    return len(rows)


def _put(db: SqlSession, variant: SqlVariant, rows: Sequence[Row]) -> int:
    """Number rows and write them together, or one by one where one of them cannot be: how many were
    refused."""
    newest = rollups.newest(db)
    refused = 0
    try:
        with savepoint(db, variant):
            _insert_gently(db, newest, rows)
    except Exception as error:
        if variant.at_fault(error):
            raise
        numbered = enumerate(rows, start=newest + 1)
        refused = sum(not _insert_one(db, variant, number, row) for number, row in numbered)
    rollups.add(db, variant, newest)
    return refused


def _insert_gently(db: SqlSession, newest: int, rows: Sequence[Row]) -> None:
    for first in range(0, len(rows), _ROWS_PER_STATEMENT):
        _insert_group(db, newest + first, rows[first : first + _ROWS_PER_STATEMENT])
        time.sleep(_PAUSE_SECONDS)


def _insert_group(db: SqlSession, newest: int, group: Sequence[Row]) -> None:
    slim: list[Any] = []
    bodies: list[Any] = []
    for number, row in enumerate(group, start=newest + 1):
        slim.append(number)
        slim += row.columns
        bodies += (number, row.document.decode())
    db.execute(_statement("traces", _COLUMNS, len(group)), slim)
    db.execute(_statement("bodies", _BODY, len(group)), bodies)


def _insert_one(db: SqlSession, variant: SqlVariant, seq: int, row: Row) -> bool:
    """Whether the row was taken. A row that nothing can store must not hold up all others."""
    try:
        with savepoint(db, variant):
            if db.execute(_ONE, (seq, *row.columns)).rowcount == 0:
                return False
            db.execute(_statement("bodies", _BODY, 1), (seq, row.document.decode()))
    except Exception as error:
        if variant.at_fault(error):
            raise
        log.error("traces: row %s cannot be kept: %s", row.columns[0], error)
        return False
    return True
