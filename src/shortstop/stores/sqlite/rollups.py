"""Sums of the traces by day and by hour, kept by the very transactions that write and delete rows.

So a sum is that of the rows that are there, at any moment and after any crash, and a page over a
year of traffic reads some thousand short rows. Times are UTC: `day` and `hour` count from 1970.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from shortstop.stores.sqlite.sums import AMOUNTS, BASES, COUNTS, POINT, basis, count

DAY, HOUR = 86_400, 3600
NONE = "(none)"
"""In place of a task or target that there was not."""
MOST_NAMED = 500
"""Rows that one statement names."""


def _sums(counts: Sequence[str], amounts: Sequence[str] = ()) -> dict[str, str]:
    sums = {"rows": "count(*)"} | {name: f"sum({count(name)})" for name in counts}
    return sums | {
        name: f"sum({basis(name)})" if name in BASES else f"total({name})" for name in amounts
    }


@dataclass(frozen=True, slots=True)
class Rollup:
    """One table: the expressions of its keys and sums over `traces`, by column."""

    name: str
    keys: dict[str, str]
    sums: dict[str, str]

    def create(self, db: sqlite3.Connection) -> None:
        """Make it, and fill it from the rows that are there."""
        keys = [f"{key} {'TEXT' if key in _TEXTS else 'INTEGER'} NOT NULL" for key in self.keys]
        sums = [f"{name} {'REAL' if name in AMOUNTS else 'INTEGER'}" for name in self.sums]
        db.execute(
            f"CREATE TABLE {self.name} ({', '.join([*keys, *sums])},"
            f" PRIMARY KEY ({', '.join(self.keys)})) STRICT, WITHOUT ROWID"
        )
        self._apply(db, "1", (), "+")

    def add(self, db: sqlite3.Connection, after: int) -> None:
        """Count the rows whose number is above `after`."""
        self._apply(db, "seq > ?", (after,), "+")

    def take(self, db: sqlite3.Connection, seqs: Sequence[int]) -> None:
        """Count these rows, which are still there, no longer."""
        self._apply(db, f"seq IN ({', '.join('?' * len(seqs))})", seqs, "-")
        db.execute(f"DELETE FROM {self.name} WHERE rows <= 0")  # noqa: S608 - our own name

    def _apply(self, db: sqlite3.Connection, where: str, args: Sequence[int], sign: str) -> None:
        columns = ", ".join([*self.keys, *self.sums])
        made = ", ".join([*self.keys.values(), *self.sums.values()])
        changed = ", ".join(f"{name} = {name} {sign} excluded.{name}" for name in self.sums)
        places = ", ".join(str(place) for place in range(1, len(self.keys) + 1))
        db.execute(
            f"INSERT INTO {self.name} ({columns})"  # noqa: S608 - made of fixed texts
            f" SELECT {made} FROM traces WHERE {where} GROUP BY {places}"
            f" ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {changed}",
            args,
        )


_TEXTS = {"tenant", "task", "target", "baseline"}
DAILY = Rollup(
    "daily",
    {
        "day": f"CAST(at / {DAY} AS INTEGER)",
        "tenant": "tenant",
        "task": f"coalesce(task, '{NONE}')",
        "target": f"coalesce(target, '{NONE}')",
        "baseline": "coalesce(baseline, '')",
    },
    _sums(tuple(COUNTS), (*AMOUNTS, *BASES)),
)
HOURLY = Rollup(
    "hourly", {"hour": f"CAST(at / {HOUR} AS INTEGER)", "tenant": "tenant"}, _sums(POINT)
)


def m007_rollups(db: sqlite3.Connection) -> None:
    """The sums, and the ways to the rows behind a figure."""
    DAILY.create(db)
    HOURLY.create(db)
    db.execute("CREATE INDEX traces_task_at ON traces (task, at, seq)")
    db.execute("CREATE INDEX traces_unanswered ON traces (at, seq) WHERE outcome != 'ok'")
    db.execute("CREATE INDEX traces_escalated ON traces (at, seq) WHERE escalated")


def newest(db: sqlite3.Connection) -> int:
    """The number of the newest row."""
    seq: int = db.execute("SELECT coalesce(max(seq), 0) FROM traces").fetchone()[0]
    return seq


def add(db: sqlite3.Connection, after: int) -> None:
    """Count the rows that this transaction has written: those with a number above `after`."""
    DAILY.add(db, after)
    HOURLY.add(db, after)


def take(db: sqlite3.Connection, seqs: Sequence[int]) -> None:
    """Count these rows no longer; they are deleted next."""
    for start in range(0, len(seqs), MOST_NAMED):
        some = seqs[start : start + MOST_NAMED]
        DAILY.take(db, some)
        HOURLY.take(db, some)
