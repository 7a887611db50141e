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
}


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
