"""What the console reads: sums from the roll-ups, rows in pages, within a deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shortstop.errors import StoreUnavailable
from shortstop.money import dollars
from shortstop.stores.sql.database import Queries, Source, SqlVariant
from shortstop.stores.sql.grades import FIELDS, grade_of, of_rows
from shortstop.stores.sql.rollups import HOUR, NONE
from shortstop.stores.sql.summary import OF_ROWS, day_of
from shortstop.stores.sql.sums import AMOUNTS, BASES, COUNTS, POINT, point_of, slice_of, total
from shortstop.traces.packing import unpacked
from shortstop.traces.report import Latencies, percentiles
from shortstop.types import Reach, Tier
from shortstop.types.console import (
    AnswerTimes,
    Days,
    DocumentPage,
    RowCursor,
    RowFilter,
    RuleCount,
    TierCount,
    TraceLine,
    TracePage,
)
from shortstop.types.report import By, Point, Slice
from shortstop.types.rows import GradeRow

MOST_SEARCHED = 20_000
"""Rows that one page looks through where no index leads to the right ones."""
MOST_BYTES = 8 << 20
"""Of whole rows that one page holds, and one row more."""
MOST_READ = 500
"""Rows whose findings are counted: they are in the rows' JSON."""
MOST_RULES = 50
MOST_TIMED = 5000
"""Answers over which times are taken."""
_LINE = (
    "seq", "id", "at", "tenant", "key", "model", "outcome", "status", "stream", "task", "target",
    "local", "tier", "reach", "escalated", "explored", "seconds", "cost_pico",
    "counterfactual_pico", "run", "tag", "specialist",
)  # fmt: skip
_KEPT = {
    "unanswered": "outcome != 'ok' AND outcome != 'shadow'",
    "escalated": "escalated",
    "pinned": f"outcome != 'shadow' AND reach >= {int(Reach.LOCAL_ONLY)}",
    "unpriced": "(unpriced OR cost_pico IS NULL OR counterfactual_pico IS NULL)",
    "explored": "outcome != 'shadow' AND explored",
    "shadow": "outcome != 'ok' AND outcome = 'shadow'",
    "all": "1 = 1",
}
_INDEXED = {"unanswered", "escalated", "shadow", "all"}
_SEARCHED = ("task", "target", "model", "key", "run", "conversation")


class _RowFinding(Struct, frozen=True):
    label: str = ""
    rule: str = ""
    tier: int = 0


class _RowFindings(Struct, frozen=True):
    findings: tuple[_RowFinding, ...] = ()


class _RowJudged(Struct, frozen=True):
    """What rules found, in a row's JSON."""

    clearance: _RowFindings = _RowFindings()


_judged = msgspec.json.Decoder(_RowJudged).decode


def _found(document: str) -> Iterator[tuple[str, str, int]]:
    """Nothing in one that is damaged."""
    with suppress(msgspec.DecodeError):
        yield from (
            (one.label, one.rule, one.tier)
            for one in _judged(unpacked(document)).clearance.findings
        )


class SqlFigures:
    """Implements ports.stores.FigureReader."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @contextmanager
    def figures(self, seconds: float) -> Iterator[_FigureQueries]:
        with self._source.snapshot(seconds) as reading:
            yield _FigureQueries(reading, self._source.variant)


def late(seconds: float) -> StoreUnavailable:
    """The error for figures that were given up."""
    return StoreUnavailable(
        f"These figures took longer than {seconds:g} seconds, so the page gave up.",
        hint="Choose a shorter period or fewer filters; the gateway was not held up.",
        code="deadline",
    )


class _FigureQueries:
    """Implements ports.stores.Figures over one transaction."""

    def __init__(self, reading: Queries, variant: SqlVariant) -> None:
        self._reading = reading
        self._variant = variant
        self._holds = variant.holds
        self._all = reading.all

    def slices(
        self, by: By | None, days: Days, *, tenant: str | None = None, task: str | None = None
    ) -> tuple[Slice, ...]:
        grouped = "" if by is None else f"GROUP BY {by}"
        given = {"tenant": tenant, "task": task}
        equal = {column: value for column, value in given.items() if value is not None}
        where = " AND ".join(["day >= ?", "day < ?", *(f"{column} = ?" for column in equal)])
        rows = self._all(
            f"SELECT {by or _NO_KEY}, {_DAILY} FROM daily WHERE {where} {grouped}",  # noqa: S608
            (days.first, days.end, *equal.values()),
        )
        slices = [slice_of(row) for row in rows if row[1] is not None]
        if by == "day":
            slices = [replace(one, key=day_of(int(one.key))) for one in slices]
            return tuple(sorted(slices, key=lambda one: one.key))
        if by is None and not slices:
            return (Slice(""),)
        return tuple(sorted(slices, key=lambda one: (-one.requests, one.key)))

    def keys(self, days: Days, *, tenant: str | None = None) -> tuple[Slice, ...]:
        where, args = _equal(tenant=tenant)
        during = f"at >= ? AND at < ? AND {where}"
        query = OF_ROWS.replace("{key}", "coalesce(key, '')").replace("{where}", during)
        rows = self._all(query, (days.first * 24 * HOUR, days.end * 24 * HOUR, *args))
        return tuple(sorted(map(slice_of, rows), key=lambda one: (-one.requests, one.key)))

    def points(self, since: int, until: int, step: int, tenant: str | None) -> tuple[Point, ...]:
        where, args = _equal(tenant=tenant)
        rows = self._all(
            f"SELECT hour / ? AS stretch, {', '.join(f'sum({name})' for name in POINT)}"  # noqa: S608
            f" FROM hourly WHERE hour >= ? AND hour < ? AND {where} GROUP BY 1 ORDER BY 1",
            (step, since, until, *args),
        )
        return tuple(point_of(stretch * step * HOUR, sums) for stretch, *sums in rows)

    def days(self, tenant: str | None) -> Days | None:
        where, args = _equal(tenant=tenant)
        first, last = self._all(
            f"SELECT min(day), max(day) FROM daily WHERE {where}",  # noqa: S608
            args,
        )[0]
        return None if first is None else Days(first, last + 1)

    def baselines(self, days: Days) -> tuple[str, ...]:
        rows = self._all(
            "SELECT DISTINCT baseline FROM daily WHERE day >= ? AND day < ? AND baseline != ''"
            " ORDER BY 1",
            (days.first, days.end),
        )
        return tuple(name for (name,) in rows)

    def times(self, chosen: RowFilter) -> AnswerTimes:
        where, args = self._where(chosen)
        rows = self._all(
            f"SELECT local, seconds FROM (SELECT local, seconds FROM traces WHERE {where}"  # noqa: S608
            f" AND outcome = 'ok' ORDER BY at DESC, seq DESC LIMIT {MOST_TIMED}) AS newest"
            " ORDER BY seconds",
            args,
        )
        seconds = Latencies()
        for local, one in rows:
            seconds.add(local, one)
        return AnswerTimes(len(rows), *percentiles(seconds.local), *percentiles(seconds.remote))

    def tiers(self, chosen: RowFilter) -> tuple[TierCount, ...]:
        where, args = self._where(chosen)
        rows = self._all(
            "SELECT tier, reach, count(*) FROM (SELECT tier, reach FROM traces"  # noqa: S608
            f" WHERE {where} AND outcome != 'shadow' ORDER BY at DESC, seq DESC"
            f" LIMIT {MOST_SEARCHED}) AS newest GROUP BY 1, 2 ORDER BY 1, 2",
            args,
        )
        return tuple(TierCount(Tier(tier), Reach(reach), n) for tier, reach, n in rows)

    def rules(self, chosen: RowFilter) -> tuple[RuleCount, ...]:
        where, args = self._where(chosen)
        found = self._all(
            "SELECT seq, at FROM (SELECT seq, at, tier FROM traces"  # noqa: S608
            f" WHERE {where} ORDER BY at DESC, seq DESC LIMIT {MOST_SEARCHED}) AS newest"
            f" WHERE tier > 0 LIMIT {MOST_READ}",
            args,
        )
        counts = Counter(one for document in self._bodies(found) for one in _found(document))
        most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_RULES]
        return tuple(RuleCount(label, rule, Tier(tier), n) for (label, rule, tier), n in most)

    def _bodies(self, rows: Sequence[Sequence[Any]]) -> list[str]:
        """The JSON of rows with these numbers and times: a join would read that of all days."""
        if not rows:
            return []
        numbers, times = [seq for seq, _ in rows], [at for _, at in rows]
        where = f"seq IN ({', '.join('?' * len(rows))})"
        if "at" in self._variant.body:
            where, times = f"{where} AND at >= ? AND at <= ?", [min(times), max(times)]
        else:
            times = []
        found = self._all(f"SELECT trace FROM bodies WHERE {where}", [*numbers, *times])  # noqa: S608
        return [document for (document,) in found]

    def page(self, chosen: RowFilter, before: RowCursor | None, limit: int) -> TracePage:
        if chosen.search and (exact := self._by_id(chosen)):
            return TracePage(exact)
        where, args = self._where(chosen)
        if before is not None:
            where, args = (
                f"{where} AND at <= ? AND (at, seq) < (?, ?)",
                [*args, before.at, before.at, before.seq],
            )
        bound = None if _led(chosen) else self._bound(chosen, before)
        if bound is not None:
            where, args = (
                f"{where} AND at >= ? AND (at, seq) >= (?, ?)",
                [*args, bound.at, bound.at, bound.seq],
            )
        rows = self._all(
            f"SELECT {', '.join(_LINE)} FROM traces WHERE {where}"  # noqa: S608
            f" ORDER BY at DESC, seq DESC LIMIT {limit + 1}",
            args,
        )
        lines = tuple(_line(row) for row in rows[:limit])
        if len(rows) > limit:
            return TracePage(lines, RowCursor(lines[-1].at, lines[-1].seq))
        return TracePage(lines, bound, bound.at if bound else None)

    def _by_id(self, chosen: RowFilter) -> tuple[TraceLine, ...]:
        where, args = _equal(tenant=chosen.tenant, id=chosen.search)
        rows = self._all(f"SELECT {', '.join(_LINE)} FROM traces WHERE {where}", args)  # noqa: S608
        return tuple(map(_line, rows))

    def _bound(self, chosen: RowFilter, before: RowCursor | None) -> RowCursor | None:
        """The oldest row that a page looks at; None: there are fewer."""
        where, args = self._where(
            RowFilter(tenant=chosen.tenant, task=chosen.task, until=chosen.until)
        )
        if before is not None:
            where, args = (
                f"{where} AND at <= ? AND (at, seq) < (?, ?)",
                [*args, before.at, before.at, before.seq],
            )
        rows = self._all(
            f"SELECT at, seq FROM traces WHERE {where} ORDER BY at DESC, seq DESC"  # noqa: S608
            f" LIMIT 1 OFFSET {MOST_SEARCHED}",
            args,
        )
        if not rows or (chosen.since is not None and rows[0][0] < chosen.since):
            return None
        return RowCursor(*rows[0])

    def tail(self, after: int, tenant: str | None, limit: int) -> tuple[TraceLine, ...]:
        where, args = _equal(tenant=tenant)
        rows = self._all(
            f"SELECT {', '.join(_LINE)} FROM (SELECT * FROM traces WHERE seq > ?"  # noqa: S608
            f" ORDER BY seq DESC LIMIT {limit * 20}) AS newest WHERE {where}"
            f" ORDER BY seq DESC LIMIT {limit}",
            (after, *args),
        )
        return tuple(map(_line, rows))

    def documents(self, chosen: RowFilter, after: RowCursor | None, limit: int) -> DocumentPage:
        where, args = self._where(chosen)
        if after is not None:
            where, args = (
                f"{where} AND at >= ? AND (at, seq) > (?, ?)",
                [*args, after.at, after.at, after.seq],
            )
        end = self._end(chosen, after)
        if end is not None:
            where, args = (
                f"{where} AND at <= ? AND (at, seq) <= (?, ?)",
                [*args, end.at, end.at, end.seq],
            )
        found: list[tuple[float, int, str]] = []
        size = 0
        for at, seq, document in self._reading.each(
            f"SELECT at, seq, trace FROM {self._variant.whole_rows} WHERE {where}"  # noqa: S608
            f" ORDER BY at, seq LIMIT {limit}",
            args,
        ):
            found.append((at, seq, document))
            size += len(document)
            if size > MOST_BYTES:
                break
        grades = of_rows(self._reading, [seq for _, seq, _ in found])
        rows = tuple((unpacked(document), grades.get(seq, [])) for _, seq, document in found)
        full = len(found) == limit or size > MOST_BYTES
        return DocumentPage(rows, RowCursor(*found[-1][:2]) if full else end)

    def _end(self, chosen: RowFilter, after: RowCursor | None) -> RowCursor | None:
        """The newest row that a page of whole rows looks at; None: there are fewer."""
        narrow = RowFilter(tenant=chosen.tenant, since=chosen.since, until=chosen.until, kept="all")
        where, args = self._where(narrow)
        if after is not None:
            where, args = (
                f"{where} AND at >= ? AND (at, seq) > (?, ?)",
                [*args, after.at, after.at, after.seq],
            )
        rows = self._all(
            f"SELECT at, seq FROM traces WHERE {where} ORDER BY at, seq"  # noqa: S608
            f" LIMIT 1 OFFSET {MOST_SEARCHED}",
            args,
        )
        return RowCursor(*rows[0]) if rows else None

    def document(self, id: str, tenant: str | None) -> tuple[bytes, list[GradeRow]] | None:
        where, args = _equal(tenant=tenant, id=id)
        rows = self._all(
            f"SELECT trace, tenant FROM {self._variant.whole_rows} WHERE {where}",  # noqa: S608
            args,
        )
        if not rows:
            return None
        document, owner = rows[0]
        grades = self._all(
            f"SELECT {', '.join(FIELDS)} FROM grades WHERE trace = ? AND tenant = ?"  # noqa: S608
            " ORDER BY at, rowid",
            (id, owner),
        )
        return unpacked(document), [grade_of(values) for values in grades]

    def _where(self, chosen: RowFilter) -> tuple[str, list[object]]:
        """The condition, and the arguments of its placeholders."""
        where, args = _equal(
            tenant=chosen.tenant, task=chosen.task, target=chosen.target, outcome=chosen.outcome,
            key=chosen.key, tag=chosen.tag, run=chosen.run,
        )  # fmt: skip
        for term, value in (("at >= ?", chosen.since), ("at < ?", chosen.until)):
            if value is not None:
                where, args = f"{where} AND {term}", [*args, value]
        if chosen.side is not None:
            where += f" AND outcome = 'ok' AND {'' if chosen.side == 'local' else 'NOT '}local"
        if chosen.tier is not None:
            where += f" AND tier = {int(chosen.tier)}"
        where += f" AND {_KEPT[chosen.kept]}" if chosen.kept else " AND outcome != 'shadow'"
        if chosen.search:
            found = " OR ".join(map(self._holds, _SEARCHED))
            where, args = f"{where} AND ({found})", [*args, *[chosen.search] * len(_SEARCHED)]
        return where, args


_NO_KEY = "''"
_DAILY = ", ".join(
    [f"sum({name})" for name in COUNTS]
    + [total(name) for name in AMOUNTS]
    + [f"sum({name})" for name in BASES]
)


def _led(chosen: RowFilter) -> bool:
    """Whether an index leads to the rows: nothing else is asked of them."""
    others = (chosen.target, chosen.side, chosen.search, chosen.outcome, chosen.tier, chosen.key,
              chosen.tag, chosen.run)  # fmt: skip
    if chosen.kept is not None:
        narrow = (chosen.task, chosen.tenant, *others)
        return chosen.kept in _INDEXED and narrow.count(None) == len(narrow)
    return others.count(None) == len(others)


def _equal(**values: str | None) -> tuple[str, list[object]]:
    given = {column: value for column, value in values.items() if value is not None}
    terms = [f"{c} IS NULL" if v == NONE else f"{c} = ?" for c, v in given.items()]
    return " AND ".join(["1 = 1", *terms]), [v for v in given.values() if v != NONE]


def _line(row: Sequence[Any]) -> TraceLine:
    (seq, id, at, tenant, key, model, outcome, status, stream, task, target, local, tier, reach,
     escalated, explored, seconds, cost, counterfactual, *groups) = row  # fmt: skip
    return TraceLine(
        seq, id, at, tenant, key, model, outcome, status, bool(stream), task, target, bool(local),
        Tier(tier), Reach(reach), bool(escalated), bool(explored), seconds,
        None if cost is None else dollars(cost),
        None if counterfactual is None else dollars(counterfactual),
        *groups,
    )  # fmt: skip
