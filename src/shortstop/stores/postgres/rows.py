"""Traces and grades as the writer stores them, for several machines: by COPY, in days."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from shortstop.errors import StoreError
from shortstop.stores.postgres.connect import NO_TEXT
from shortstop.stores.postgres.database import PostgresDatabase, PostgresSession, PostgresSource
from shortstop.stores.postgres.partitions import DayPartitions, drop, there
from shortstop.stores.postgres.schema import PACKED_ROWS, STEPS
from shortstop.stores.postgres.shared import WRITE_SECONDS
from shortstop.stores.postgres.variant import POSTGRES
from shortstop.stores.sql import erased, grades, rollups
from shortstop.stores.sql.database import savepoint
from shortstop.stores.sql.rollups import DAY
from shortstop.stores.sql.rows import SUBJECT, SqlRows
from shortstop.traces.packing import packed, slim
from shortstop.types import Tier
from shortstop.types.rows import COLUMNS, GradeRow, Row

log = logging.getLogger(__name__)

GLANCE_SECONDS = 0.5
_WHOLE = ("prompt_tokens", "completion_tokens", "cost_pico", "cost_local_pico", "cost_remote_pico",
          "counterfactual_pico")  # fmt: skip
_SMALL = ("status", "tier", "reach", "attempts")
_REAL = ("at", "seconds", "first_byte", "joules", "joules_low", "joules_high",
         "counterfactual_joules", "counterfactual_joules_low", "counterfactual_joules_high",
         "gco2", "gco2_low", "gco2_high")  # fmt: skip
_TRUTHS = ("stream", "local", "escalated", "explored", "tokens_estimated", "unpriced")
_KINDS = {
    **dict.fromkeys(_WHOLE, "int8"),
    **dict.fromkeys(_SMALL, "int4"),
    **dict.fromkeys(_REAL, "float8"),
    **dict.fromkeys(_TRUTHS, "bool"),
}
TYPES = {"seq": "int8"} | {name: _KINDS.get(name, "text") for name in COLUMNS}
"""What PostgreSQL calls the columns of `traces`."""
_BODY = {"seq": "int8", "at": "float8", "trace": "text"}
_ID, _AT, _DIGEST = map(COLUMNS.index, ("id", "at", "digest"))
_PACKED = STEPS.index(PACKED_ROWS) + 1
"""The schema whose readers know packed documents."""
_NEWEST = """
SELECT newest, CAST(floor(extract(epoch FROM clock_timestamp()) / 86400) AS BIGINT), oldest
FROM row_numbers, shortstop_schema
"""
_TAKEN = "SELECT id FROM traces WHERE id = ANY(?) AND at >= ? AND at < ?"


class PostgresRows(SqlRows):
    """Whoever has been told that a row is written finds it after a power cut, if the server says
    so (`synchronous_commit`). An id is taken by a row of the same day."""

    batch = 2000

    def __init__(self, url: str) -> None:
        self._shared = PostgresDatabase(url, WRITE_SECONDS)
        super().__init__(self._shared)
        self._source = PostgresSource(url)
        self._days = DayPartitions()

    def insert(self, rows: Sequence[Row], graded: Sequence[GradeRow] = ()) -> int:
        with self._shared.writing(SUBJECT) as db:
            refused = self._copied(db, rows) if rows else 0
            refused += grades.put(db, self._variant, graded)
            erased.empty_late(db, rows, graded)
        return refused

    def _copied(self, db: PostgresSession, rows: Sequence[Row]) -> int:
        newest, today, oldest = db.execute(_NEWEST).fetchall()[0]
        times = [row.columns[_AT] for row in rows]
        self._days.make(db, {int(at // DAY) for at in times}, today)
        kept = [_slim(row) for row in rows]
        if oldest >= _PACKED:
            kept = [_packed(row) for row in kept]
        refused = len(rows) - _put(db, newest, kept)
        rollups.add(db, self._variant, newest, (min(times), max(times)))
        return refused

    def expire(self, at: float, limit: int) -> int:
        """Whole days at once: so rows are kept until the day of `at` is over, too. What lies in no
        day's partition is deleted row by row."""
        first = int(at // DAY)
        with self._shared.writing(SUBJECT) as db:
            over = [day for day in there(db) if day < first]
            if over:
                return drop(db, over[0])
        return self.delete_before(first * DAY, limit)

    def tier(self, id: str) -> Tier | None:
        try:
            with self._source.snapshot(GLANCE_SECONDS) as queries:
                rows = queries.all("SELECT tier FROM traces WHERE id = ?", (id,))
        except (StoreError, UnicodeError):
            return None
        return Tier(rows[0][0]) if rows else None


def _slim(row: Row) -> Row:
    """As any version reads it, without what is empty or in the document alone asked for."""
    columns = (*row.columns[:_DIGEST], "", *row.columns[_DIGEST + 1 :])
    return Row(columns, slim(row.document))


def _packed(row: Row) -> Row:
    return row._replace(document=packed(row.document).encode())


def _put(db: PostgresSession, newest: int, rows: Sequence[Row]) -> int:
    """Number rows from `newest` on and write those that can be; how many."""
    try:
        with savepoint(db, POSTGRES):
            _copy(db, newest, rows)
        return len(rows)
    except Exception as error:
        if POSTGRES.at_fault(error):
            raise
        problem = error
    better = [_plain(row) for row in _fresh(db, rows)]
    if better != rows:
        return _put(db, newest, better) if better else 0
    if len(rows) == 1:
        log.error("traces: row %s cannot be kept: %s", rows[0].columns[_ID], problem)
        return 0
    half = len(rows) // 2
    done = _put(db, newest, rows[:half])
    return done + _put(db, newest + done, rows[half:])


def _copy(db: PostgresSession, newest: int, rows: Sequence[Row]) -> None:
    numbered = list(enumerate(rows, start=newest + 1))
    db.copy("traces", TYPES, ((seq, *row.columns) for seq, row in numbered))
    bodies = ((seq, row.columns[_AT], row.document.decode()) for seq, row in numbered)
    db.copy("bodies", _BODY, bodies)


def _fresh(db: PostgresSession, rows: Sequence[Row]) -> list[Row]:
    """The first with each id, unless a row of these days has it."""
    times = [row.columns[_AT] for row in rows]
    ids = [row.columns[_ID] for row in rows if _is_text(row.columns[_ID])]
    span = min(times) // DAY * DAY, (max(times) // DAY + 1) * DAY
    seen = {id for (id,) in db.execute(_TAKEN, (ids, *span)).fetchall()}
    fresh = []
    for row in rows:
        if row.columns[_ID] not in seen:
            seen.add(row.columns[_ID])
            fresh.append(row)
    return fresh


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _plain(row: Row) -> Row:
    """Without the one character that PostgreSQL's text cannot hold."""
    if not any(isinstance(value, str) and "\0" in value for value in row.columns):
        return row
    plain = (value.replace(*NO_TEXT) if isinstance(value, str) else value for value in row.columns)
    return row._replace(columns=tuple(plain))
