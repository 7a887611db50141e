"""What PostgreSQL says in its own way."""

from __future__ import annotations

from shortstop.stores.postgres.failures import at_fault
from shortstop.stores.sql.database import SqlVariant

POSTGRES = SqlVariant(
    whole=lambda value: f"CAST(trunc({value}) AS BIGINT)",
    holds=lambda column: f"strpos({column}, ?) > 0",
    at_fault=at_fault,
    body=("seq", "at"),
    sampled=lambda share: f"TABLESAMPLE SYSTEM ({100 * share:.6f}) REPEATABLE (0)",
    prices=True,
)
