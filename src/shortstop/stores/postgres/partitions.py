"""The partitions of rows and their JSON, one of each for a day (UTC), made ahead by who writes.

A partition that cannot be made at once is none that rows wait for: they lie among the odd ones,
which hold what no day was made for. So do rows from before two days after the database was changed
to partitions, in one of their own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from psycopg import errors

from shortstop.stores.postgres.database import PostgresSession
from shortstop.stores.postgres.variant import POSTGRES
from shortstop.stores.sql import rollups
from shortstop.stores.sql.rollups import DAY

TABLES = {"bodies": "PRIMARY KEY (seq)", "traces": "PRIMARY KEY (seq), ADD UNIQUE (id)"}
"""Each with what holds within one of its partitions; bodies are moved first, for a row that leaves
takes its body with it."""
AHEAD, BEHIND = 2, 400
"""Days from today for which there are partitions: the next ones beforehand, earlier ones when a row
comes."""
_RETRY_SECONDS = 60.0
_LOCK_MS = 200
"""Others wait behind who waits for this lock, so it is given up early."""
_THERE = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'traces'::regclass AND relname ~ '^traces_[0-9]+$'
"""
_COUNT = "SELECT coalesce(sum(rows), 0) FROM daily WHERE day = ?"
_ELSEWHERE = errors.InvalidObjectDefinition, errors.CheckViolation
"""The day is in another partition, or too many rows of it are among the odd ones."""
MOST_MOVED = 10_000
"""Rows that came before their day was made, and are moved there."""
_EARLY = "SELECT seq FROM traces_odd WHERE at >= ? AND at < ? LIMIT ?"
_MOVE = """
WITH moved AS (DELETE FROM {table}_odd WHERE seq = ANY(?) RETURNING *)
INSERT INTO {name} SELECT * FROM moved
"""


class DayPartitions:
    """As one writer knows them; all writers take turns. Days are counted from 1970."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._retry = float("-inf")

    def make(self, db: PostgresSession, days: Iterable[int], today: int) -> None:
        """Those of the next days, and of `days` that are no odd ones. What cannot be made now is
        tried again by a later call."""
        wanted = {*range(today, today + AHEAD + 1), *days} - self._known
        wanted = {day for day in wanted if today - BEHIND <= day <= today + AHEAD}
        if not wanted or time.monotonic() < self._retry:
            return
        self._known |= set(there(db))
        for day in sorted(wanted - self._known):
            if not _made(db, day):
                self._retry = time.monotonic() + _RETRY_SECONDS
                return
            self._known.add(day)

    def forget(self) -> None:
        """Others may have changed them."""
        self._known.clear()


def there(db: PostgresSession) -> list[int]:
    """The days that have one, in order."""
    return sorted(int(re.sub(r"\D", "", name)) for (name,) in db.execute(_THERE).fetchall())


def drop(db: PostgresSession, day: int) -> int:
    """Delete the rows of a partition with everything about them; how many. 0: somebody reads for
    long."""
    rows, bodies = _name("traces", day), _name("bodies", day)
    count: int = db.execute(_COUNT, (day,)).fetchall()[0][0]
    try:
        with _at_once(db):
            db.execute(f"DELETE FROM grades USING {rows} WHERE grades.trace = {rows}.id")  # noqa: S608 - ours
            db.execute(f"DROP TABLE {rows}, {bodies}")
    except errors.LockNotAvailable:
        return 0
    rollups.recount(db, POSTGRES, day)
    db.execute("DELETE FROM prices_used WHERE day = ?", (day,))
    return max(1, count)


def _made(db: PostgresSession, day: int) -> bool:
    """Whether rows of the day have their place, if only among others."""
    span = day * DAY, (day + 1) * DAY
    early = [seq for (seq,) in db.execute(_EARLY, (*span, MOST_MOVED + 1)).fetchall()]
    try:
        with _at_once(db):
            for table, within in TABLES.items():
                name = _name(table, day)
                db.execute(f"CREATE TABLE {name} (LIKE {table})")
                db.execute(f"ALTER TABLE {name} ADD {within}")
                if 0 < len(early) <= MOST_MOVED:
                    db.execute(_MOVE.format(table=table, name=name), (early,))
            for table in TABLES:  # after both are filled: a row that leaves deletes its body
                db.execute(
                    f"ALTER TABLE {table} ATTACH PARTITION {_name(table, day)}"
                    f" FOR VALUES FROM ({span[0]}) TO ({span[1]})"
                )
    except _ELSEWHERE:
        return True
    except errors.LockNotAvailable:
        return False
    return True


@contextmanager
def _at_once(db: PostgresSession) -> Iterator[None]:
    """All of what it wraps or nothing, without waiting long for who reads."""
    db.execute("SAVEPOINT tables")
    try:
        db.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
        yield
        db.execute("SET LOCAL lock_timeout = 0")
    except (*_ELSEWHERE, errors.LockNotAvailable):
        db.execute("ROLLBACK TO tables")
        db.execute("RELEASE tables")
        raise
    db.execute("RELEASE tables")


def _name(table: str, day: int) -> str:
    return f"{table}_{day}"
