"""Who leads: a row with an end, by the server's clock, and a number that only rises.

No lock of a session, which PgBouncer in transaction mode would give to somebody else. Whoever
writes as the leader holds the row while it does: the next term begins after the write, or refuses
it.
"""

from __future__ import annotations

from shortstop.errors import NotLeading
from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.sql.database import SqlSession

NAME = "gateway"
_LEAD = """
INSERT INTO leaders (name, holder, term, until)
VALUES (?, ?, 1, clock_timestamp() + ? * interval '1 second')
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,
term = leaders.term + CASE WHEN leaders.holder = excluded.holder THEN 0 ELSE 1 END
WHERE leaders.holder = excluded.holder OR leaders.until < clock_timestamp()
OR leaders.until > excluded.until + interval '1 minute'
RETURNING term
"""
"""One that ends later than any that is given was set by hand, or the server's clock went back."""
_RESIGN = "UPDATE leaders SET until = '-infinity' WHERE name = ? AND holder = ?"
_TERM = "SELECT 1 FROM leaders WHERE name = ? AND term = ?"
_CLAIM = "INSERT INTO claimed_jobs (job, due) VALUES (?, ?) ON CONFLICT DO NOTHING"
_FORGET_CLAIMS = "DELETE FROM claimed_jobs WHERE at < clock_timestamp() - interval '31 days'"
_NOTE = """
INSERT INTO leader_notes (name, data) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET data = excluded.data
"""
_REPORT = """
INSERT INTO replica_reports (replica, data, at) VALUES (?, ?, clock_timestamp())
ON CONFLICT (replica) DO UPDATE SET data = excluded.data, at = excluded.at
"""
_REPORTS = """
SELECT data FROM replica_reports WHERE at > clock_timestamp() - ? * interval '1 second'
ORDER BY replica
"""
_FORGET_REPORTS = "DELETE FROM replica_reports WHERE at < clock_timestamp() - interval '1 day'"


class PostgresLeaders:
    """Implements ports.replicas.LeaderStore."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def lead(self, holder: str, seconds: float) -> int | None:
        with self._database.reading() as db:
            row = db.execute(_LEAD, (NAME, holder, float(seconds))).fetchone()
        return row[0] if row else None

    def resign(self, holder: str) -> None:
        with self._database.reading() as db:
            db.execute(_RESIGN, (NAME, holder))

    def confirm(self, term: int) -> bool:
        with self._database.reading() as db:
            return db.execute(_TERM, (NAME, term)).fetchone() is not None

    def claim(self, job: str, due: float) -> bool:
        with self._database.writing() as db:
            db.execute(_FORGET_CLAIMS)
            return db.execute(_CLAIM, (job, due)).rowcount == 1

    def note(self, name: str) -> bytes | None:
        with self._database.reading() as db:
            row = db.execute("SELECT data FROM leader_notes WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def write_note(self, term: int, name: str, data: bytes) -> None:
        with self._database.writing() as db:
            require_term(db, term)
            db.execute(_NOTE, (name, data))

    def report(self, replica: str, data: bytes) -> None:
        with self._database.reading() as db:
            db.execute(_REPORT, (replica, data))
            db.execute(_FORGET_REPORTS)

    def reports(self, seconds: float) -> list[bytes]:
        with self._database.reading() as db:
            return [data for (data,) in db.execute(_REPORTS, (float(seconds),)).fetchall()]

    def require_schema(self) -> None:
        self._database.require_schema()

    def close(self) -> None:
        self._database.close()


def require_term(db: SqlSession, term: int) -> None:
    """The next term does not begin before this transaction is over. Raises NotLeading."""
    if db.execute(f"{_TERM} FOR SHARE", (NAME, term)).fetchone() is None:
        raise NotLeading("Another machine leads by now: this one's write is refused.")
