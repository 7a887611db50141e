"""What changed, as the server tells it at once: a hint, beside which everybody goes on looking.

LISTEN needs a connection of its own that is the server's, not a pooler's, which lends each
transaction another one. Where there is none, or it breaks, nothing is lost but time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

import psycopg

from shortstop.ports.replicas import EVENTS, KEYS
from shortstop.stores.postgres.connect import BoundedConnection, connect
from shortstop.stores.sql.database import SqlSession

log = logging.getLogger(__name__)

CHANNEL = "shortstop"
TURN_SECONDS = 1.0
"""Between looks whether this is to end."""
CHECK_SECONDS, ANSWER_SECONDS = 30.0, 5.0
"""So often a connection that says nothing is asked whether it lives, and so long it may take."""
PAUSE_SECONDS, POOLED_SECONDS = 5.0, 300.0
"""Until the next try, and where a pooler stands between."""


def tell(db: SqlSession, what: str) -> None:
    """All who listen, when this transaction is committed."""
    db.execute("SELECT pg_notify(?, ?)", (CHANNEL, what))


class PostgresHints:
    """Implements ports.replicas.Hints, by a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, told: Callable[[str], None]) -> None:
        self._thread = threading.Thread(
            target=self._run, args=(told,), name="shortstop-hints", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, told: Callable[[str], None]) -> None:
        pause = 0.0
        while not self._closed.wait(pause):
            pause = PAUSE_SECONDS
            with suppress(psycopg.Error), closing(connect(self._url)) as connection:
                if not _direct(connection):
                    log.info("a pooler stands before the database: changes are looked for instead")
                    pause = POOLED_SECONDS
                    continue
                self._heard(connection, told)

    def _heard(self, connection: BoundedConnection, told: Callable[[str], None]) -> None:
        """Until the end. Raises psycopg.Error."""
        _asked(connection, f"LISTEN {CHANNEL}")
        for what in (KEYS, EVENTS):  # what was told before was not heard
            told(what)
        checked = time.monotonic()
        while not self._closed.is_set():
            for hint in connection.notifies(timeout=TURN_SECONDS):
                told(hint.payload)
                if self._closed.is_set():
                    return
            if time.monotonic() - checked > CHECK_SECONDS:
                _asked(connection, "SELECT 1")
                checked = time.monotonic()


def _direct(connection: BoundedConnection) -> bool:
    """Whether the server's process is the one that greeted us: a pooler greets by itself."""
    row = _asked(connection, "SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _asked(connection: BoundedConnection, query: str) -> psycopg.Cursor[tuple[object, ...]]:
    connection.deadline = time.monotonic() + ANSWER_SECONDS
    try:
        return connection.execute(query)
    finally:
        connection.deadline = float("inf")
