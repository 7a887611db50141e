"""Grades beside the traces, in the same file: written with them, deleted with them."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from shortstop.stores.sqlite.connect import is_fault_of_file
from shortstop.types.rows import GradeRow

log = logging.getLogger(__name__)


def m003_grades(db: sqlite3.Connection) -> None:
    """What was judged about answers. A trace need not be there: grades may come late.

    `grader` is '' where none is named, for NULL would make every key unique.
    """
    db.execute(
        """
        CREATE TABLE grades (
            trace TEXT NOT NULL,
            tenant TEXT NOT NULL,
            source TEXT NOT NULL,
            target TEXT NOT NULL,
            grader TEXT NOT NULL,
            value REAL,
            at REAL NOT NULL,
            reference TEXT,
            correction BLOB,
            PRIMARY KEY (trace, tenant, source, target, grader)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX grades_at ON grades (at)")


FIELDS = ("trace", "tenant", "source", "target", "value", "at", "reference", "grader", "correction")
"""The columns in the order of GradeRow."""

_PUT = f"""
INSERT INTO grades ({", ".join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (trace, tenant, source, target, grader) DO UPDATE SET
value = excluded.value, at = excluded.at, reference = excluded.reference,
correction = excluded.correction
WHERE excluded.at > grades.at OR (excluded.at = grades.at AND NOT ?)
"""  # noqa: S608 - made of fixed texts


def put(db: sqlite3.Connection, grades: Iterable[GradeRow]) -> int:
    """Write them; how many cannot be kept. Raises sqlite3.Error when the file is at fault."""
    return sum(not _put(db, grade) for grade in grades)


def _put(db: sqlite3.Connection, row: GradeRow) -> bool:
    values = (
        row.trace, row.tenant, row.source, row.target, row.value, row.at, row.reference,
        row.grader or "", row.correction, row.provisional,
    )  # fmt: skip
    try:
        db.execute(_PUT, values)
    except Exception as error:
        if is_fault_of_file(error):
            raise
        log.error("traces: a grade of %s cannot be kept: %s", row.trace, type(error).__name__)
        return False
    return True


def delete_of(db: sqlite3.Connection, seqs: Sequence[tuple[int]]) -> None:
    """The grades of traces that are about to be deleted."""
    db.executemany("DELETE FROM grades WHERE trace = (SELECT id FROM traces WHERE seq = ?)", seqs)


def delete_before(db: sqlite3.Connection, at: float, limit: int) -> int:
    """Grades that outlive no trace: by their own time."""
    return db.execute(
        "DELETE FROM grades WHERE rowid IN"
        " (SELECT rowid FROM grades WHERE at < ? ORDER BY at LIMIT ?)",
        (at, limit),
    ).rowcount


def forget(db: sqlite3.Connection, tenant: str, conversation: str) -> None:
    """Take out the corrections of a conversation."""
    db.execute(
        "UPDATE grades SET correction = NULL WHERE correction IS NOT NULL AND trace IN"
        " (SELECT id FROM traces WHERE tenant = ? AND conversation = ?)",
        (tenant, conversation),
    )


def grade_of(values: Sequence[Any]) -> GradeRow:
    """From one value for each of FIELDS."""
    trace, tenant, source, target, value, at, reference, grader, correction = values
    return GradeRow(trace, tenant, source, target, value, at, reference, grader or None, correction)


def of_rows(db: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, list[GradeRow]]:
    """Those of each row's own tenant by the row's number, oldest first. Raises sqlite3.Error."""
    columns = ", ".join(f"grades.{name}" for name in FIELDS)
    query = f"""
        SELECT seq, {columns} FROM traces JOIN grades
        ON grades.trace = traces.id AND grades.tenant = traces.tenant
        WHERE seq IN ({", ".join("?" * len(seqs))}) ORDER BY grades.at, grades.rowid
    """  # noqa: S608 - made of fixed texts
    rows: dict[int, list[GradeRow]] = {}
    for seq, *values in db.execute(query, tuple(seqs)):
        rows.setdefault(seq, []).append(grade_of(values))
    return rows
