"""Stores' tables and sources of rows in PostgreSQL: transactions, turns, and what is read."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg

from shortstop.errors import StoreError
from shortstop.stores.postgres.connect import BoundedConnection, named
from shortstop.stores.postgres.failures import as_store_error
from shortstop.stores.postgres.migrate import check, migrate, outdated
from shortstop.stores.postgres.pool import SERVERS, DatabaseServer
from shortstop.stores.postgres.variant import POSTGRES
from shortstop.stores.sql.database import Record
from shortstop.stores.sql.figures import late

REPORT_SECONDS = 600.0
"""What a report over everything may take."""
MIGRATION_SECONDS = 3600.0
"""What changing the tables may take."""
PAGE_ROWS = 50
"""Fetched at once where whoever reads may stop early."""
_GRACE_SECONDS = 0.5
"""The server gives up by itself; beyond that it does not answer at all."""


class PostgresSession:
    """Implements sql.database.SqlSession."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def execute(self, query: str, args: Sequence[Any] = (), /) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._connection.execute(translated(query), args)

    def executemany(self, query: str, args: Iterable[Sequence[Any]], /) -> None:
        self._connection.cursor().executemany(translated(query), args)

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows by COPY; `columns` are names with their types, as PostgreSQL calls them."""
        names = ", ".join(f'"{name}"' for name in columns)
        command = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        with self._connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row(row)


class PostgresDatabase:
    """Implements sql.database.SqlDatabase. `seconds` is what one call may take; in the `background`
    it never takes a connection that requests wait for."""

    variant = POSTGRES
    exists = True

    def __init__(self, url: str, seconds: float, *, background: bool = False) -> None:
        self._url = url
        self._seconds = seconds
        self._background = background
        self._lock = threading.Lock()
        self._server: DatabaseServer | None = None
        self._closed = False

    def open(self) -> None:
        with self.reading():
            pass

    @contextmanager
    def reading(self) -> Iterator[PostgresSession]:
        with self._connection() as connection:
            yield PostgresSession(connection)

    @contextmanager
    def writing(self, *subjects: str) -> Iterator[PostgresSession]:
        """Who names the same waits for its turn: a lock that ends with the transaction."""
        with self._connection() as connection, transaction(connection, self._seconds, subjects):
            yield PostgresSession(connection)

    def require_schema(self) -> None:
        """Raises StoreError where the tables are, by now, not those of this version."""
        with self._connection() as connection:
            check(connection, named(self._url))

    def wipe(self) -> None:
        """What was deleted is gone for every reader at once; when the server uses its bytes again,
        and how long they are in its log and backups, is its own business."""

    def close(self) -> None:
        with self._lock:
            self._closed = True
            server, self._server = self._server, None
        if server is not None:
            SERVERS.close(server)

    @contextmanager
    def _connection(self) -> Iterator[BoundedConnection]:
        server = self._opened()
        pool = server.background if self._background else server.writers
        with pool.connection(self._seconds + _GRACE_SECONDS) as connection:
            if not server.checked.is_set():
                self._prepare(connection, server.where)
                server.checked.set()
            yield connection

    def _prepare(self, connection: BoundedConnection, where: str) -> None:
        """Whether the tables have to change is known at once; changing large ones takes a while."""
        if outdated(connection):
            connection.deadline = time.monotonic() + MIGRATION_SECONDS
            migrate(connection, where)
            connection.deadline = time.monotonic() + self._seconds + _GRACE_SECONDS
        check(connection, where)

    def _opened(self) -> DatabaseServer:
        with self._lock:
            if self._closed:
                raise StoreError("The store is closed.", status=503)
            if self._server is None:
                self._server = SERVERS.open(self._url)
            return self._server


class PostgresQueries:
    """Implements sql.database.Queries over one transaction, for at most so many seconds."""

    def __init__(self, connection: BoundedConnection, where: str, seconds: float | None) -> None:
        self._connection = connection
        self._where = where
        self._seconds = seconds
        self._deadline = time.monotonic() + (seconds or REPORT_SECONDS)

    def all(self, query: str, args: Sequence[Any] = ()) -> list[Record]:
        with self._failing():
            return self._connection.execute(translated(query), args).fetchall()

    def each(self, query: str, args: Sequence[Any] = ()) -> Iterator[Record]:
        with self._failing(), self._connection.cursor("shortstop") as cursor:
            cursor.itersize = PAGE_ROWS
            yield from cursor.execute(translated(query), args)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            if time.monotonic() > self._deadline:
                raise psycopg.errors.QueryCanceled
            yield
        except psycopg.errors.QueryCanceled as error:
            if self._seconds is None:
                raise as_store_error(error, self._where) from error
            raise late(self._seconds) from error
        except psycopg.Error as error:
            raise as_store_error(error, self._where) from error


class PostgresSource:
    """Implements sql.database.Source."""

    variant = POSTGRES

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def pages(self) -> Iterator[PostgresPages]:
        server = SERVERS.open(self._url)  # else each page would connect anew
        try:
            yield PostgresPages(self)
        finally:
            SERVERS.close(server)

    @contextmanager
    def snapshot(self, seconds: float | None = None) -> Iterator[PostgresQueries]:
        server = SERVERS.open(self._url)
        allowed = seconds or REPORT_SECONDS
        try:
            with server.readers.connection(allowed + _GRACE_SECONDS) as connection:
                if not server.checked.is_set():
                    check(connection, server.where)
                    server.checked.set()
                with transaction(connection, allowed, reading=True):
                    yield PostgresQueries(connection, server.where, seconds)
        finally:
            SERVERS.close(server)


class PostgresPages:
    """Implements sql.database.Queries: each in a transaction of its own, nothing held between."""

    def __init__(self, source: PostgresSource) -> None:
        self._source = source

    def all(self, query: str, args: Sequence[Any] = ()) -> list[Record]:
        with self._source.snapshot() as queries:
            return queries.all(query, args)

    def each(self, query: str, args: Sequence[Any] = ()) -> Iterator[Record]:
        return iter(self.all(query, args))


@contextmanager
def transaction(
    connection: BoundedConnection,
    seconds: float,
    subjects: Iterable[str] = (),
    *,
    reading: bool = False,
) -> Iterator[None]:
    """Begun, with its limits and its turns, in one message to the server."""
    kind = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if reading else ""
    limit = max(1, int(seconds * 1000))
    turns = ", ".join(map(str, sorted(map(_turn, subjects))))
    locks = f"SELECT pg_advisory_xact_lock(turn) FROM unnest(ARRAY[{turns}]::bigint[]) AS turn"  # noqa: S608 - numbers
    connection.execute(
        "; ".join(
            (
                f"BEGIN{kind}",
                f"SELECT set_config('statement_timeout', '{limit}', true),"
                f" set_config('idle_in_transaction_session_timeout', '{limit}', true),"
                " set_config('jit', 'off', true)",  # compiling one over many days takes seconds
                *([locks] if turns else []),
            )
        )
    )
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error):  # then the server undoes it itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _turn(subject: str) -> int:
    """Of the subject's name, for the server knows numbers."""
    return int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=8).digest(), signed=True)


@lru_cache(maxsize=1024)
def translated(query: str) -> str:
    """With psycopg's mark for each argument."""
    return query.replace("%", "%%").replace("?", "%s")
