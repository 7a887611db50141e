"""Stored responses: what an earlier version wrote stays usable, and what is erased is gone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.stores.sqlite.responses import SqliteResponses
from shortstop.traces.responses import StoredResponse, StoredResponses
from tests.conftest import FakeClock

EARLIER = """
CREATE TABLE responses (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, parent TEXT, at REAL NOT NULL,
    turn BLOB NOT NULL, response BLOB NOT NULL
) STRICT, WITHOUT ROWID
"""


def kept(id: str, tenant: str, conversation: str) -> StoredResponse:
    return StoredResponse(id, None, [{"said": id}], {"id": id}, tenant, conversation)


def test_a_file_of_an_earlier_version_is_read_and_written(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "responses.db"
    with sqlite3.connect(path) as db:
        db.execute(EARLIER)
        row = ("resp_old", "acme", None, clock.time(), b'[{"said":"old"}]', b'{"id":"resp_old"}')
        db.execute("INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?)", row)
    store = StoredResponses(SqliteResponses(path), clock)
    assert store.conversation("acme", "resp_old") == [{"said": "old"}]
    store.keep("acme", kept("resp_new", "acme", "c1"))
    assert store.forget("acme", "c1") == 1
    assert store.conversation("acme", "resp_old") == [{"said": "old"}]
    store.close()


def test_only_the_named_conversation_of_the_named_tenant_is_erased(
    tmp_path: Path, clock: FakeClock
) -> None:
    store = StoredResponses(SqliteResponses(tmp_path / "responses.db"), clock)
    for id, tenant, conversation in (
        ("a", "acme", "c1"),
        ("b", "acme", "c2"),
        ("c", "rival", "c1"),
    ):
        store.keep(tenant, kept(id, tenant, conversation))
    assert store.forget("acme", "c1") == 1
    left = [
        id for id, owner in (("a", "acme"), ("b", "acme"), ("c", "rival")) if store.find(owner, id)
    ]
    assert left == ["b", "c"]
    store.close()
    assert not [p for p in tmp_path.iterdir() if b'"said":"a"' in p.read_bytes()]
