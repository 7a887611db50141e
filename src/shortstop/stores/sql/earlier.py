"""Rows from before content was sealed: each is sealed once, whenever the writer has time."""

from __future__ import annotations

from shortstop.ports.rows import SealDocument, SealGrade
from shortstop.stores.sql.database import SqlSession
from shortstop.stores.sql.grades import FIELDS, grade_of
from shortstop.traces.packing import unpacked

SEALED = b"\0"
"""How everything begins that is sealed."""
_OLDEST = """
SELECT seq, trace FROM earlier LEFT JOIN bodies USING (seq) ORDER BY seq LIMIT ?
"""
_OPEN = f"""
SELECT rowid, {", ".join(FIELDS)} FROM grades
WHERE correction IS NOT NULL AND substr(correction, 1, 1) != ? LIMIT ?
"""  # noqa: S608 - made of fixed texts


def rewrite(db: SqlSession, document: SealDocument, grade: SealGrade, limit: int) -> int:
    """Seal at most `limit` rows and, when none is left, as many corrections; how many."""
    rows = db.execute(_OLDEST, (limit,)).fetchall()
    for seq, body in rows:
        if body is not None:  # else its time was over
            sealed, digest = document(unpacked(body))
            db.execute("UPDATE bodies SET trace = ? WHERE seq = ?", (sealed.decode(), seq))
            db.execute("UPDATE traces SET digest = ? WHERE seq = ?", (digest, seq))
        db.execute("DELETE FROM earlier WHERE seq = ?", (seq,))
    return len(rows) or _rewrite_corrections(db, grade, limit)


def _rewrite_corrections(db: SqlSession, grade: SealGrade, limit: int) -> int:
    found = db.execute(_OPEN, (SEALED, limit)).fetchall()
    for number, *values in found:
        sealed = grade(grade_of(values)).correction
        db.execute("UPDATE grades SET correction = ? WHERE rowid = ?", (sealed, number))
    return len(found)
