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

from collections.abc import Iterator, Sequence

from shortstop.stores.sql.charges import charges
from shortstop.stores.sql.database import Source
from shortstop.stores.sql.grades import FIELDS, grade_of, of_rows
from shortstop.stores.sql.parts import ChosenRows
from shortstop.stores.sql.summary import Summary
from shortstop.traces.packing import unpacked
from shortstop.types.report import Charge, GroupBy, Slice, TrafficReport
from shortstop.types.rows import GradeRow

_PAGE = 500
_GRADED_PAGE = 100

ALL: tuple[GroupBy, ...] = ("day", "task", "target", "tenant")


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
                    yield unpacked(document)
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
                        yield unpacked(document), grades[seq]
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
        with self._source.snapshot() as reading:
            rows = ChosenRows(since, until, tenant)
            return Summary(reading, self._source.variant, rows).report(by)

    def days(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> tuple[Slice, ...]:
        with self._source.snapshot() as reading:
            return Summary(reading, self._source.variant, ChosenRows(since, until, tenant)).days()

    def charges(
        self, *, since: float | None = None, until: float | None = None, tenant: str | None = None
    ) -> Iterator[Charge]:
        where, args = _where(since, until, tenant)
        with self._source.snapshot() as reading:
            yield from charges(reading, self._source.variant, where, args)


def _where(
    since: float | None, until: float | None, tenant: str | None, **equal: str | None
) -> tuple[str, list[float | str]]:
    return ChosenRows(since, until, tenant).where(**equal)
