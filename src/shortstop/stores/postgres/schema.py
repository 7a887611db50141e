"""The tables of all stores, in one database. SQLite has them in files of their own."""

from __future__ import annotations

from dataclasses import dataclass

from shortstop.stores.postgres.partition_schema import PARTITIONS
from shortstop.stores.postgres.replica_schema import REPLICAS
from shortstop.stores.postgres.specialist_schema import SPECIALISTS
from shortstop.stores.postgres.taint_schema import TAINT_RISES
from shortstop.stores.postgres.variant import POSTGRES
from shortstop.stores.sql.rollups import rollups


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """`contracts`: it takes away what an earlier Shortstop still uses."""

    statements: tuple[str, ...]
    contracts: bool = False


_TRACES = """
CREATE TABLE traces (
    seq BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at DOUBLE PRECISION NOT NULL,
    tenant TEXT NOT NULL,
    key TEXT,
    conversation TEXT,
    dialect TEXT NOT NULL,
    model TEXT NOT NULL,
    digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    stream BOOLEAN NOT NULL,
    task TEXT,
    target TEXT,
    local BOOLEAN NOT NULL,
    tier INTEGER NOT NULL,
    reach INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    escalated BOOLEAN NOT NULL,
    explored BOOLEAN NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    first_byte DOUBLE PRECISION,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    tokens_estimated BOOLEAN NOT NULL,
    cost_pico BIGINT,
    cost_local_pico BIGINT,
    cost_remote_pico BIGINT,
    counterfactual_pico BIGINT,
    baseline TEXT,
    unpriced BOOLEAN NOT NULL,
    prices TEXT,
    joules DOUBLE PRECISION,
    joules_low DOUBLE PRECISION,
    joules_high DOUBLE PRECISION,
    joules_basis TEXT,
    counterfactual_joules DOUBLE PRECISION,
    counterfactual_joules_low DOUBLE PRECISION,
    counterfactual_joules_high DOUBLE PRECISION,
    gco2 DOUBLE PRECISION,
    gco2_low DOUBLE PRECISION,
    gco2_high DOUBLE PRECISION,
    run TEXT,
    run_refusal TEXT,
    "user" TEXT,
    tag TEXT,
    specialist TEXT,
    deployment TEXT
)
"""
_ROWS = (
    _TRACES,
    "CREATE INDEX traces_at ON traces (at, seq)",
    "CREATE INDEX traces_tenant_at ON traces (tenant, at)",
    "CREATE INDEX traces_task_at ON traces (task, at, seq)",
    "CREATE INDEX traces_unanswered ON traces (at, seq) WHERE outcome <> 'ok'",
    "CREATE INDEX traces_escalated ON traces (at, seq) WHERE escalated",
    "CREATE INDEX traces_run ON traces (run, tenant) WHERE run IS NOT NULL",
    "CREATE INDEX traces_conversation ON traces (conversation, tenant)",
    """
    CREATE TABLE bodies (
        seq BIGINT PRIMARY KEY REFERENCES traces (seq) ON DELETE CASCADE,
        trace TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE grades (
        rowid BIGINT GENERATED ALWAYS AS IDENTITY,
        trace TEXT NOT NULL,
        tenant TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        grader TEXT NOT NULL,
        value DOUBLE PRECISION,
        at DOUBLE PRECISION NOT NULL,
        reference TEXT,
        correction BYTEA,
        PRIMARY KEY (trace, tenant, source, target, grader)
    )
    """,
    "CREATE INDEX grades_at ON grades (at, rowid)",
    "CREATE TABLE earlier (seq BIGINT PRIMARY KEY)",
    """
    CREATE TABLE erased (
        tenant TEXT NOT NULL,
        conversation TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (tenant, conversation)
    )
    """,
    *(one.table("BIGINT", "DOUBLE PRECISION") for one in rollups(POSTGRES)),
)
_ACCOUNTS = (
    """
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        fingerprint BYTEA NOT NULL UNIQUE,
        record TEXT NOT NULL
    )
    """,
    "CREATE TABLE keys_version (number BIGINT NOT NULL)",
    "INSERT INTO keys_version VALUES (1)",
    """
    CREATE TABLE meters (
        key TEXT NOT NULL,
        unit TEXT NOT NULL,
        arrival DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (key, unit)
    )
    """,
    """
    CREATE TABLE purses (
        key TEXT PRIMARY KEY,
        "window" TEXT NOT NULL,
        spent BIGINT NOT NULL,
        held BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE holds (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        amount BIGINT NOT NULL,
        owner TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL
    )
    """,
    """
    CREATE TABLE owners (
        name TEXT PRIMARY KEY,
        until TIMESTAMPTZ NOT NULL
    )
    """,
    """
    CREATE TABLE answers (
        rowid BIGINT GENERATED ALWAYS AS IDENTITY,
        caller TEXT NOT NULL,
        token TEXT NOT NULL,
        asked BYTEA NOT NULL,
        owner TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        status INTEGER,
        headers BYTEA,
        body BYTEA,
        tenant TEXT,
        conversation TEXT,
        size BIGINT,
        PRIMARY KEY (caller, token)
    )
    """,
    "CREATE INDEX answers_at ON answers (at)",
    "CREATE INDEX answers_of ON answers (conversation, tenant)",
)
_MEMORY = (
    """
    CREATE TABLE responses (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        parent TEXT,
        at DOUBLE PRECISION NOT NULL,
        turn BYTEA NOT NULL,
        response BYTEA NOT NULL,
        tenant TEXT NOT NULL DEFAULT '',
        conversation TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX responses_at ON responses (at)",
    "CREATE INDEX responses_of ON responses (conversation, tenant)",
    """
    CREATE TABLE taints (
        tenant TEXT NOT NULL,
        conversation TEXT NOT NULL,
        tier INTEGER NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (tenant, conversation)
    )
    """,
    "CREATE INDEX taints_at ON taints (at)",
    """
    CREATE TABLE drawer (
        scope BYTEA PRIMARY KEY,
        key BYTEA NOT NULL,
        sealed BYTEA NOT NULL,
        expires DOUBLE PRECISION NOT NULL
    )
    """,
    "CREATE INDEX by_expiry ON drawer (expires)",
    """
    CREATE TABLE runs (
        tenant TEXT NOT NULL,
        run TEXT NOT NULL,
        seq BIGINT NOT NULL,
        head BIGINT NOT NULL,
        began DOUBLE PRECISION NOT NULL,
        seen DOUBLE PRECISION NOT NULL,
        steps INTEGER NOT NULL,
        spent BIGINT NOT NULL,
        PRIMARY KEY (run, tenant)
    )
    """,
    "CREATE INDEX runs_seq ON runs (tenant, seq)",
    "CREATE INDEX runs_seen ON runs (seen)",
    """
    CREATE TABLE heads (
        prefix BYTEA NOT NULL,
        tenant TEXT NOT NULL,
        run TEXT NOT NULL,
        answer BYTEA,
        seq BIGINT NOT NULL,
        PRIMARY KEY (prefix, tenant, run)
    )
    """,
    "CREATE INDEX heads_seq ON heads (tenant, seq)",
    "CREATE INDEX heads_run ON heads (run, tenant)",
)
_GROUPS = (
    """
    CREATE TABLE budget_groups (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        name TEXT NOT NULL,
        record TEXT NOT NULL,
        UNIQUE (parent, name)
    )
    """,
    """
    CREATE TABLE retired (
        fingerprint BYTEA PRIMARY KEY,
        key TEXT NOT NULL,
        tail TEXT NOT NULL,
        until DOUBLE PRECISION NOT NULL
    )
    """,
)
METER_LEASES = SchemaStep(
    (
        """
        CREATE TABLE meter_leases (
            id TEXT PRIMARY KEY,
            key TEXT NOT NULL,
            unit TEXT NOT NULL,
            units BIGINT NOT NULL,
            until TIMESTAMPTZ NOT NULL
        )
        """,
        "CREATE INDEX meter_leases_of ON meter_leases (key, unit)",
    )
)
"""Slices of rate limits that processes have leased. Those of budgets are rows of `holds`."""
_SESSIONS = (
    """
    CREATE TABLE ended_sessions (
        name TEXT PRIMARY KEY,
        at DOUBLE PRECISION NOT NULL
    )
    """,
)
PACKED_ROWS = SchemaStep(
    ("COMMENT ON COLUMN bodies.trace IS 'JSON or, where it begins with ~1, packed JSON'",)
)
"""From here on packed rows can be read; none is written while an earlier Shortstop may read it."""
STEPS = (
    SchemaStep((*_ROWS, *_ACCOUNTS, *_MEMORY)),
    SchemaStep(_GROUPS),
    SchemaStep(REPLICAS),
    METER_LEASES,
    SchemaStep(SPECIALISTS),
    SchemaStep(PARTITIONS),
    SchemaStep(_SESSIONS),
    SchemaStep(TAINT_RISES),
    PACKED_ROWS,
)
