"""Statements that a PostgreSQL server has carried out, by what they are about."""

from __future__ import annotations

import re

from tests.postgres import PostgresServer

EXTENSION = (
    "-c listen_addresses='' -c max_connections=100 -c shared_preload_libraries=pg_stat_statements"
)
"""What a server must be started with."""
REST = "begin, commit, locks, the rest"
ABOUT = {
    "conversations' tiers": r"\b(taints|taint_rises)\b",
    "runs": r"\b(runs|heads)\b",
    "leases": r"\b(purses|holds|meters|meter_leases)\b",
    "keys, signs of life": r"\b(keys_version|keys|owners)\b",
    "rows": r"\b(traces|bodies|grades|earlier|erased)\b",
    "news, leading": r"\b(learned_\w+|event_writers|leaders|claimed_jobs|replica_\w+|pg_notify)\b",
}


def reset(server: PostgresServer, url: str) -> str:
    """Count from now on. The database's name."""
    name = url.partition("@/")[2].partition("?")[0]
    server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", name)
    server.sql("SELECT pg_stat_statements_reset()", name)
    return name


def counted(server: PostgresServer, name: str) -> dict[str, int]:
    """BEGIN and COMMIT are statements too, and are said of nothing."""
    rows = server.sql(
        "SELECT query, calls::bigint FROM pg_stat_statements WHERE dbid ="
        f" (SELECT oid FROM pg_database WHERE datname = '{name}')",
        name,
    )
    counts = dict.fromkeys((*ABOUT, REST), 0)
    for query, calls in rows:
        kinds = (kind for kind, words in ABOUT.items() if re.search(words, str(query)))
        counts[next(kinds, REST)] += int(str(calls))
    return counts
