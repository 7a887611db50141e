"""Grades beside the traces, in the same file: written with them, deleted with them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from shortstop.stores.sql.database import Queries, SqlSession, SqlVariant, savepoint
from shortstop.types.rows import GradeRow

log = logging.getLogger(__name__)


FIELDS = ("trace", "tenant", "source", "target", "value", "at", "reference", "grader", "correction")
"""The columns in the order of GradeRow."""

_PUT = f"""
INSERT INTO grades ({", ".join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (trace, tenant, source, target, grader) DO UPDATE SET
value = excluded.value, at = excluded.at, reference = excluded.reference,
correction = excluded.correction
WHERE excluded.at > grades.at OR (excluded.at = grades.at AND NOT ?)
"""  # noqa: S608 - made of fixed texts


def put(db: SqlSession, variant: SqlVariant, grades: Iterable[GradeRow]) -> int:
    """Write them; how many cannot be kept. Raises what the database is at fault for."""
    return sum(not _put(db, variant, grade) for grade in grades)


def _put(db: SqlSession, variant: SqlVariant, row: GradeRow) -> bool:
    values = (
        row.trace, row.tenant, row.source, row.target, row.value, row.at, row.reference,
        row.grader or "", row.correction, row.provisional,
    )  # fmt: skip
    try:
        with savepoint(db, variant):
            db.execute(_PUT, values)
    except Exception as error:
        if variant.at_fault(error):
            raise
        log.error("traces: a grade of %s cannot be kept: %s", row.trace, type(error).__name__)
        return False
    return True


def delete_of(db: SqlSession, seqs: Sequence[tuple[int]]) -> None:
    """The grades of traces that are about to be deleted."""
    db.executemany("DELETE FROM grades WHERE trace = (SELECT id FROM traces WHERE seq = ?)", seqs)


def delete_before(db: SqlSession, at: float, limit: int) -> int:
    """Grades that outlive no trace: by their own time."""
    return db.execute(
        "DELETE FROM grades WHERE rowid IN"
        " (SELECT rowid FROM grades WHERE at < ? ORDER BY at LIMIT ?)",
        (at, limit),
    ).rowcount


def forget(db: SqlSession, tenant: str, conversation: str) -> None:
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


def of_rows(reading: Queries, seqs: Sequence[int]) -> dict[int, list[GradeRow]]:
    """Those of each row's own tenant by the row's number, oldest first."""
    if not seqs:
        return {}
    columns = ", ".join(f"grades.{name}" for name in FIELDS)
    query = f"""
        SELECT seq, {columns} FROM traces JOIN grades
        ON grades.trace = traces.id AND grades.tenant = traces.tenant
        WHERE seq IN ({", ".join("?" * len(seqs))}) ORDER BY grades.at, grades.rowid
    """  # noqa: S608 - made of fixed texts
    rows: dict[int, list[GradeRow]] = {}
    for seq, *values in reading.all(query, tuple(seqs)):
        rows.setdefault(seq, []).append(grade_of(values))
    return rows
