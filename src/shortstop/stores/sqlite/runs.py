"""Runs of agents: one file for all workers, bounded for each tenant by its steps.

Digests of messages are in it, made with a key that is not; nothing of what was said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from shortstop.stores.sqlite.connect import Database, FileKind
from shortstop.types.rows import RunHead, RunRow

MOST_STEPS = 16_384
"""Steps of a tenant after which what none of them touched is forgotten."""
_EACH = 2
"""A step is counted when it begins and when it ends."""


def m001_runs(db: sqlite3.Connection) -> None:
    """`seq` counts beginnings and ends of a tenant's steps; `head` is that of a run's newest."""
    db.execute(
        """
        CREATE TABLE runs (
            tenant TEXT NOT NULL,
            run TEXT NOT NULL,
            seq INTEGER NOT NULL,
            head INTEGER NOT NULL,
            began REAL NOT NULL,
            seen REAL NOT NULL,
            steps INTEGER NOT NULL,
            spent INTEGER NOT NULL,
            PRIMARY KEY (run, tenant)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX runs_seq ON runs (tenant, seq)")
    db.execute("CREATE INDEX runs_seen ON runs (seen)")
    db.execute(
        """
        CREATE TABLE heads (
            prefix BLOB NOT NULL,
            tenant TEXT NOT NULL,
            run TEXT NOT NULL,
            answer BLOB,
            seq INTEGER NOT NULL,
            PRIMARY KEY (prefix, tenant, run)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX heads_seq ON heads (tenant, seq)")
    db.execute("CREATE INDEX heads_run ON heads (run, tenant)")


RUNS = FileKind(
    "runs",
    migrations=(m001_runs,),
    busy_seconds=0.2,
    hint="Free the disk, or move the file away: runs then begin anew.",
)

_HEADS = """
SELECT prefix, run, answer, heads.seq = runs.head AS newest FROM heads JOIN runs USING (run, tenant)
WHERE prefix IN ({}) AND seen >= ? ORDER BY newest DESC, heads.seq DESC
"""
_ENTER = """
INSERT INTO runs VALUES (?, ?, ?, 0, ?, ?, ?, ?) ON CONFLICT (run, tenant) DO UPDATE SET
seq = excluded.seq, began = excluded.began, seen = excluded.seen, steps = excluded.steps,
spent = excluded.spent
"""


class SqliteRuns:
    """Implements ports.stores.RunStore. Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, most_steps: int = MOST_STEPS) -> None:
        self._database = Database(path, RUNS)
        self._most_steps = most_steps

    def heads(self, prefixes: Sequence[bytes], since: float) -> list[RunHead]:
        query = _HEADS.format(", ".join("?" * len(prefixes)))
        with self._database.reading() as db:
            rows = db.execute(query, (*prefixes, since))
            return [RunHead(prefix, run, kept, bool(last)) for prefix, run, kept, last in rows]

    def enter(
        self, tenant: str, run: str, at: float, since: float, admit: Callable[[RunRow], None]
    ) -> None:
        with self._database.writing() as db:
            kept = db.execute(
                "SELECT began, steps, spent FROM runs WHERE run = ? AND tenant = ? AND seen >= ?",
                (run, tenant, since),
            ).fetchone()
            row = RunRow(*kept) if kept else RunRow(at, 0, 0)
            admit(row)
            seq = self._next_seq(db, tenant)
            values = (tenant, run, seq, row.began, at, row.steps + 1, row.spent)
            db.execute(_ENTER, values)
            for table in ("heads", "runs"):
                db.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND seq <= ?",  # noqa: S608
                    (tenant, seq - _EACH * self._most_steps),
                )

    def leave(self, tenant: str, head: RunHead, at: float, cost: int) -> None:
        with self._database.writing() as db:
            seq = self._next_seq(db, tenant)
            done = db.execute(
                "UPDATE runs SET seq = ?, head = ?, seen = ?, spent = spent + ?,"
                " steps = max(0, steps - ?) WHERE run = ? AND tenant = ?",
                (seq, seq, at, cost, head.answer is None, head.run, tenant),
            )
            if done.rowcount:
                db.execute(
                    "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?)",
                    (head.prefix, tenant, head.run, head.answer, seq),
                )

    def owners(self, run: str) -> list[str]:
        with self._database.reading() as db:
            rows = db.execute("SELECT tenant FROM runs WHERE run = ?", (run,))
            return [tenant for (tenant,) in rows]

    def sweep(self, before: float) -> int:
        with self._database.writing() as db:
            over = db.execute("SELECT run, tenant FROM runs WHERE seen < ?", (before,)).fetchall()
            db.executemany("DELETE FROM heads WHERE run = ? AND tenant = ?", over)
            db.executemany("DELETE FROM runs WHERE run = ? AND tenant = ?", over)
        if over:
            self._database.wipe()
        return len(over)

    def close(self) -> None:
        self._database.close()

    @staticmethod
    def _next_seq(db: sqlite3.Connection, tenant: str) -> int:
        newest = db.execute("SELECT max(seq) FROM runs WHERE tenant = ?", (tenant,)).fetchone()[0]
        return (newest or 0) + 1
