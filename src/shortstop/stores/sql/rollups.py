"""Sums of the traces by day and by hour, kept by the very transactions that write and delete rows.

So a sum is that of the rows that are there, at any moment and after any crash, and a page over a
year of traffic reads some thousand short rows. Times are UTC: `day` and `hour` count from 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from shortstop.stores.sql.database import SqlSession, SqlVariant
from shortstop.stores.sql.sums import AMOUNTS, BASES, COUNTS, POINT, basis, count, total

DAY, HOUR = 86_400, 3600
NONE = "(none)"
"""In place of a task or target that there was not."""
MOST_NAMED = 500
"""Rows that one statement names."""
_WITHIN = "seq > ? AND at >= ? AND at <= ?"


def _sums(counts: Sequence[str], amounts: Sequence[str] = ()) -> dict[str, str]:
    sums = {"rows": "count(*)"} | {name: f"sum({count(name)})" for name in counts}
    return sums | {
        name: f"sum({basis(name)})" if name in BASES else total(name) for name in amounts
    }


@dataclass(frozen=True)
class Rollup:
    """One table: the expressions of its keys and sums over `traces`, by column."""

    name: str
    keys: dict[str, str]
    sums: dict[str, str]

    def table(self, whole: str, real: str) -> str:
        """The statement that makes it, with the database's names of these types."""
        keys = [f"{key} {'TEXT' if key in _TEXTS else whole} NOT NULL" for key in self.keys]
        sums = [f"{name} {real if name in AMOUNTS else whole}" for name in self.sums]
        return (
            f"CREATE TABLE {self.name} ({', '.join([*keys, *sums])},"
            f" PRIMARY KEY ({', '.join(self.keys)}))"
        )

    def fill(self, db: SqlSession) -> None:
        """Count all rows that are there."""
        self._apply(db, "seq > ?", (0,), "+")

    def add(self, db: SqlSession, where: str, args: Sequence[float]) -> None:
        """Count the rows that `where` chooses."""
        self._apply(db, where, args, "+")

    def take(self, db: SqlSession, seqs: Sequence[int]) -> None:
        """Count these rows, which are still there, no longer."""
        self._apply(db, f"seq IN ({', '.join('?' * len(seqs))})", seqs, "-")
        db.execute(f"DELETE FROM {self.name} WHERE rows <= 0")  # noqa: S608 - our own name

    def _apply(self, db: SqlSession, where: str, args: Sequence[float], sign: str) -> None:
        begin, end = self._changes[sign]
        db.execute(f"{begin} FROM traces WHERE {where} {end}", args)

    @cached_property
    def _changes(self) -> dict[str, tuple[str, str]]:
        """By sign: what stands before the rows that are chosen, and what after."""
        columns = ", ".join([*self.keys, *self.sums])
        made = ", ".join([*self.keys.values(), *self.sums.values()])
        places = ", ".join(str(place) for place in range(1, len(self.keys) + 1))
        begin = f"INSERT INTO {self.name} ({columns}) SELECT {made}"
        end = f"GROUP BY {places} ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET "
        name, sums = self.name, self.sums
        return {
            sign: (begin, end + ", ".join(f"{n} = {name}.{n} {sign} excluded.{n}" for n in sums))
            for sign in "+-"
        }


_TEXTS = {"tenant", "task", "target", "baseline"}


@cache
def rollups(variant: SqlVariant) -> tuple[Rollup, Rollup]:
    """By day, and by hour."""
    daily = {
        "day": variant.whole(f"at / {DAY}"),
        "tenant": "tenant",
        "task": f"coalesce(task, '{NONE}')",
        "target": f"coalesce(target, '{NONE}')",
        "baseline": "coalesce(baseline, '')",
    }
    hourly = {"hour": variant.whole(f"at / {HOUR}"), "tenant": "tenant"}
    return (
        Rollup("daily", daily, _sums(tuple(COUNTS), (*AMOUNTS, *BASES))),
        Rollup("hourly", hourly, _sums(POINT)),
    )


def newest(db: SqlSession) -> int:
    """The number of the newest row."""
    seq: int = db.execute("SELECT coalesce(max(seq), 0) FROM traces").fetchone()[0]
    return seq


def add(
    db: SqlSession, variant: SqlVariant, after: int, times: tuple[float, float] | None = None
) -> None:
    """Count the rows that this transaction has written: those with a number above `after`, and of
    no other `times` than from the first to the second, if that is known."""
    where, args = ("seq > ?", (after,)) if times is None else (_WITHIN, (after, *times))
    for rollup in rollups(variant):
        rollup.add(db, where, args)


def recount(db: SqlSession, variant: SqlVariant, day: int) -> None:
    """Count the rows of a day anew: most of them have been deleted, uncounted."""
    daily, hourly = rollups(variant)
    db.execute("DELETE FROM daily WHERE day = ?", (day,))
    db.execute("DELETE FROM hourly WHERE hour >= ? AND hour < ?", (day * 24, day * 24 + 24))
    for rollup in (daily, hourly):
        rollup.add(db, "at >= ? AND at < ?", (day * DAY, (day + 1) * DAY))


def take(db: SqlSession, variant: SqlVariant, seqs: Sequence[int]) -> None:
    """Count these rows no longer; they are deleted next."""
    for start in range(0, len(seqs), MOST_NAMED):
        some = seqs[start : start + MOST_NAMED]
        for rollup in rollups(variant):
            rollup.take(db, some)
