"""Which conversations held what: one SQLite file, shared by all workers, that a restart survives.

A row is a conversation's digest and its highest tier; nothing of what was said is in it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shortstop.errors import StoreError
from shortstop.ports import Clock
from shortstop.types import UNNAMED, Tier

BUSY_SECONDS = 2.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS taints (
    tenant TEXT NOT NULL,
    conversation TEXT NOT NULL,
    tier INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (tenant, conversation)
) STRICT, WITHOUT ROWID
"""
KEEP = """
INSERT INTO taints VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET tier = max(tier, excluded.tier), at = excluded.at
"""
FIND = """
SELECT tier FROM taints
WHERE tenant = ? AND conversation = ? AND (at >= ? OR conversation NOT LIKE ?)
"""
NEWEST = """
SELECT tenant, conversation, tier FROM taints
WHERE at >= ? OR conversation NOT LIKE ? ORDER BY at DESC LIMIT ?
"""
BRIEF = UNNAMED + "%"

Row = tuple[str, str, Tier]


class TaintStore:
    """Rows older than `kept` seconds are dropped when it is opened; of a dialogue without a name
    none older than `brief` counts. All calls raise StoreError."""

    def __init__(self, path: Path, clock: Clock, kept: float, brief: float = 86_400.0) -> None:
        self._path, self._clock, self._brief = path, clock, brief
        self._threads = threading.Lock()
        with self._told():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(SCHEMA)
            self._db.execute("DELETE FROM taints WHERE at < ?", (clock.time() - kept,))

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        """A conversation's tier never goes down."""
        with self._told():
            self._db.execute(KEEP, (tenant, conversation, int(tier), self._clock.time()))

    def find(self, tenant: str, conversation: str) -> Tier:
        with self._told():
            row = self._db.execute(FIND, (tenant, conversation, self._since(), BRIEF)).fetchone()
        return Tier(row[0]) if row else Tier.S0

    def newest(self, most: int) -> list[Row]:
        """At most `most` rows, the newest last."""
        with self._told():
            rows = self._db.execute(NEWEST, (self._since(), BRIEF, most)).fetchall()
        return [(tenant, conversation, Tier(tier)) for tenant, conversation, tier in rows[::-1]]

    def close(self) -> None:
        self._db.close()

    def _since(self) -> float:
        return self._clock.time() - self._brief

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with self._threads:
                yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"What conversations held cannot be kept in {self._path}: {error}.",
                hint="Free the disk, or move the file away to begin anew.",
            ) from error
