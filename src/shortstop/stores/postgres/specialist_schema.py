"""The tables of the specialists that replicas share: a step of the schema."""

from __future__ import annotations

SPECIALISTS = (
    """
    CREATE TABLE specialist_artefacts (
        name TEXT PRIMARY KEY,
        data BYTEA NOT NULL,
        at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "ALTER TABLE specialist_artefacts ALTER COLUMN data SET STORAGE EXTERNAL",
    """
    CREATE TABLE specialist_placements (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version BIGINT NOT NULL,
        data BYTEA NOT NULL
    )
    """,
)
"""Sealed bytes cannot be compressed: nobody tries. Placements are one row."""
