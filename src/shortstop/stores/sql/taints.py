"""Which conversations held what, shared by all workers.

A row is a conversation's digest and its highest tier; nothing of what was said is in it.
"""

from __future__ import annotations

from shortstop.ports import Clock
from shortstop.ports.stores import TaintRises
from shortstop.stores.sql.database import SqlDatabase, closed_on_failure
from shortstop.types import UNNAMED, Tier
from shortstop.types.rows import TaintRow

_COUNTS = f"(at >= ? OR substr(conversation, 1, {len(UNNAMED)}) != '{UNNAMED}')"
_KEEP = """
INSERT INTO taints (tenant, conversation, tier, at) VALUES (?, ?, ?, ?)
ON CONFLICT (tenant, conversation) DO UPDATE SET at = excluded.at,
tier = CASE WHEN excluded.tier > taints.tier THEN excluded.tier ELSE taints.tier END
"""
_FIND = f"SELECT tier FROM taints WHERE tenant = ? AND conversation = ? AND {_COUNTS}"  # noqa: S608
_NEWEST = f"""
SELECT tenant, conversation, tier FROM taints WHERE {_COUNTS} ORDER BY at DESC LIMIT ?
"""  # noqa: S608 - made of fixed texts


class SqlTaints:
    """Implements ports.stores.TaintStore."""

    def __init__(
        self, database: SqlDatabase, clock: Clock, kept_s: float, unnamed_ttl_s: float
    ) -> None:
        self._clock = clock
        self._unnamed_ttl_s = unnamed_ttl_s
        self._database = database
        with closed_on_failure(database), database.writing("taints") as db:
            db.execute("DELETE FROM taints WHERE at < ?", (clock.time() - kept_s,))

    @property
    def rises(self) -> TaintRises | None:
        return None

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        row = (tenant, conversation, int(tier), self._clock.time())
        with self._database.reading() as db:
            db.execute(_KEEP, row)

    def find(self, tenant: str, conversation: str) -> Tier:
        with self._database.reading() as db:
            row = db.execute(_FIND, (tenant, conversation, self._since())).fetchone()
        return Tier(row[0]) if row else Tier.S0

    def newest(self, most: int) -> list[TaintRow]:
        with self._database.reading() as db:
            rows = db.execute(_NEWEST, (self._since(), most)).fetchall()
        return [TaintRow(tenant, name, Tier(tier)) for tenant, name, tier in rows[::-1]]

    def close(self) -> None:
        self._database.close()

    def _since(self) -> float:
        return self._clock.time() - self._unnamed_ttl_s
