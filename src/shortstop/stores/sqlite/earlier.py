"""Rows from before content was sealed: each is sealed once, whenever the writer has time."""

from __future__ import annotations

import sqlite3

from shortstop.ports.stores import SealDocument, SealGrade
from shortstop.stores.sqlite.grades import FIELDS, grade_of

_INCREMENTAL = 2
_OLDEST = """
SELECT seq, trace FROM earlier LEFT JOIN bodies USING (seq) ORDER BY seq LIMIT ?
"""
_OPEN = f"""
SELECT rowid, {", ".join(FIELDS)} FROM grades
WHERE correction IS NOT NULL AND substr(correction, 1, 1) != x'00' LIMIT ?
"""  # noqa: S608 - made of fixed texts


def m004_earlier(db: sqlite3.Connection) -> None:
    """The rows whose content may lie open: all that there are."""
    db.execute("CREATE TABLE earlier (seq INTEGER PRIMARY KEY) STRICT")
    db.execute("INSERT INTO earlier SELECT seq FROM bodies")


def rewrite(db: sqlite3.Connection, document: SealDocument, grade: SealGrade, limit: int) -> int:
    """Seal at most `limit` rows and, when none is left, as many corrections; how many."""
    rows = db.execute(_OLDEST, (limit,)).fetchall()
    for seq, body in rows:
        if body is not None:  # else its time was over
            sealed, digest = document(body.encode())
            db.execute("UPDATE bodies SET trace = ? WHERE seq = ?", (sealed.decode(), seq))
            db.execute("UPDATE traces SET digest = ? WHERE seq = ?", (digest, seq))
        db.execute("DELETE FROM earlier WHERE seq = ?", (seq,))
    return len(rows) or _rewrite_corrections(db, grade, limit)


def _rewrite_corrections(db: sqlite3.Connection, grade: SealGrade, limit: int) -> int:
    found = db.execute(_OPEN, (limit,)).fetchall()
    for number, *values in found:
        sealed = grade(grade_of(values)).correction
        db.execute("UPDATE grades SET correction = ? WHERE rowid = ?", (sealed, number))
    return len(found)


def give_back(db: sqlite3.Connection) -> None:
    """The pages that deleted rows of an earlier version have left, with what is in them."""
    incremental = db.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL
    db.execute("PRAGMA incremental_vacuum" if incremental else "VACUUM").fetchall()
