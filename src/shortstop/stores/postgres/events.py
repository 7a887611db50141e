"""What replicas learn: events in one order, and snapshots.

The server numbers rows when they are inserted, and readers see them when they are committed. A
reader that goes on behind the last number it has seen would miss a row that was numbered before and
committed after. So whoever publishes waits for its turn first, by a lock that is released when the
rows can be seen: numbers are given in the order in which they become visible.
"""

from __future__ import annotations

from collections.abc import Sequence

from shortstop.ports.replicas import EVENTS
from shortstop.stores.postgres.hints import tell
from shortstop.stores.postgres.leaders import require_term
from shortstop.stores.sql.database import SqlDatabase, SqlSession
from shortstop.types.replicas import EventPage, SealedEvent, StateSnapshot, StoredEvent

_EVENTS, _SNAPSHOTS = "learned events", "learned snapshots"
_ADD = "INSERT INTO learned_events (writer, number, message) VALUES (?, ?, ?)"
_PUBLISHED = """
INSERT INTO event_writers (writer, published, at) VALUES (?, ?, clock_timestamp())
ON CONFLICT (writer) DO UPDATE SET published = excluded.published, at = excluded.at
"""
_DELETED = "SELECT coalesce(min(upto), 0) AS deleted FROM learned_snapshots"
_AFTER = f"""
SELECT deleted, id, writer, number, message FROM ({_DELETED}) AS snapshots LEFT JOIN
(SELECT id, writer, number, message FROM learned_events WHERE id > ? ORDER BY id LIMIT ?) AS events
ON true ORDER BY id
"""  # noqa: S608 - made of fixed texts
_KEEP = "INSERT INTO learned_snapshots (upto, digest, data) VALUES (?, ?, ?)"
_LAST_TWO = "SELECT seq FROM learned_snapshots ORDER BY seq DESC LIMIT 2"
_DROP = f"DELETE FROM learned_snapshots WHERE seq NOT IN ({_LAST_TWO})"  # noqa: S608 - fixed texts
_HELD_BY_BOTH = f"DELETE FROM learned_events WHERE id <= ({_DELETED})"  # noqa: S608 - fixed texts
_FORGET_WRITERS = "DELETE FROM event_writers WHERE at < clock_timestamp() - interval '30 days'"


class PostgresEvents:
    """Implements ports.replicas.EventStore. `slow` is for snapshots, which may take their time."""

    def __init__(self, database: SqlDatabase, slow: SqlDatabase) -> None:
        self._database = database
        self._slow = slow

    def publish(self, events: Sequence[SealedEvent]) -> int:
        with self._database.writing(_EVENTS) as db:
            published = _last_numbers(db, {event.writer for event in events})
            new = []
            for event in events:
                if event.number > published.get(event.writer, 0):
                    published[event.writer] = event.number
                    new.append(event)
            if new:
                db.executemany(_ADD, [(one.writer, one.number, one.message) for one in new])
                writers = {one.writer for one in new}
                db.executemany(_PUBLISHED, [(name, published[name]) for name in sorted(writers)])
                tell(db, EVENTS)
        return len(new)

    def after(self, id: int, limit: int) -> EventPage:
        with self._database.reading() as db:
            rows = db.execute(_AFTER, (id, limit)).fetchall()
        found = [StoredEvent(id, SealedEvent(*event)) for _, id, *event in rows if id is not None]
        return EventPage(rows[0][0], found)

    def begin(self, snapshot: StateSnapshot) -> bool:
        with self._slow.writing(_SNAPSHOTS) as db:
            if db.execute("SELECT 1 FROM learned_snapshots LIMIT 1").fetchone():
                return False
            db.execute(_KEEP, (snapshot.upto, snapshot.digest, snapshot.data))
        return True

    def snapshots(self) -> list[StateSnapshot]:
        with self._slow.reading() as db:
            rows = db.execute(
                "SELECT upto, digest, data FROM learned_snapshots ORDER BY seq DESC LIMIT 2"
            ).fetchall()
        return [StateSnapshot(*row) for row in rows]

    def keep_snapshot(self, term: int, snapshot: StateSnapshot) -> int:
        with self._slow.writing(_SNAPSHOTS) as db:
            require_term(db, term)
            db.execute(_KEEP, (snapshot.upto, snapshot.digest, snapshot.data))
            db.execute(_DROP)
            db.execute(_FORGET_WRITERS)
            return db.execute(_HELD_BY_BOTH).rowcount

    def close(self) -> None:
        self._database.close()
        self._slow.close()


def _last_numbers(db: SqlSession, writers: set[str]) -> dict[str, int]:
    marks = ", ".join("?" for _ in writers) or "NULL"
    query = f"SELECT writer, published FROM event_writers WHERE writer IN ({marks})"  # noqa: S608
    return dict(db.execute(query, sorted(writers)).fetchall())
