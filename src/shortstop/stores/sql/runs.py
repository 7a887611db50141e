"""Runs of agents, the same for all workers, bounded for each tenant by its steps.

Digests of messages are in it, made with a key that is not; nothing of what was said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shortstop.stores.sql.database import SqlDatabase, SqlSession
from shortstop.types.rows import RunHead, RunRow

MOST_STEPS = 16_384
"""Steps of a tenant after which what none of them touched is forgotten."""
_EACH = 2
"""A step is counted when it begins and when it ends."""
_SLACK = 16
"""A part of the steps, by which more may be kept."""


_HEADS = """
SELECT prefix, run, answer, heads.seq = runs.head AS newest FROM heads JOIN runs USING (run, tenant)
WHERE prefix IN ({}) AND seen >= ? ORDER BY newest DESC, heads.seq DESC
"""
_NEXT = "SELECT coalesce(max(seq), 0) + 1 AS number FROM runs WHERE tenant = ?"
_SO_FAR = f"""
SELECT number, began, steps, spent FROM ({_NEXT}) AS next
LEFT JOIN runs ON run = ? AND tenant = ? AND seen >= ?
"""  # noqa: S608 - made of fixed texts
_LEAVE = f"""
UPDATE runs SET (seq, head) = (SELECT number, number FROM ({_NEXT}) AS next), seen = ?,
spent = spent + ?, steps = CASE WHEN steps > ? THEN steps - ? ELSE 0 END
WHERE run = ? AND tenant = ?
"""  # noqa: S608 - made of fixed texts
_PUT_HEAD = """
INSERT INTO heads (prefix, tenant, run, answer, seq)
SELECT ?, tenant, run, ?, seq FROM runs WHERE run = ? AND tenant = ?
ON CONFLICT (prefix, tenant, run) DO UPDATE SET answer = excluded.answer, seq = excluded.seq
"""
_ENTER = """
INSERT INTO runs (tenant, run, seq, head, began, seen, steps, spent)
VALUES (?, ?, ?, 0, ?, ?, ?, ?) ON CONFLICT (run, tenant) DO UPDATE SET
seq = excluded.seq, began = excluded.began, seen = excluded.seen, steps = excluded.steps,
spent = excluded.spent
"""


class SqlRuns:
    """Implements ports.stores.RunStore."""

    def __init__(self, database: SqlDatabase, most_steps: int = MOST_STEPS) -> None:
        self._database = database
        self._most_steps = most_steps
        self._bounded: dict[str, int] = {}
        """Where each tenant was when its earlier steps were forgotten last."""

    def heads(self, prefixes: Sequence[bytes], since: float) -> list[RunHead]:
        query = _HEADS.format(", ".join("?" * len(prefixes)))
        with self._database.reading() as db:
            rows = db.execute(query, (*prefixes, since))
            return [RunHead(prefix, run, kept, bool(last)) for prefix, run, kept, last in rows]

    def enter(
        self, tenant: str, run: str, at: float, since: float, admit: Callable[[RunRow], None]
    ) -> None:
        with self._database.writing(f"runs {tenant}") as db:
            seq, *kept = db.execute(_SO_FAR, (tenant, run, tenant, since)).fetchone()
            row = RunRow(*kept) if kept[0] is not None else RunRow(at, 0, 0)
            admit(row)
            values = (tenant, run, seq, row.began, at, row.steps + 1, row.spent)
            db.execute(_ENTER, values)
            self._bound(db, tenant, seq)

    def _bound(self, db: SqlSession, tenant: str, seq: int) -> None:
        """Now and then: each statement is a way to the database and back, for which steps wait."""
        if seq - self._bounded.get(tenant, 0) < self._most_steps // _SLACK:
            return
        for table in ("heads", "runs"):
            db.execute(
                f"DELETE FROM {table} WHERE tenant = ? AND seq <= ?",  # noqa: S608
                (tenant, seq - _EACH * self._most_steps),
            )
        self._bounded[tenant] = seq

    def leave(self, tenant: str, head: RunHead, at: float, cost: int) -> None:
        lost = int(head.answer is None)
        with self._database.writing(f"runs {tenant}") as db:
            db.execute(_LEAVE, (tenant, at, cost, lost, lost, head.run, tenant))
            db.execute(_PUT_HEAD, (head.prefix, head.answer, head.run, tenant))

    def owners(self, run: str) -> list[str]:
        with self._database.reading() as db:
            rows = db.execute("SELECT tenant FROM runs WHERE run = ?", (run,))
            return [tenant for (tenant,) in rows]

    def sweep(self, before: float) -> int:
        with self._database.reading() as db:
            rested = db.execute("SELECT DISTINCT tenant FROM runs WHERE seen < ?", (before,))
            tenants = [f"runs {tenant}" for (tenant,) in rested]
        if not tenants:
            return 0
        with self._database.writing(*tenants) as db:
            over = db.execute("SELECT run, tenant FROM runs WHERE seen < ?", (before,)).fetchall()
            db.executemany("DELETE FROM heads WHERE run = ? AND tenant = ?", over)
            db.executemany("DELETE FROM runs WHERE run = ? AND tenant = ?", over)
        self._database.wipe()
        return len(over)

    def close(self) -> None:
        self._database.close()
