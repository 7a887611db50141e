"""The read side, which never holds up the writer.

How the figures are counted:
  - local share: of the answered requests, those that a local model answered;
  - pinned: requests that privacy allowed to go nowhere else;
  - escalated: a local model tried and a remote one answered;
  - money: cost and counterfactual are summed over the same rows, those where both are known; the
    others are counted as `unpriced`, never as zero;
  - p50 and p95: see `traces.report`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from shortstop.stores.sql.charges import charges
from shortstop.stores.sql.database import Queries, Source, SqlVariant
from shortstop.stores.sql.grades import FIELDS, grade_of, of_rows
from shortstop.stores.sql.run_totals import run_totals
from shortstop.stores.sql.sums import (
    AMOUNTS,
    BASES,
    COUNTS,
    POINT,
    basis,
    count,
    point_of,
    slice_of,
    total,
)
from shortstop.traces.report import Latencies, histogram, timeline_step
from shortstop.types.report import Charge, GroupBy, Point, Slice, TrafficReport
from shortstop.types.rows import GradeRow

_PAGE = 500
_GRADED_PAGE = 100

_NAMED = ("key", "user", "tag", "run", "specialist", "deployment")
_KEYS: Mapping[str, str] = {
    "task": "coalesce(task, '(none)')",
    "target": "coalesce(target, '(none)')",
    "tenant": "tenant",
    **{k: f"coalesce(\"{k}\", '(none)')" for k in _NAMED},
}
ALL: tuple[GroupBy, ...] = ("day", "task", "target", "tenant")

_ByKey = defaultdict[Any, Latencies]
_EPOCH = date(1970, 1, 1).toordinal()


def day_of(number: int) -> str:
    """The date of a day that is counted from 1970."""
    return date.fromordinal(_EPOCH + number).isoformat()


class SqlReports:
    """Implements ports.stores.ReportReader."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def documents(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[bytes]:
        where, args = _where(since, until, tenant)
        query = f"""
            SELECT at, seq, trace FROM {self._source.variant.whole_rows}
            WHERE {where} AND at >= ? AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT {_PAGE}
        """  # noqa: S608 - `where` is made of fixed texts
        last: tuple[float, int] = (float("-inf"), 0)
        with self._source.pages() as reading:
            while True:
                page = reading.all(query, (*args, last[0], *last))
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
        with self._source.pages() as reading:
            while True:
                page = [
                    (number, grade_of(values))
                    for number, *values in reading.all(query, (*args, *last))
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
            SELECT at, seq, trace FROM {self._source.variant.whole_rows} WHERE {where}
            AND EXISTS (SELECT 1 FROM grades
                        WHERE grades.trace = traces.id AND grades.tenant = traces.tenant)
            AND at >= ? AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT {_GRADED_PAGE}
        """  # noqa: S608 - `where` is made of fixed texts
        last: tuple[float, int] = (float("-inf"), 0)
        with self._source.pages() as reading:
            while True:
                page = reading.all(query, (*args, last[0], *last))
                grades = of_rows(reading, [seq for _, seq, _ in page])
                for _, seq, document in page:
                    if seq in grades:  # else they were deleted since
                        yield document.encode(), grades[seq]
                if len(page) < _GRADED_PAGE:
                    return
                last = page[-1][0], page[-1][1]

    def summary(
        self,
        *,
        by: Sequence[GroupBy] = ALL,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> TrafficReport:
        where, args = _where(since, until, tenant)
        with self._source.snapshot() as reading:
            return _Summary(reading, self._source.variant, where, args).report(by, tenant)

    def charges(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Charge]:
        where, args = _where(since, until, tenant)
        with self._source.snapshot() as reading:
            yield from charges(reading, self._source.variant, where, args)


class _Summary:
    """The queries behind one report, over one choice of rows."""

    def __init__(
        self, reading: Queries, variant: SqlVariant, where: str, args: list[float | str]
    ) -> None:
        self._reading = reading
        self._whole = variant.whole
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
            runs=run_totals(self._reading, self._where, self._args),
        )

    def _query(self, text: str, *more: float) -> list[tuple[Any, ...]]:
        return self._reading.all(text.replace("{where}", self._where), (*more, *self._args))

    def _key(self, by: GroupBy) -> str:
        """Days as numbers."""
        return self._whole("at / 86400") if by == "day" else _KEYS[by]

    def _texts(self, column: str) -> tuple[str, ...]:
        rows = self._query(
            f"SELECT DISTINCT {column} FROM traces WHERE {{where}} AND {column} != '' ORDER BY 1"  # noqa: S608
        )
        return tuple(text for (text,) in rows)

    def _ordered(self, by: GroupBy, latencies: _ByKey) -> tuple[Slice, ...]:
        """Days in order, everything else by number of requests."""
        slices = self._slices(self._key(by), latencies)
        if by == "day":
            slices = [replace(one, key=day_of(int(one.key))) for one in slices]
            return tuple(sorted(slices, key=lambda one: one.key))
        return tuple(sorted(slices, key=lambda one: (-one.requests, one.key)))

    def _slices(self, key: str, latencies: _ByKey) -> list[Slice]:
        rows = self._query(_SUMS.replace("{key}", key))
        return [slice_of(row, latencies[row[0]]) for row in rows]

    def _latencies(self, by: Sequence[GroupBy]) -> list[_ByKey]:
        """For all rows and for each grouping: sorted seconds of local and remote answers."""
        keys = ["''", *(self._key(one) for one in by)]
        groupings: list[_ByKey] = [defaultdict(Latencies) for _ in keys]
        for local, seconds, *names in self._reading.each(
            f"SELECT local, seconds, {', '.join(keys)} FROM traces "  # noqa: S608
            f"WHERE outcome = 'ok' AND {self._where} ORDER BY seconds",
            self._args,
        ):
            for grouping, name in zip(groupings, names, strict=True):
                grouping[name].add(local, seconds)
        return groupings

    def _timeline(self, step: float) -> tuple[Point, ...]:
        return tuple(
            point_of(bucket * step, sums)
            for bucket, *sums in self._query(
                _TIMELINE.replace("{bucket}", self._whole("at / ?")), step
            )
        )


_SUMS = f"""
    SELECT {{key}} AS k, {", ".join(f"sum({count(name)})" for name in COUNTS)},
        {", ".join(map(total, AMOUNTS))},
        {", ".join(f"sum({basis(name)})" for name in BASES)}
    FROM traces WHERE {{where}} GROUP BY k
"""  # noqa: S608 - made of fixed texts
_TIMELINE = f"""
    SELECT {{bucket}} AS bucket, {", ".join(f"sum({count(n)})" for n in POINT)}
    FROM traces WHERE {{where}} GROUP BY bucket ORDER BY bucket
"""  # noqa: S608 - made of fixed texts


def _where(
    since: float | None, until: float | None, tenant: str | None, **equal: str | None
) -> tuple[str, list[float | str]]:
    """The condition, and the arguments of its placeholders."""
    terms = {"at >= ?": since, "at < ?": until, "tenant = ?": tenant}
    terms |= {f"{column} = ?": value for column, value in equal.items()}
    given = {term: value for term, value in terms.items() if value is not None}
    return " AND ".join(("1 = 1", *given)), list(given.values())
