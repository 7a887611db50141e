"""The tables of what replicas share: a step of the schema."""

from __future__ import annotations

REPLICAS = (
    """
    CREATE TABLE learned_events (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        writer TEXT NOT NULL,
        number BIGINT NOT NULL,
        message BYTEA NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (writer, number)
    )
    """,
    """
    CREATE TABLE event_writers (
        writer TEXT PRIMARY KEY,
        published BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL
    )
    """,
    """
    CREATE TABLE learned_snapshots (
        seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        upto BIGINT NOT NULL,
        digest BYTEA NOT NULL,
        data BYTEA NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE leaders (
        name TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        term BIGINT NOT NULL,
        until TIMESTAMPTZ NOT NULL
    )
    """,
    """
    CREATE TABLE claimed_jobs (
        job TEXT NOT NULL,
        due DOUBLE PRECISION NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (job, due)
    )
    """,
    """
    CREATE TABLE leader_notes (
        name TEXT PRIMARY KEY,
        data BYTEA NOT NULL
    )
    """,
    """
    CREATE TABLE replica_reports (
        replica TEXT PRIMARY KEY,
        data BYTEA NOT NULL,
        at TIMESTAMPTZ NOT NULL
    )
    """,
)
