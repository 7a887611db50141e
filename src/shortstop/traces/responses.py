"""Answers of the Responses API that a client may build on: `previous_response_id`.

One SQLite file beside the traces, shared by all workers. A row belongs to its owner: for anybody
else it does not exist.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.ports import Clock
from shortstop.traces.seal import Seal
from shortstop.types import Json

KEPT_SECONDS = 30 * 86_400.0
LONGEST_CHAIN = 1_000
BUSY_SECONDS = 2.0
LOCKED = b"\0"
"""How sealed values begin; JSON never does."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    parent TEXT,
    at REAL NOT NULL,
    turn BLOB NOT NULL,
    response BLOB NOT NULL,
    tenant TEXT NOT NULL DEFAULT '',
    conversation TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID
"""
ADDED = ("tenant", "conversation")
"""Columns that files of earlier versions do not have."""

_items = msgspec.json.Decoder(list[Json]).decode


class StoredResponse(Struct, frozen=True):
    """`turn` holds the items that this turn added: what was asked and what was answered.
    `tenant` and `conversation` are what it is erased by."""

    id: str
    parent: str | None
    turn: list[Json]
    response: Json
    tenant: str = ""
    conversation: str = ""


class ResponseStore:
    """Opened when first needed: most gateways never are asked to remember."""

    def __init__(self, path: Path, clock: Clock, seal: Seal | None = None) -> None:
        self._path = path
        self._clock = clock
        self._seal = seal
        self._db: sqlite3.Connection | None = None

    def keep(self, owner: str, kept: StoredResponse) -> None:
        now = self._clock.time()
        row = (
            kept.id,
            owner,
            kept.parent,
            now,
            self._locked(kept.id, kept.turn),
            self._locked(kept.id, kept.response),
            kept.tenant,
            kept.conversation,
        )
        with self._opened() as db:
            db.execute("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            db.execute("DELETE FROM responses WHERE at < ?", (now - KEPT_SECONDS,))

    def find(self, owner: str, id: str) -> StoredResponse | None:
        with self._opened() as db:
            row = db.execute(
                "SELECT parent, turn, response FROM responses"
                " WHERE id = ? AND owner = ? AND at >= ?",
                (id, owner, self._clock.time() - KEPT_SECONDS),
            ).fetchone()
        if row is None:
            return None
        turn, response = self._unlocked(id, row[1]), self._unlocked(id, row[2])
        return StoredResponse(id, row[0], _items(turn), msgspec.json.decode(response))

    def _locked(self, id: str, value: object) -> bytes:
        data = msgspec.json.encode(value)
        return data if self._seal is None else LOCKED + self._seal.lock(data, id)

    def _unlocked(self, id: str, data: bytes) -> bytes:
        if not data.startswith(LOCKED):
            return data
        if self._seal is None:
            raise StoreError(
                "Stored responses are sealed.", hint="Set the key that traces.key_env names."
            )
        return self._seal.unlock(data.removeprefix(LOCKED), id)

    def conversation(self, owner: str, id: str) -> list[Json] | None:
        """Every item up to and including response `id`, oldest first. None: a part is missing."""
        turns: list[list[Json]] = []
        at: str | None = id
        while at is not None:
            kept = self.find(owner, at)
            if kept is None or len(turns) >= LONGEST_CHAIN:
                return None
            turns.append(kept.turn)
            at = kept.parent
        return [item for turn in reversed(turns) for item in turn]

    def drop(self, owner: str, id: str) -> bool:
        """Whether there was such a response."""
        with self._opened() as db:
            done = db.execute("DELETE FROM responses WHERE id = ? AND owner = ?", (id, owner))
        return done.rowcount > 0

    def forget(self, tenant: str, conversation: str) -> int:
        """Delete every response of a conversation, and off the disk; how many there were."""
        with self._opened() as db:
            done = db.execute(
                "DELETE FROM responses WHERE tenant = ? AND conversation = ?",
                (tenant, conversation),
            )
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return done.rowcount

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._db is None:
                self._db = self._connect()
            yield self._db
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The stored responses in {self._path} cannot be used: {error}.",
                hint="Send the whole conversation with `store: false` meanwhile.",
                status=503,
            ) from error

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        db = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute(SCHEMA)
        known = {row[1] for row in db.execute("PRAGMA table_info(responses)")}
        for column in ADDED:
            if column not in known:
                db.execute(f"ALTER TABLE responses ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
        return db
