"""The one way to a PostgreSQL server: a connection that keeps no state and has a deadline."""

from __future__ import annotations

import logging
import time
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper

CONNECT_SECONDS = 2
"""The least that libpq knows."""
NAME = "shortstop"
NO_TEXT = "\0", "\N{REPLACEMENT CHARACTER}"
"""The one character that PostgreSQL's text cannot hold, and what is kept for it."""

logging.getLogger("psycopg").setLevel(logging.ERROR)
"""It warns of each statement that was sent along with one that failed; whoever asked is told."""

RV = TypeVar("RV")


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """Waits for the server until `deadline` (monotonic seconds), then is closed: nobody knows what
    state it is in."""

    deadline = float("inf")

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        left = max(0.0, self.deadline - time.monotonic())
        if left != float("inf"):
            timeout = left if timeout is None else min(left, timeout)
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


class _TextDumper(StrDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace(*NO_TEXT) if "\0" in obj else obj)


class _WholeLoader(Loader):
    """Sums of whole numbers are what PostgreSQL calls numeric."""

    def load(self, data: Any) -> int:
        return int(bytes(data))


def connect(url: str) -> BoundedConnection:
    """A connection in autocommit mode. Raises psycopg.Error."""
    connection = BoundedConnection.connect(
        url,
        autocommit=True,
        prepare_threshold=None,  # PgBouncer gives each transaction another server's connection
        connect_timeout=CONNECT_SECONDS,
        application_name=NAME,
        client_encoding="utf8",
    )
    connection.adapters.register_dumper(str, _TextDumper)
    connection.adapters.register_loader("numeric", _WholeLoader)
    return connection


def named(url: str) -> str:
    """How messages name the database. Clients see them: they say nothing of where it is."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "under [store]"
    return repr(parts.get("dbname") or parts.get("user") or "postgres")
