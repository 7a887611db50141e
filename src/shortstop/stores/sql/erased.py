"""Conversations that were erased: what was asked before and is written later comes without content.

Rows wait in the memory and the journal of each worker, and of one that has died, where an erasure
does not reach them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shortstop.stores.sql.database import SqlSession
from shortstop.traces.document import emptied
from shortstop.types.rows import COLUMNS, GradeRow, Row

_ID, _AT, _TENANT, _CONVERSATION = map(COLUMNS.index, ("id", "at", "tenant", "conversation"))
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
    for _, _, row in late(db, rows):
        db.execute(_EMPTY, (emptied(row.document).decode(), row.columns[_ID]))
    db.executemany(_UNCORRECTED, [(one.trace,) for one in graded if one.correction is not None])


def late(db: SqlSession, rows: Sequence[Row]) -> list[tuple[tuple[str, str], float, Row]]:
    """Those that were asked before their erasure: the tenant and conversation of each, and when
    that was."""
    found = since(db, min((row.columns[_AT] for row in rows), default=float("inf")))
    keys = [(row.columns[_TENANT], row.columns[_CONVERSATION]) for row in rows]
    return [
        (key, found[key], row)
        for key, row in zip(keys, rows, strict=True)
        if key in found and row.columns[_AT] <= found[key]
    ]


def since(db: SqlSession, at: float) -> dict[tuple[str, str], float]:
    """What was erased at `at` or later, and when."""
    return {(tenant, name): at for tenant, name, at in db.execute(_SINCE, (at,)).fetchall()}


def delete_before(db: SqlSession, at: float) -> None:
    """Rows from before then are no longer kept."""
    db.execute("DELETE FROM erased WHERE at < ?", (at,))
