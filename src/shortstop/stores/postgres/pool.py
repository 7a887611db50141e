"""The connections of one process: few, opened when they are needed, and none waited for in vain.

psycopg's own pool connects in the background: who asks while the server is away waits for its
timeout and is told nothing of why. Requests wait for these calls, so here the caller connects
and hears the reason at once, and so do all others until the server is back.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.pq import TransactionStatus

from shortstop.errors import StoreUnavailable
from shortstop.stores.postgres.connect import BoundedConnection, connect, named
from shortstop.stores.postgres.failures import (
    RETRY_SECONDS,
    as_store_error,
    is_crowding,
    is_silence,
)

log = logging.getLogger(__name__)

WRITERS, READERS, BACKGROUND = 2, 2, 1
"""At most five in all, and one that listens (`hints.py`). Reports, pages and what is done in the
background never take what requests wait for."""
TURN_SECONDS = 4.0
"""Waited for a connection that others hold: nearly as long as a request waits for what it needs."""


class Outage:
    """Why the server cannot be used now. Until it is over nobody waits for the server but a thread
    of its own, which tries again and again."""

    def __init__(self, url: str) -> None:
        self.where = named(url)
        self._url = url
        self._lock = threading.Lock()
        self._error: psycopg.Error | None = None
        self._closed = threading.Event()

    def check(self) -> None:
        """Raises StoreError during an outage."""
        error = self._error
        if error is not None:
            raise as_store_error(error, self.where)

    def begin(self, error: psycopg.Error) -> None:
        with self._lock:
            news = self._error is None and not self._closed.is_set()
            if news:
                self._error = error
        if news:
            log.warning("the database %s: %s", self.where, str(error).strip())
            threading.Thread(target=self._try, name="shortstop-database", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _try(self) -> None:
        while not self._closed.wait(RETRY_SECONDS):
            try:
                connect(self._url).close()
            except psycopg.Error as error:
                self._error = error
            else:
                self._error = None
                log.warning("the database %s is back", self.where)
                return


class ConnectionPool:
    """At most `most` connections, the one that was used last first. Thread-safe."""

    def __init__(self, url: str, most: int, outage: Outage) -> None:
        self._url = url
        self._outage = outage
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._idle: list[BoundedConnection] = []
        self._closed = False

    @contextmanager
    def connection(self, seconds: float) -> Iterator[BoundedConnection]:
        """One that answers within so many seconds or fails. Raises StoreError for its failures."""
        self._outage.check()
        if not self._places.acquire(timeout=TURN_SECONDS):
            raise StoreUnavailable(
                f"All connections of this process to the database {self._outage.where} are in use.",
                hint="Look for what keeps the server busy.",
                code="store_slow",
                retry_after=RETRY_SECONDS,
            )
        try:
            with self._taken(seconds) as connection:
                yield connection
        except psycopg.Error as error:
            raise as_store_error(error, self._outage.where) from error
        finally:
            self._places.release()

    @contextmanager
    def _taken(self, seconds: float) -> Iterator[BoundedConnection]:
        try:
            connection = self._found() or connect(self._url)
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError) and not is_crowding(error):
                self._outage.begin(error)
            raise
        connection.deadline = time.monotonic() + seconds
        try:
            yield connection
        except psycopg.Error as error:
            if is_silence(error):
                self._outage.begin(error)
            raise
        finally:
            self._give_back(connection)

    def _found(self) -> BoundedConnection | None:
        """An idle one that the server has not given up meanwhile."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not _hung_up(connection):
                return connection
            connection.close()

    def _give_back(self, connection: BoundedConnection) -> None:
        clean = connection.pgconn.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if clean and not self._closed:
                self._idle.append(connection)
                return
        with suppress(psycopg.Error):
            connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            connection.close()


class DatabaseServer:
    """A database of a server, as one process uses it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._outage = Outage(url)
        self.where = self._outage.where
        self.writers = ConnectionPool(url, WRITERS, self._outage)
        self.readers = ConnectionPool(url, READERS, self._outage)
        self.background = ConnectionPool(url, BACKGROUND, self._outage)
        self.checked = threading.Event()
        """Whether the tables are those of this version."""

    def close(self) -> None:
        self._outage.close()
        self.writers.close()
        self.readers.close()
        self.background.close()


class Servers:
    """Those that this process uses: who opens the same one shares its connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[DatabaseServer, int]] = {}

    def open(self, url: str) -> DatabaseServer:
        with self._lock:
            server, users = self._open.get(url) or (DatabaseServer(url), 0)
            self._open[url] = server, users + 1
            return server

    def close(self, server: DatabaseServer) -> None:
        """The last user's connections are closed."""
        with self._lock:
            _, users = self._open[server.url]
            if users > 1:
                self._open[server.url] = server, users - 1
                return
            del self._open[server.url]
        server.close()

    def users(self, url: str) -> int:
        """How many have it open."""
        with self._lock:
            return self._open[url][1] if url in self._open else 0


SERVERS = Servers()
"""The process's: however many stores are open, its connections are counted together."""


def _hung_up(connection: BoundedConnection) -> bool:
    """Nothing is to be read from a connection that rests, unless it is over."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
