"""What PostgreSQL says when something is wrong -> a StoreError that says what to do about it."""

from __future__ import annotations

from typing import NamedTuple

import psycopg
from psycopg import errors

from shortstop.errors import StoreError, StoreUnavailable

RETRY_SECONDS = 1.0


class _Cause(NamedTuple):
    """`code` goes into the error's body. What `passes` may be over at the next call."""

    code: str
    what: str
    hint: str
    passes: bool = True


_UNREACHABLE = _Cause(
    "store_unreachable",
    "cannot be reached",
    "See that PostgreSQL runs and that this machine may connect to it; nothing else is needed.",
)
_CREDENTIALS = _Cause(
    "store_credentials",
    "refuses this user or password",
    "Correct `url` under [store], or the server's pg_hba.conf.",
)
_NOT_ADMITTED = _Cause(
    "store_credentials",
    "lets nobody in from here as this user, in this way",
    "See the server's pg_hba.conf: it names users and addresses, and may ask for TLS (`sslmode`).",
)
_INSECURE = _Cause(
    "store_insecure",
    "cannot be reached over TLS as `sslmode` asks",
    "See the server's certificate, and sslmode and sslrootcert in `url` under [store].",
)
_NO_DATABASE = _Cause(
    "store_missing", "is not there", "Make it: `createdb --owner USER NAME` on the server."
)
_NO_SCHEMA = _Cause(
    "store_missing",
    "has none of the schemas that search_path names",
    "Make the schema, or correct search_path of this user and database.",
)
_READ_ONLY = _Cause(
    "store_read_only",
    "takes no writes now",
    "It may be a standby: name the primary under [store], or add target_session_attrs=read-write.",
)
_FULL = _Cause("store_full", "has no space left on its disk", "Free some on the server.")
_CROWDED = _Cause(
    "store_crowded",
    "has no connection left",
    "Raise max_connections on the server, or put PgBouncer before it; a process takes at most 6.",
)
_LOCKS = _Cause(
    "store_locks",
    "has no shared memory left",
    "Raise max_locks_per_transaction on the server (256 for half a year of days), or keep fewer"
    " days (`traces.retention_days`).",
)
_SLOW = _Cause("store_slow", "did not answer in time", "Look for what keeps the server busy.")
_CONFLICT = _Cause("store_conflict", "was asked for the same by another", "Try again.")
_FORBIDDEN = _Cause(
    "store_forbidden",
    "does not let this user do that",
    "Make the user the owner of the database, or grant it what is missing.",
)
_NO_TABLES = _Cause(
    "store_schema",
    "does not have the tables of this version",
    "Start `shortstop serve` once: it makes them.",
    passes=False,
)
_NO_URL = _Cause(
    "store_url",
    "is named by a URL that PostgreSQL, or the pooler before it, does not understand",
    "Correct `url` under [store]: postgresql://USER@HOST:PORT/NAME, with parameters of libpq;"
    " PgBouncer takes no `options`.",
    passes=False,
)
_TAKEN = _Cause("store_taken", "holds this already", "", passes=False)
_VALUES = _Cause("store_values", "cannot hold this", "", passes=False)
_UNKNOWN = _Cause("store_error", "cannot do that", "See the server's log.")

_BY_STATE = {
    "28P01": _CREDENTIALS, "28000": _CREDENTIALS, "3D000": _NO_DATABASE, "25006": _READ_ONLY,
    "53100": _FULL, "53200": _LOCKS, "53300": _CROWDED, "57014": _SLOW, "55P03": _SLOW,
    "25P03": _SLOW, "25P04": _SLOW, "40001": _CONFLICT, "40P01": _CONFLICT, "42501": _FORBIDDEN,
    "42P01": _NO_TABLES, "42703": _NO_TABLES, "3F000": _NO_SCHEMA, "23505": _TAKEN,
}  # fmt: skip
_BY_CLASS = {
    "08": _UNREACHABLE, "57": _UNREACHABLE, "28": _CREDENTIALS, "22": _VALUES, "23": _VALUES,
}  # fmt: skip
_BY_WORDS = (
    ("too many", _CROWDED),
    ("remaining connection slots", _CROWDED),
    ("no more connections allowed", _CROWDED),
    ("pg_hba.conf", _NOT_ADMITTED),
    ("permission denied", _FORBIDDEN),
    ("not currently accepting connections", _UNREACHABLE),
    ("parameter", _NO_URL),
    ("no such database", _NO_DATABASE),
    ("no such user", _CREDENTIALS),
    ("password", _CREDENTIALS),
    ("authentication", _CREDENTIALS),
    ('role "', _CREDENTIALS),
    ('database "', _NO_DATABASE),
)
"""A connection that was refused has no state, only words after FATAL; some are PgBouncer's."""
_BY_OWN_WORDS = (
    ("no password supplied", _CREDENTIALS),
    ("bad: invalid", _NO_URL),
    ("for connection option", _NO_URL),
    ("definition of service", _NO_URL),
    ("SSL was required", _INSECURE),
    ("sslmode", _INSECURE),
    ("channel binding", _INSECURE),
    ("certificate", _INSECURE),
    ("session is read-only", _READ_ONLY),
    ("server is in hot standby", _READ_ONLY),
)
"""What the library on our side says of it."""


def as_store_error(error: psycopg.Error, where: str) -> StoreError:
    """The error for whoever asked; `where` names the database, and nothing secret."""
    cause = _cause(error)
    detail = f" (SQLSTATE {error.sqlstate})" if cause is _UNKNOWN and error.sqlstate else ""
    message = f"The database {where} {cause.what}{detail}."
    if cause.passes:
        return StoreUnavailable(
            message, hint=cause.hint, code=cause.code, retry_after=RETRY_SECONDS
        )
    return StoreError(message, hint=cause.hint, code=cause.code, status=503)


def at_fault(error: Exception) -> bool:
    """Whether a write failed because of the database, not because of the values."""
    return isinstance(error, psycopg.Error) and not isinstance(
        error, (psycopg.DataError, psycopg.IntegrityError)
    )


def is_silence(error: psycopg.Error) -> bool:
    """Whether the server was waited for in vain."""
    return isinstance(error, (errors.ConnectionTimeout, errors._WaitTimeout))


def is_crowding(error: psycopg.Error) -> bool:
    """Whether the server has no room for one more connection: those that there are go on."""
    return _cause(error) is _CROWDED


def _cause(error: psycopg.Error) -> _Cause:
    if is_silence(error):
        return _SLOW
    state = error.sqlstate
    if state is not None:
        return _BY_STATE.get(state) or _BY_CLASS.get(state[:2], _UNKNOWN)
    if isinstance(error, (psycopg.DataError, UnicodeError)):
        return _VALUES
    if isinstance(error, psycopg.ProgrammingError):
        return _NO_URL
    said = str(error)
    refusal = said.partition("FATAL:")[2]
    found = (cause for words, cause in _BY_WORDS if words in refusal)
    ours = (cause for words, cause in _BY_OWN_WORDS if words in said)
    return next(found, None) or next(ours, _UNREACHABLE)
