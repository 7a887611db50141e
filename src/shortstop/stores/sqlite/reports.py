"""The read side. Opens the file read-only, so that reading never holds up the writer.

How the figures are counted:
  - local share: of the answered requests, those that a local model answered;
  - pinned: requests that privacy allowed to go nowhere else;
  - escalated: a local model tried and a remote one answered;
  - money: cost and counterfactual are summed over the same rows, those where both are known; the
    others are counted as `unpriced`, never as zero;
  - p50 and p95: see `traces.report`.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from shortstop.errors import StoreError
from shortstop.stores.sqlite.charges import charges
from shortstop.stores.sqlite.connect import connect_read_only
from shortstop.stores.sqlite.grades import FIELDS, grade_of, of_rows
from shortstop.stores.sqlite.rows import TRACES
from shortstop.stores.sqlite.run_totals import run_totals
from shortstop.stores.sqlite.sums import (
    AMOUNTS,
    BASES,
    COUNTS,
    POINT,
    basis,
    count,
    point_of,
    slice_of,
)
from shortstop.traces.report import Latencies, histogram, timeline_step
from shortstop.types.report import Charge, GroupBy, Point, Slice, TrafficReport
from shortstop.types.rows import GradeRow

_PAGE = 500
_GRADED_PAGE = 100

_NAMED = ("key", "user", "tag", "run", "specialist", "deployment")
_KEYS: Mapping[str, str] = {
    "day": "date(CAST(at / 86400 AS INTEGER) * 86400, 'unixepoch')",
    "task": "coalesce(task, '(none)')",
    "target": "coalesce(target, '(none)')",
    "tenant": "tenant",
    **{k: f"coalesce({k}, '(none)')" for k in _NAMED},
}
ALL: tuple[GroupBy, ...] = ("day", "task", "target", "tenant")

_ByKey = defaultdict[str, Latencies]


class SqliteReports:
    """Implements ports.stores.ReportReader. Every call opens the file and closes it again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def documents(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[bytes]:
        where, args = _where(since, until, tenant)
        query = f"""
            SELECT at, seq, trace FROM traces JOIN bodies USING (seq)
            WHERE {where} AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT {_PAGE}
        """  # noqa: S608 - `where` is made of fixed texts
        last: tuple[float, int] = (float("-inf"), 0)
        with closing(connect_read_only(self._path, TRACES)) as db:
            while True:
                page = self._rows(db, query, (*args, *last))
                for _at, _seq, document in page:
                    yield document.encode()
                if len(page) < _PAGE:
                    return
                last = page[-1][0], page[-1][1]

    def grades(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
        trace: str | None = None,
    ) -> Iterator[GradeRow]:
        where, args = _where(since, until, tenant, trace=trace)
        query = f"""
            SELECT rowid, {", ".join(FIELDS)} FROM grades
            WHERE {where} AND (at, rowid) > (?, ?) ORDER BY at, rowid LIMIT {_PAGE}
        """  # noqa: S608 - made of fixed texts
        last: tuple[float, int] = (float("-inf"), 0)
        with closing(connect_read_only(self._path, TRACES)) as db:
            while True:
                page = [
                    (number, grade_of(values))
                    for number, *values in self._rows(db, query, (*args, *last))
                ]
                yield from (row for _, row in page)
                if len(page) < _PAGE:
                    return
                last = page[-1][1].at, page[-1][0]

    def graded(
        self,
        *,
        task: str | None = None,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> Iterator[tuple[bytes, list[GradeRow]]]:
        where, args = _where(since, until, tenant, task=task)
        query = f"""
            SELECT at, seq, trace FROM traces JOIN bodies USING (seq) WHERE {where}
            AND EXISTS (SELECT 1 FROM grades
                        WHERE grades.trace = traces.id AND grades.tenant = traces.tenant)
            AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT {_GRADED_PAGE}
        """  # noqa: S608 - `where` is made of fixed texts
        last: tuple[float, int] = (float("-inf"), 0)
        with closing(connect_read_only(self._path, TRACES)) as db:
            while True:
                page = self._rows(db, query, (*args, *last))
                grades = self._grades_of(db, [seq for _, seq, _ in page])
                for _, seq, document in page:
                    if seq in grades:  # else they were deleted since
                        yield document.encode(), grades[seq]
                if len(page) < _GRADED_PAGE:
                    return
                last = page[-1][0], page[-1][1]

    def _grades_of(self, db: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, list[GradeRow]]:
        try:
            return of_rows(db, seqs)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._failure(error) from error

    def summary(
        self,
        *,
        by: Sequence[GroupBy] = ALL,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> TrafficReport:
        where, args = _where(since, until, tenant)
        with closing(connect_read_only(self._path, TRACES)) as db:
            try:
                db.execute("BEGIN")  # all queries see the same rows
                return _Summary(db, where, args).report(by, tenant)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self._failure(error) from error

    def charges(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Charge]:
        where, args = _where(since, until, tenant)
        with closing(connect_read_only(self._path, TRACES)) as db:
            try:
                yield from charges(db, where, args)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self._failure(error) from error

    def _rows(
        self, db: sqlite3.Connection, query: str, args: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        try:
            return db.execute(query, args).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(f"Cannot read {self._path}: {error}.")


class _Summary:
    """The queries behind one report, over one choice of rows."""

    def __init__(self, db: sqlite3.Connection, where: str, args: list[float | str]) -> None:
        self._db = db
        self._where = where
        self._args = args

    def report(self, by: Sequence[GroupBy], tenant: str | None) -> TrafficReport:
        first, last = self._query("SELECT min(at), max(at) FROM traces WHERE {where}")[0]
        latencies = self._latencies(by)
        total = self._slices("''", latencies[0])
        step = timeline_step(first, last)
        return TrafficReport(
            total=total[0] if total else Slice(""),
            groups={k: self._ordered(k, one) for k, one in zip(by, latencies[1:], strict=True)},
            first=first,
            last=last,
            step=step,
            timeline=self._timeline(step),
            latency=histogram(latencies[0][""]),
            baselines=self._texts("baseline"),
            prices=self._texts("prices"),
            tenant=tenant,
            runs=run_totals(self._db, self._where, self._args),
        )

    def _query(self, text: str, *more: float) -> list[tuple[Any, ...]]:
        return self._db.execute(
            text.replace("{where}", self._where), (*more, *self._args)
        ).fetchall()

    def _texts(self, column: str) -> tuple[str, ...]:
        rows = self._query(
            f"SELECT DISTINCT {column} FROM traces WHERE {{where}} AND {column} != '' ORDER BY 1"  # noqa: S608
        )
        return tuple(text for (text,) in rows)

    def _ordered(self, by: GroupBy, latencies: _ByKey) -> tuple[Slice, ...]:
        """Days in order, everything else by number of requests."""
        slices = self._slices(_KEYS[by], latencies)
        if by == "day":
            return tuple(sorted(slices, key=lambda one: one.key))
        return tuple(sorted(slices, key=lambda one: (-one.requests, one.key)))

    def _slices(self, key: str, latencies: _ByKey) -> list[Slice]:
        rows = self._query(_SUMS.replace("{key}", key))
        return [slice_of(row, latencies[row[0]]) for row in rows]

    def _latencies(self, by: Sequence[GroupBy]) -> list[_ByKey]:
        """For all rows and for each grouping: sorted seconds of local and remote answers."""
        keys = ["''", *(_KEYS[one] for one in by)]
        groupings: list[_ByKey] = [defaultdict(Latencies) for _ in keys]
        for local, seconds, *names in self._db.execute(
            f"SELECT local, seconds, {', '.join(keys)} FROM traces "  # noqa: S608
            f"WHERE outcome = 'ok' AND {self._where} ORDER BY seconds",
            self._args,
        ):
            for grouping, name in zip(groupings, names, strict=True):
                grouping[name].add(local, seconds)
        return groupings

    def _timeline(self, step: float) -> tuple[Point, ...]:
        return tuple(
            point_of(bucket * step, sums) for bucket, *sums in self._query(_TIMELINE, step)
        )


_SUMS = f"""
    SELECT {{key}} AS k, {", ".join(f"sum({count(name)})" for name in COUNTS)},
        {", ".join(f"total({name})" for name in AMOUNTS)},
        {", ".join(f"sum({basis(name)})" for name in BASES)}
    FROM traces WHERE {{where}} GROUP BY k
"""  # noqa: S608 - made of fixed texts
_TIMELINE = f"""
    SELECT CAST(at / ? AS INTEGER) AS bucket, {", ".join(f"sum({count(n)})" for n in POINT)}
    FROM traces WHERE {{where}} GROUP BY bucket ORDER BY bucket
"""  # noqa: S608 - made of fixed texts


def _where(
    since: float | None, until: float | None, tenant: str | None, **equal: str | None
) -> tuple[str, list[float | str]]:
    """The condition, and the arguments of its placeholders."""
    terms = {"at >= ?": since, "at < ?": until, "tenant = ?": tenant}
    terms |= {f"{column} = ?": value for column, value in equal.items()}
    given = {term: value for term, value in terms.items() if value is not None}
    return " AND ".join(("1", *given)), list(given.values())
