"""Which conversations held what: one file, shared by all workers.

A row is a conversation's digest and its highest tier; nothing of what was said is in it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from shortstop.ports import Clock
from shortstop.stores.sqlite.connect import Database, FileKind
from shortstop.types import UNNAMED, Tier
from shortstop.types.rows import TaintRow


def m001_taints(db: sqlite3.Connection) -> None:
    """Files from before there were versions have the table already."""
    db.execute(
        """
        CREATE TABLE IF NOT EXISTS taints (
            tenant TEXT NOT NULL,
            conversation TEXT NOT NULL,
            tier INTEGER NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (tenant, conversation)
        ) STRICT, WITHOUT ROWID
        """
    )


TAINTS = FileKind(
    "conversations' tiers",
    migrations=(m001_taints,),
    hint="Free the disk, or move the file away to begin with an empty one.",
)

_KEEP = """
INSERT INTO taints VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET tier = max(tier, excluded.tier), at = excluded.at
"""
_FIND = """
SELECT tier FROM taints
WHERE tenant = ? AND conversation = ? AND (at >= ? OR conversation NOT LIKE ?)
"""
_NEWEST = """
SELECT tenant, conversation, tier FROM taints
WHERE at >= ? OR conversation NOT LIKE ? ORDER BY at DESC LIMIT ?
"""
_UNNAMED = UNNAMED + "%"


class SqliteTaints:
    """Implements ports.stores.TaintStore. Raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, clock: Clock, kept_s: float, unnamed_ttl_s: float) -> None:
        self._clock = clock
        self._unnamed_ttl_s = unnamed_ttl_s
        self._database = Database(path, TAINTS)
        with self._database.writing() as db:
            db.execute("DELETE FROM taints WHERE at < ?", (clock.time() - kept_s,))

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        row = (tenant, conversation, int(tier), self._clock.time())
        with self._database.reading() as db:
            db.execute(_KEEP, row)

    def find(self, tenant: str, conversation: str) -> Tier:
        with self._database.reading() as db:
            row = db.execute(_FIND, (tenant, conversation, self._since(), _UNNAMED)).fetchone()
        return Tier(row[0]) if row else Tier.S0

    def newest(self, most: int) -> list[TaintRow]:
        with self._database.reading() as db:
            rows = db.execute(_NEWEST, (self._since(), _UNNAMED, most)).fetchall()
        return [TaintRow(tenant, name, Tier(tier)) for tenant, name, tier in rows[::-1]]

    def close(self) -> None:
        self._database.close()

    def _since(self) -> float:
        return self._clock.time() - self._unnamed_ttl_s
