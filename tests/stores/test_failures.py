"""What PostgreSQL says to who wants to connect, which has no state: only words."""

from __future__ import annotations

import pytest

psycopg = pytest.importorskip("psycopg", reason="needs the extra [postgres]")

from shortstop.stores.postgres.failures import as_store_error  # noqa: E402

SAID = {
    'database "shop" does not exist': "store_missing",
    'role "gateway" does not exist': "store_credentials",
    'password authentication failed for user "gateway"': "store_credentials",
    "sorry, too many clients already": "store_crowded",
    "the database system is starting up": "store_unreachable",
    "the database system is shutting down": "store_unreachable",
    "the database system is in recovery mode": "store_unreachable",
    "the database system is not yet accepting connections": "store_unreachable",
    "terminating connection due to administrator command": "store_unreachable",
    'database "shop" is not currently accepting connections': "store_unreachable",
    'permission denied for database "shop"': "store_forbidden",
    'no pg_hba.conf entry for host "::1", user "password", no encryption': "store_credentials",
    'pg_hba.conf rejects connection for host "::1", database "shop"': "store_credentials",
    'unrecognized configuration parameter "colour"': "store_url",
    "no such database: shop": "store_missing",
    "no such user": "store_credentials",
    "SASL authentication failed": "store_credentials",
    "no more connections allowed (max_client_conn)": "store_crowded",
    "unsupported startup parameter: options": "store_url",
    "query_wait_timeout": "store_unreachable",
}
"""The last ones are PgBouncer's."""
REFUSED_HERE = {
    "/x?port=99999": "store_url",
    "/x?port=five": "store_url",
    "/x?service=none": "store_url",
    "/x?sslmode=loud": "store_url",
    "/x?sslmode=require&sslrootcert=system": "store_insecure",
}
"""URLs that PostgreSQL's library refuses by itself. Port 1 is nobody's."""


@pytest.mark.parametrize("words", SAID)
def test_a_refused_connection_has_a_name(words: str) -> None:
    error = psycopg.OperationalError(f'connection to server on socket "/x" failed: FATAL:  {words}')
    told = as_store_error(error, "db")
    assert told.code == SAID[words]
    assert told.hint


def test_a_server_without_room_for_locks_is_told_apart_from_a_crowded_one() -> None:
    """A question about all days locks a table for each."""
    told = as_store_error(psycopg.errors.OutOfMemory("out of shared memory"), "db")
    assert told.code == "store_locks"
    assert "max_locks_per_transaction" in (told.hint or "")


@pytest.mark.parametrize("rest", REFUSED_HERE)
def test_what_the_library_refuses_by_itself_has_a_name(rest: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(f"postgresql://u@127.0.0.1:1{rest}")
    assert as_store_error(caught.value, "db").code == REFUSED_HERE[rest]


def test_a_limit_of_the_server_is_not_said_to_be_one_on_connections() -> None:
    """`temp_file_limit` and its like."""
    told = as_store_error(psycopg.errors.ConfigurationLimitExceeded("temporary file size"), "db")
    assert told.code == "store_error"
    assert "53400" in str(told)
