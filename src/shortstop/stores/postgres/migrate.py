"""The schema of the database, changed only by steps that are appended, never edited.

Several versions of Shortstop may use one database while machines are updated one after the other:
a step *expands* (adds what the version before does not miss), and only a later version's step
*contracts* (takes away what nobody needs any more). Each runs in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from shortstop.errors import StoreError
from shortstop.stores.postgres.connect import BoundedConnection, connect, named
from shortstop.stores.postgres.failures import as_store_error
from shortstop.stores.postgres.schema import STEPS, SchemaStep

_LOCK = 0x73686F7274
"""Who migrates has the database to itself; the others wait and find it done."""
_VERSION = "SELECT version, oldest, copying FROM shortstop_schema"
_NO_LIMITS = """
SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0
"""
_CREATE = """
CREATE TABLE IF NOT EXISTS shortstop_schema (
    version INTEGER NOT NULL, oldest INTEGER NOT NULL, copying TEXT
)
"""


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """How many steps have run, how many the oldest Shortstop knows that can still use it, and what
    is being copied into it."""

    version: int
    oldest: int
    copying: str | None = None


def found(connection: psycopg.Connection[Any]) -> SchemaVersion:
    there = connection.execute("SELECT to_regclass('shortstop_schema') IS NOT NULL").fetchone()
    schema = _read(connection) if there and there[0] else None
    return schema or SchemaVersion(0, 0)


def _read(connection: psycopg.Connection[Any]) -> SchemaVersion | None:
    row = connection.execute(_VERSION).fetchone()
    return SchemaVersion(*row) if row else None


def outdated(connection: psycopg.Connection[Any], steps: Sequence[SchemaStep] = STEPS) -> bool:
    """Whether there are steps to take."""
    return found(connection).version < len(steps)


def check(
    connection: BoundedConnection, where: str, steps: Sequence[SchemaStep] = STEPS
) -> SchemaVersion:
    """Raises StoreError where this Shortstop cannot use the tables as they are."""
    _require_encoding(connection, where)
    schema = found(connection)
    _refuse_newer(schema, where, steps)
    require_whole(schema, where)
    if schema.version < len(steps):
        raise StoreError(
            f"The database {where} has schema version {schema.version}, not {len(steps)}.",
            hint="Run `shortstop store migrate`, or start `shortstop serve` once.",
            code="store_schema",
            status=503,
        )
    return schema


def migrate(connection: BoundedConnection, where: str, steps: Sequence[SchemaStep] = STEPS) -> int:
    """Bring the tables to the newest schema; how many steps that took. Several processes may call
    this at once. Raises StoreError where a newer Shortstop has taken away what this one needs."""
    _require_encoding(connection, where)
    done = 0
    while True:
        schema = found(connection)
        _refuse_newer(schema, where, steps)
        if schema.version >= len(steps):
            return done
        done += _next(connection, steps)


def migrate_at(url: str) -> int:
    """The same of the database with that URL."""
    try:
        with connect(url) as connection:
            return migrate(connection, named(url))
    except psycopg.Error as error:
        raise as_store_error(error, named(url)) from error


def finish_at(url: str) -> None:
    """No Shortstop from before this schema uses the database any more: it is refused from now on,
    and what it could not read may be written. Raises StoreError."""
    try:
        with connect(url) as connection:
            check(connection, named(url))
            with unhurried(connection):
                connection.execute("UPDATE shortstop_schema SET oldest = version")
    except psycopg.Error as error:
        raise as_store_error(error, named(url)) from error


def server_at(url: str) -> str:
    """The version of the server with that URL, whose tables this Shortstop can use. Raises
    StoreError."""
    try:
        with connect(url) as connection:
            check(connection, named(url))
            number = connection.info.server_version
    except psycopg.Error as error:
        raise as_store_error(error, named(url)) from error
    return f"{number // 10_000}.{number % 10_000}"


def _next(connection: BoundedConnection, steps: Sequence[SchemaStep]) -> bool:
    """Take one step, unless another process has taken it meanwhile."""
    with unhurried(connection):
        connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        connection.execute(_CREATE)
        schema = _read(connection)
        if schema is None:
            connection.execute("INSERT INTO shortstop_schema (version, oldest) VALUES (0, 0)")
            schema = SchemaVersion(0, 0)
        if schema.version >= len(steps):
            return False
        step, number = steps[schema.version], schema.version + 1
        for statement in step.statements:
            connection.execute(statement)
        oldest = number if step.contracts else schema.oldest
        connection.execute(
            "UPDATE shortstop_schema SET version = %s, oldest = %s", (number, max(1, oldest))
        )
    return True


@contextmanager
def unhurried(connection: BoundedConnection) -> Iterator[None]:
    """A transaction without the limits that the server's owner may have set for requests: what is
    done with whole tables takes longer."""
    with connection.transaction():
        connection.execute(_NO_LIMITS)
        yield


def _require_encoding(connection: BoundedConnection, where: str) -> None:
    """Raises StoreError for a database that cannot hold every text."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):
        raise StoreError(
            f"The database {where} has the encoding {encoding}: not every text fits into it.",
            hint="Make it anew with `createdb --encoding UTF8 --template template0`.",
            code="store_encoding",
            status=503,
        )


def require_whole(schema: SchemaVersion, where: str) -> None:
    """Raises StoreError while a copy into the database has not come to its end."""
    if schema.copying is not None:
        raise StoreError(
            f"The database {where} holds a part of what is being copied into it.",
            hint="Run `shortstop store copy` to its end; it goes on where it stopped.",
            code="store_copying",
            status=503,
        )


def _refuse_newer(schema: SchemaVersion, where: str, steps: Sequence[SchemaStep]) -> None:
    if schema.oldest > len(steps):
        raise StoreError(
            f"The database {where} has schema version {schema.version}, which needs at least"
            f" {schema.oldest}; this Shortstop knows {len(steps)}.",
            hint="Use the newer Shortstop that wrote it, or name another database under [store].",
            code="store_schema",
            status=503,
        )
