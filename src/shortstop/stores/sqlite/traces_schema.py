"""The file of traces: their rows and documents, grades, roll-ups."""

from __future__ import annotations

import sqlite3

from shortstop.stores.sql.rollups import rollups
from shortstop.stores.sqlite.connect import SQLITE, FileKind

_PAGE_BYTES = 16_384
"""A trace is some kilobytes: on SQLite's default pages of 4 KiB each would take several."""


def m001_traces(db: sqlite3.Connection) -> None:
    """Slim rows for reports, and the whole trace as JSON in a table of its own.

    Money is whole pico-dollars (1e-12): every list price per million tokens with up to six
    decimals is exact. NULL money means that a price was unknown.
    """
    db.execute(
        """
        CREATE TABLE traces (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at REAL NOT NULL,
            tenant TEXT NOT NULL,
            key TEXT,
            conversation TEXT,
            dialect TEXT NOT NULL,
            model TEXT NOT NULL,
            template TEXT NOT NULL,
            digest TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            stream INTEGER NOT NULL,
            task TEXT,
            target TEXT,
            local INTEGER NOT NULL,
            tier INTEGER NOT NULL,
            reach INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            escalated INTEGER NOT NULL,
            explored INTEGER NOT NULL,
            seconds REAL NOT NULL,
            first_byte REAL,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            tokens_estimated INTEGER NOT NULL,
            cost_pico INTEGER,
            cost_local_pico INTEGER,
            cost_remote_pico INTEGER,
            counterfactual_pico INTEGER,
            baseline TEXT,
            unpriced INTEGER NOT NULL,
            prices TEXT,
            joules REAL,
            joules_low REAL,
            joules_high REAL,
            joules_basis TEXT,
            counterfactual_joules REAL,
            counterfactual_joules_low REAL,
            counterfactual_joules_high REAL,
            gco2 REAL,
            gco2_low REAL,
            gco2_high REAL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX traces_at ON traces (at, seq)")
    db.execute("CREATE INDEX traces_tenant_at ON traces (tenant, at)")
    db.execute(
        """
        CREATE TABLE bodies (
            seq INTEGER PRIMARY KEY REFERENCES traces (seq) ON DELETE CASCADE,
            trace TEXT NOT NULL
        ) STRICT
        """
    )


def m002_no_template(db: sqlite3.Connection) -> None:
    """It was always empty."""
    db.execute("ALTER TABLE traces DROP COLUMN template")


def m003_grades(db: sqlite3.Connection) -> None:
    """What was judged about answers. A trace need not be there: grades may come late.

    `grader` is '' where none is named, for NULL would make every key unique.
    """
    db.execute(
        """
        CREATE TABLE grades (
            trace TEXT NOT NULL,
            tenant TEXT NOT NULL,
            source TEXT NOT NULL,
            target TEXT NOT NULL,
            grader TEXT NOT NULL,
            value REAL,
            at REAL NOT NULL,
            reference TEXT,
            correction BLOB,
            PRIMARY KEY (trace, tenant, source, target, grader)
        ) STRICT
        """
    )
    db.execute("CREATE INDEX grades_at ON grades (at)")


def m004_earlier(db: sqlite3.Connection) -> None:
    """The rows whose content may lie open: all that there are."""
    db.execute("CREATE TABLE earlier (seq INTEGER PRIMARY KEY) STRICT")
    db.execute("INSERT INTO earlier SELECT seq FROM bodies")


def m005_erased(db: sqlite3.Connection) -> None:
    db.execute(
        """
        CREATE TABLE erased (
            tenant TEXT NOT NULL,
            conversation TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (tenant, conversation)
        ) STRICT, WITHOUT ROWID
        """
    )


def m006_runs(db: sqlite3.Connection) -> None:
    """The run that a request was a step of, and why that step or a call of it was refused."""
    db.execute("ALTER TABLE traces ADD COLUMN run TEXT")
    db.execute("ALTER TABLE traces ADD COLUMN run_refusal TEXT")
    db.execute("CREATE INDEX traces_run ON traces (run, tenant) WHERE run IS NOT NULL")


def m007_rollups(db: sqlite3.Connection) -> None:
    """The sums, and the ways to the rows behind a figure."""
    for rollup in rollups(SQLITE):
        db.execute(f"{rollup.table('INTEGER', 'REAL')} STRICT, WITHOUT ROWID")
        rollup.fill(db)
    db.execute("CREATE INDEX traces_task_at ON traces (task, at, seq)")
    db.execute("CREATE INDEX traces_unanswered ON traces (at, seq) WHERE outcome != 'ok'")
    db.execute("CREATE INDEX traces_escalated ON traces (at, seq) WHERE escalated")


def m008_groups(db: sqlite3.Connection) -> None:
    """For whom the client asked, what it groups its requests by, and which specialist answered."""
    for column in ("user", "tag", "specialist"):
        db.execute(f"ALTER TABLE traces ADD COLUMN {column} TEXT")


def m009_deployments(db: sqlite3.Connection) -> None:
    """By which of the upstream's deployments the request was answered."""
    db.execute("ALTER TABLE traces ADD COLUMN deployment TEXT")


TRACES = FileKind(
    "traces",
    migrations=(
        m001_traces,
        m002_no_template,
        m003_grades,
        m004_earlier,
        m005_erased,
        m006_runs,
        m007_rollups,
        m008_groups,
        m009_deployments,
    ),
    pragmas=(
        f"page_size = {_PAGE_BYTES}",
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "secure_delete = ON",
        "foreign_keys = ON",
    ),
    busy_seconds=1.0,
)
_FSYNC = "synchronous = FULL"
