"""Rows and their JSON in a partition for each day (UTC): a step of the schema.

A Shortstop from before this step goes on: it writes into `traces` as it did, and a body without its
row's time, which lands among the odd ones, is put where its row is. Rows that there were stay one
partition, until two days after this step. Bodies had no time: they are written anew, once.
"""

from __future__ import annotations

_INDEXES = {
    "traces_at": "(at, seq)",
    "traces_tenant_at": "(tenant, at)",
    "traces_task_at": "(task, at, seq)",
    "traces_unanswered": "(at, seq) WHERE outcome <> 'ok'",
    "traces_escalated": "(at, seq) WHERE escalated",
    "traces_run": "(run, tenant) INCLUDE (outcome, run_refusal, cost_pico, at) "
    "WHERE run IS NOT NULL",
    "traces_conversation": "(conversation, tenant)",
}
_MOVE = """
DO $$
DECLARE
    until DOUBLE PRECISION := (floor(extract(epoch FROM clock_timestamp()) / 86400) + 2) * 86400;
BEGIN
    IF NOT EXISTS (SELECT FROM traces_earlier) THEN
        DROP TABLE bodies_before;
        DROP TABLE traces_earlier;
        RETURN;
    END IF;
    CREATE TABLE bodies_earlier (LIKE bodies);
    INSERT INTO bodies_earlier
        SELECT seq, at, trace FROM traces_earlier JOIN bodies_before USING (seq) WHERE at < until;
    INSERT INTO bodies
        SELECT seq, at, trace FROM traces_earlier JOIN bodies_before USING (seq)
        WHERE NOT at < until;
    DROP TABLE bodies_before;
    INSERT INTO traces SELECT * FROM traces_earlier WHERE NOT at < until;
    DELETE FROM traces_earlier WHERE NOT at < until;
    ALTER TABLE bodies_earlier ADD PRIMARY KEY (seq);
    EXECUTE format(
        'ALTER TABLE traces ATTACH PARTITION traces_earlier FOR VALUES FROM (MINVALUE) TO (%s)',
        until);
    EXECUTE format(
        'ALTER TABLE bodies ATTACH PARTITION bodies_earlier FOR VALUES FROM (MINVALUE) TO (%s)',
        until);
END $$
"""
_WRITTEN = """
CREATE FUNCTION rows_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last BIGINT;
BEGIN
    SELECT max(seq) INTO last FROM written;
    IF last IS NOT NULL THEN
        UPDATE row_numbers SET newest = greatest(newest, last);
        INSERT INTO prices_used (day, tenant, prices)
            SELECT DISTINCT CAST(trunc(at / 86400) AS BIGINT), tenant, prices
            FROM written WHERE prices <> ''
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$
"""
_BODY = """
CREATE FUNCTION body_without_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bodies SELECT seq, at, NEW.trace FROM traces WHERE seq = NEW.seq;
    RETURN NULL;
END $$
"""
_DELETED = """
CREATE FUNCTION row_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM bodies WHERE seq = OLD.seq AND at = OLD.at;
    RETURN NULL;
END $$
"""
PARTITIONS = (
    "ALTER TABLE traces RENAME TO traces_earlier",
    "ALTER TABLE bodies RENAME TO bodies_before",
    *(f"ALTER INDEX {name} RENAME TO {name}_earlier" for name in _INDEXES),
    "CREATE TABLE traces (LIKE traces_earlier) PARTITION BY RANGE (at)",
    *(f"CREATE INDEX {name} ON traces {what}" for name, what in _INDEXES.items()),
    """
    CREATE TABLE bodies (
        seq BIGINT NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        trace TEXT NOT NULL
    ) PARTITION BY RANGE (at)
    """,
    "CREATE TABLE traces_odd PARTITION OF traces (PRIMARY KEY (seq), UNIQUE (id)) DEFAULT",
    "CREATE TABLE bodies_odd PARTITION OF bodies (PRIMARY KEY (seq)) DEFAULT",
    "CREATE TABLE row_numbers (newest BIGINT NOT NULL)",
    """
    CREATE TABLE prices_used (
        day BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        prices TEXT NOT NULL,
        PRIMARY KEY (day, tenant, prices)
    )
    """,
    _MOVE,
    "INSERT INTO row_numbers SELECT coalesce(max(seq), 0) FROM traces",
    """
    INSERT INTO prices_used SELECT DISTINCT CAST(trunc(at / 86400) AS BIGINT), tenant, prices
    FROM traces WHERE prices <> ''
    """,
    _WRITTEN,
    """
    CREATE TRIGGER rows_written AFTER INSERT ON traces REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION rows_written()
    """,
    _BODY,
    """
    CREATE TRIGGER body_without_time BEFORE INSERT ON bodies_odd
    FOR EACH ROW WHEN (NEW.at IS NULL) EXECUTE FUNCTION body_without_time()
    """,
    _DELETED,
    """
    CREATE TRIGGER row_deleted AFTER DELETE ON traces
    FOR EACH ROW EXECUTE FUNCTION row_deleted()
    """,
)
"""What holds for whole days is in each partition alone: numbers and ids are unique there. The
number of the newest row has a row of its own, for no index leads to it over all days."""
