"""Conversations that were erased: what was asked before and is written later comes without content.

Rows wait in the memory and the journal of each worker, and of one that has died, where an erasure
does not reach them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shortstop.stores.sql.database import SqlSession
from shortstop.traces.document import emptied
from shortstop.types.rows import COLUMNS, GradeRow, Row

_OF_ROW = tuple(COLUMNS.index(name) for name in ("tenant", "conversation", "at", "id"))
_AT = COLUMNS.index("at")
_NOTE = """
INSERT INTO erased VALUES (?, ?, ?)
ON CONFLICT (tenant, conversation) DO UPDATE SET at = excluded.at
"""
_SINCE = "SELECT tenant, conversation, at FROM erased WHERE at >= ?"
_ANY = "SELECT 1 FROM erased LIMIT 1"
_EMPTY = "UPDATE bodies SET trace = ? WHERE seq = (SELECT seq FROM traces WHERE id = ?)"
_UNCORRECTED = """
UPDATE grades SET correction = NULL WHERE trace = ? AND at <= (
    SELECT erased.at FROM traces JOIN erased USING (tenant, conversation)
    WHERE traces.id = grades.trace
)
"""


def note(db: SqlSession, tenant: str, conversation: str, at: float) -> None:
    db.execute(_NOTE, (tenant, conversation, at))


def empty_late(db: SqlSession, rows: Sequence[Row], graded: Iterable[GradeRow]) -> None:
    """Take the content out of what has just been written and was asked before its erasure."""
    if db.execute(_ANY).fetchone() is None:
        return
    asked = min((row.columns[_AT] for row in rows), default=float("inf"))
    since = {(tenant, name): at for tenant, name, at in db.execute(_SINCE, (asked,)).fetchall()}
    for row in rows:
        tenant, conversation, at, id = (row.columns[i] for i in _OF_ROW)
        if at <= since.get((tenant, conversation), float("-inf")):
            db.execute(_EMPTY, (emptied(row.document).decode(), id))
    db.executemany(_UNCORRECTED, [(one.trace,) for one in graded if one.correction is not None])


def delete_before(db: SqlSession, at: float) -> None:
    """Rows from before then are no longer kept."""
    db.execute("DELETE FROM erased WHERE at < ?", (at,))
