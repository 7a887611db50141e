"""Signs of life in the database, by its server's clock: machines' own may differ."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from shortstop.errors import StoreError
from shortstop.stores.sql.database import SqlDatabase, SqlSession

log = logging.getLogger(__name__)

LIVES_SECONDS = 180
"""After its last sign of life an owner counts as dead."""
SIGN_SECONDS = 30.0
_SIGN = f"""
INSERT INTO owners (name, until) VALUES (?, clock_timestamp() + interval '{LIVES_SECONDS} seconds')
ON CONFLICT (name) DO UPDATE SET until = excluded.until
"""  # noqa: S608 - made of fixed texts
_FORGET_DEAD = "DELETE FROM owners WHERE until < clock_timestamp() - interval '1 day'"
LIVING = f"""
until > clock_timestamp() AND until < clock_timestamp() + interval '{2 * LIVES_SECONDS} seconds'
"""
"""Of a row of `owners`. No sign is good for longer: that was set by hand, or the server's clock
went back."""
_LIVES = f"SELECT 1 FROM owners WHERE name = ? AND {LIVING}"  # noqa: S608 - of fixed texts


def alive(db: SqlSession, name: str) -> bool:
    return db.execute(_LIVES, (name,)).fetchone() is not None


class Heartbeat:
    """From the first thing that is owned until `stop`."""

    def __init__(self, database: SqlDatabase, name: str) -> None:
        self.name = name
        self._database = database
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, db: SqlSession) -> None:
        """Part of the transaction that makes us own something."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(
                target=self._run, name="shortstop-heartbeat", daemon=True
            )
        db.execute(_SIGN, (self.name,))
        self._thread.start()

    def stop(self) -> None:
        """What is still owned is nobody's from now on."""
        self._stopped.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
            with suppress(StoreError), self._database.reading() as db:
                db.execute("DELETE FROM owners WHERE name = ?", (self.name,))

    def _run(self) -> None:
        """An outage is no reason to stop: whoever decides who is dead needs the database too."""
        while True:
            with suppress(StoreError), self._database.reading() as db:
                db.execute(_SIGN, (self.name,))
                db.execute(_FORGET_DEAD)
            if self._stopped.wait(SIGN_SECONDS):
                return
