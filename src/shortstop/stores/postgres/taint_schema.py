"""The order in which conversations' tiers rise: a step of the schema."""

from __future__ import annotations

TAINT_RISES = (
    "CREATE TABLE taint_rises (last BIGINT NOT NULL)",
    "INSERT INTO taint_rises (last) VALUES (0)",
    "ALTER TABLE taints ADD COLUMN number BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX taints_number ON taints (number)",
    """
    CREATE FUNCTION taint_risen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE taint_rises SET last = last + 1 RETURNING last INTO NEW.number;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER taint_new BEFORE INSERT ON taints
    FOR EACH ROW EXECUTE FUNCTION taint_risen()
    """,
    """
    CREATE TRIGGER taint_risen BEFORE UPDATE ON taints
    FOR EACH ROW WHEN (NEW.tier > OLD.tier) EXECUTE FUNCTION taint_risen()
    """,
)
"""Triggers, so that what the version before writes has its number too. Whoever has raised the last
number keeps its row until the rise can be seen: numbers are given in that order."""
