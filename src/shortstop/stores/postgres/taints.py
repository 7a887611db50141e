"""Which conversations held what, with the order in which they rose."""

from __future__ import annotations

from shortstop.stores.sql.taints import SqlTaints
from shortstop.types import Tier
from shortstop.types.rows import TaintRise, TaintRow

_AFTER = """
SELECT number, tenant, conversation, tier FROM taints WHERE number > ? ORDER BY number LIMIT ?
"""


class PostgresTaints(SqlTaints):
    """Implements ports.stores.TaintRises too."""

    @property
    def rises(self) -> PostgresTaints:
        return self

    def last(self) -> int:
        with self._database.reading() as db:
            number: int = db.execute("SELECT last FROM taint_rises").fetchone()[0]
        return number

    def after(self, number: int, most: int) -> list[TaintRise]:
        with self._database.reading() as db:
            rows = db.execute(_AFTER, (number, most)).fetchall()
        return [TaintRise(no, TaintRow(whose, name, Tier(tier))) for no, whose, name, tier in rows]
