"""The read side. Opens the file read-only, so that reading never holds up the writer.

How the figures are counted:
  - local share: of the answered requests, those that a local model answered;
  - pinned: requests that privacy allowed to go nowhere else;
  - escalated: a local model tried and a remote one answered;
  - money: cost and counterfactual are summed over the same rows, those where both are known; the
    others are counted as `unpriced`, never as zero;
  - p50 and p95: nearest rank over the seconds of answered requests, first byte in to last out.
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.money import dollars
from shortstop.traces import migrations, rows
from shortstop.types import Basis, Reach, Span, Trace

_PAGE = 500
_ZERO = Decimal(0)

By = Literal["day", "task", "target", "tenant"]
_KEYS: dict[By, str] = {
    "day": "date(at, 'unixepoch')",
    "task": "coalesce(task, '(none)')",
    "target": "coalesce(target, '(none)')",
    "tenant": "tenant",
}


class Slice(Struct, frozen=True):
    """Sums over some requests. Money in US dollars, time in seconds, energy in joules."""

    key: str
    requests: int = 0
    answered: int = 0
    local: int = 0
    pinned: int = 0
    escalated: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    p50: float | None = None
    p95: float | None = None
    local_p50: float | None = None
    local_p95: float | None = None
    remote_p50: float | None = None
    remote_p95: float | None = None
    cost: Decimal = _ZERO
    cost_local: Decimal = _ZERO
    counterfactual: Decimal = _ZERO
    unpriced: int = 0
    estimated: int = 0
    joules: Span = Span()
    counterfactual_joules: Span = Span()
    gco2: Span = Span()

    @property
    def local_share(self) -> float | None:
        return self.local / self.answered if self.answered else None

    @property
    def pinned_share(self) -> float | None:
        return self.pinned / self.requests if self.requests else None

    @property
    def saved(self) -> Decimal:
        return self.counterfactual - self.cost

    @property
    def saved_share(self) -> float | None:
        return float(self.saved / self.counterfactual) if self.counterfactual else None


class Point(Struct, frozen=True):
    """A stretch of time: `at` is its beginning."""

    at: float
    requests: int
    local: int
    remote: int
    pinned: int
    cost: Decimal
    counterfactual: Decimal


class Bin(Struct, frozen=True):
    """Answered requests that took from `low` up to `high` seconds."""

    low: float
    high: float
    local: int
    remote: int


class TrafficReport(Struct, frozen=True):
    """Everything a report shows. `first` and `last` are the times of the rows in it."""

    total: Slice
    groups: dict[By, tuple[Slice, ...]]
    first: float | None
    last: float | None
    step: float
    timeline: tuple[Point, ...]
    latency: tuple[Bin, ...]
    baselines: tuple[str, ...]
    prices: tuple[str, ...]
    tenant: str | None = None


def connect(path: Path) -> sqlite3.Connection:
    """Raises StoreError when there is nothing to read or it cannot be read."""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error as e:
        raise StoreError(f"Cannot read {path}: {e}.") from e
    try:
        found = migrations.check(db, str(path))
        if found < len(migrations.MIGRATIONS):
            raise StoreError(
                f"{path} has schema version {found}, not {len(migrations.MIGRATIONS)}.",
                hint="Start `shortstop serve` once: it brings the file up to date.",
            )
    except sqlite3.Error as e:
        db.close()
        raise StoreError(f"Cannot read {path}: {e}.") from e
    except StoreError:
        db.close()
        raise
    return db


def read_traces(
    path: Path,
    *,
    since: float | None = None,
    until: float | None = None,
    tenant: str | None = None,
) -> Iterator[Trace]:
    """Rows with since <= at < until in order of time, a page at a time.

    No read transaction stays open between pages, so a slow reader does not stop checkpoints.
    """
    where, args = _where(since, until, tenant)
    query = f"""
        SELECT at, seq, trace FROM traces JOIN bodies USING (seq)
        WHERE {where} AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT {_PAGE}
    """  # noqa: S608 - `where` is made of fixed texts
    last: tuple[float, int] = (float("-inf"), 0)
    with closing(connect(path)) as db:
        while True:
            page = _rows(db, path, query, (*args, *last))
            for _at, _seq, blob in page:
                yield rows.unseal(blob)
            if len(page) < _PAGE:
                return
            last = page[-1][0], page[-1][1]


def summarise(
    path: Path,
    *,
    by: Sequence[By] = ("day", "task", "target", "tenant"),
    since: float | None = None,
    until: float | None = None,
    tenant: str | None = None,
) -> TrafficReport:
    """The report over rows with since <= at < until. Raises StoreError."""
    where, args = _where(since, until, tenant)
    with closing(connect(path)) as db:
        try:
            db.execute("BEGIN")  # all queries see the same rows
            return _Summary(db, where, args).report(by, tenant)
        except sqlite3.Error as e:
            raise StoreError(f"Cannot read {path}: {e}.") from e


class _Summary:
    """The queries behind one report, over one choice of rows."""

    def __init__(self, db: sqlite3.Connection, where: str, args: list[float | str]) -> None:
        self._db = db
        self._where = where
        self._args = args

    def report(self, by: Sequence[By], tenant: str | None) -> TrafficReport:
        first, last = self._query("SELECT min(at), max(at) FROM traces WHERE {where}")[0]
        seconds = self._seconds(by)
        total = self._slices("''", seconds[0])
        step = _step(first, last)
        return TrafficReport(
            total=total[0] if total else Slice(""),
            groups={key: self._ordered(key, one) for key, one in zip(by, seconds[1:], strict=True)},
            first=first,
            last=last,
            step=step,
            timeline=self._timeline(step),
            latency=_histogram(seconds[0][""]),
            baselines=self._texts("baseline"),
            prices=self._texts("prices"),
            tenant=tenant,
        )

    def _query(self, text: str, *more: float) -> list[tuple[Any, ...]]:
        return self._db.execute(
            text.replace("{where}", self._where), (*more, *self._args)
        ).fetchall()

    def _texts(self, column: str) -> tuple[str, ...]:
        found = self._query(
            f"SELECT DISTINCT {column} FROM traces WHERE {{where}} AND {column} != '' ORDER BY 1"  # noqa: S608
        )
        return tuple(text for (text,) in found)

    def _ordered(self, by: By, seconds: _Seconds) -> tuple[Slice, ...]:
        """Days in order, everything else by number of requests."""
        found = self._slices(_KEYS[by], seconds)
        if by == "day":
            return tuple(sorted(found, key=lambda one: one.key))
        return tuple(sorted(found, key=lambda one: (-one.requests, one.key)))

    def _slices(self, key: str, seconds: _Seconds) -> list[Slice]:
        return [_slice(row, seconds) for row in self._query(_SUMS.replace("{key}", key))]

    def _seconds(self, by: Sequence[By]) -> list[_Seconds]:
        """For all rows and for each grouping: sorted seconds of local and remote answers."""
        keys = ["''", *(_KEYS[one] for one in by)]
        made: list[_Seconds] = [defaultdict(_Sides) for _ in keys]
        for local, value, *names in self._db.execute(
            f"SELECT local, seconds, {', '.join(keys)} FROM traces "  # noqa: S608
            f"WHERE outcome = 'ok' AND {self._where} ORDER BY seconds",
            self._args,
        ):
            for seconds, name in zip(made, names, strict=True):
                seconds[name].add(local, value)
        return made

    def _timeline(self, step: float) -> tuple[Point, ...]:
        return tuple(
            Point(at * step, n, local, remote, pinned, _usd(c, c2), _usd(f, f2))
            for at, n, local, remote, pinned, c, c2, f, f2 in self._query(_TIMELINE, step)
        )


def _money(column: str) -> str:
    """Two sums, of whole micro-dollars and the rest: one alone could overflow 64 bits."""
    known = "cost_pico IS NOT NULL AND counterfactual_pico IS NOT NULL"
    return (
        f"coalesce(sum(CASE WHEN {known} THEN {column} / 1000000 END), 0), "
        f"coalesce(sum(CASE WHEN {known} THEN {column} % 1000000 END), 0)"
    )


def _usd(micro: int, rest: int) -> Decimal:
    return dollars(micro * 10**6 + rest)


_SUMS = f"""
    SELECT {{key}} AS k, sum(outcome != 'shadow'), sum(outcome = 'ok'),
        sum(outcome = 'ok' AND local),
        sum(outcome != 'shadow' AND reach >= {int(Reach.LOCAL_ONLY)}), sum(escalated),
        sum(outcome IN ('error', 'interrupted')), sum(outcome = 'refused'),
        sum(outcome = 'cancelled'),
        coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),
        {_money("cost_pico")}, {_money("cost_local_pico")}, {_money("counterfactual_pico")},
        sum(unpriced OR cost_pico IS NULL OR counterfactual_pico IS NULL), sum(tokens_estimated),
        total(joules), total(joules_low), total(joules_high),
        total(counterfactual_joules), total(counterfactual_joules_low),
        total(counterfactual_joules_high), total(gco2), total(gco2_low), total(gco2_high),
        count(DISTINCT nullif(joules_basis, 'none')), max(nullif(joules_basis, 'none'))
    FROM traces WHERE {{where}} GROUP BY k
"""  # noqa: S608 - made of the fixed texts above
_TIMELINE = f"""
    SELECT CAST(at / ? AS INTEGER) AS bucket, sum(outcome != 'shadow'),
        sum(outcome = 'ok' AND local), sum(outcome = 'ok' AND NOT local),
        sum(outcome != 'shadow' AND reach >= {int(Reach.LOCAL_ONLY)}),
        {_money("cost_pico")}, {_money("counterfactual_pico")}
    FROM traces WHERE {{where}} GROUP BY bucket ORDER BY bucket
"""  # noqa: S608 - made of the fixed texts above

_EDGES = (0.0, *(
    round(digit * 10.0**power, 6) for power in range(-3, 3) for digit in (1, 1.5, 2, 3, 5, 7)
), 1e9)  # fmt: skip
_STEPS = (1, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
_MOST_POINTS = 96


def _step(first: float | None, last: float | None) -> float:
    """How long a stretch of the timeline is, so that there are not too many."""
    length = (last or 0) - (first or 0)
    return next((s for s in _STEPS if length / s <= _MOST_POINTS), _STEPS[-1])


def _slice(row: tuple[Any, ...], seconds: _Seconds) -> Slice:
    key, money, spans = row[0], row[11:17], row[19:28]
    sides = seconds[key]
    p50, p95 = _percentiles(sorted(sides.local + sides.remote))
    local_p50, local_p95 = _percentiles(sides.local)
    remote_p50, remote_p95 = _percentiles(sides.remote)
    basis: Basis = "none" if row[28] == 0 else row[29] if row[28] == 1 else "modelled"
    return Slice(
        **dict(zip(Slice.__struct_fields__, row[0:11], strict=False)),
        p50=p50,
        p95=p95,
        local_p50=local_p50,
        local_p95=local_p95,
        remote_p50=remote_p50,
        remote_p95=remote_p95,
        cost=_usd(*money[0:2]),
        cost_local=_usd(*money[2:4]),
        counterfactual=_usd(*money[4:6]),
        unpriced=row[17],
        estimated=row[18],
        joules=_span(spans[0:3], basis),
        counterfactual_joules=_span(spans[3:6], "modelled" if spans[3] else "none"),
        gco2=_span(spans[6:9], basis),
    )


def _span(values: tuple[float, ...], basis: Basis) -> Span:
    value, low, high = values
    return Span(value, low, high, basis)


class _Sides:
    """Seconds of the answers from here and from afar, in growing order."""

    __slots__ = ("local", "remote")

    def __init__(self) -> None:
        self.local = array("d")
        self.remote = array("d")

    def add(self, local: int, seconds: float) -> None:
        (self.local if local else self.remote).append(seconds)


_Seconds = defaultdict[str, _Sides]


def _percentiles(ordered: Sequence[float]) -> tuple[float | None, float | None]:
    """p50 and p95 by nearest rank."""
    if not ordered:
        return None, None
    return ordered[ceil(0.5 * len(ordered)) - 1], ordered[ceil(0.95 * len(ordered)) - 1]


def _histogram(sides: _Sides) -> tuple[Bin, ...]:
    """Counts between the edges, empty ends cut off."""

    def counts(ordered: Sequence[float]) -> list[int]:
        places = [bisect_left(ordered, edge) for edge in _EDGES]
        return [after - before for before, after in pairwise(places)]

    bins = [
        Bin(low, high, local, remote)
        for (low, high), local, remote in zip(
            pairwise(_EDGES), counts(sides.local), counts(sides.remote), strict=True
        )
    ]
    full = [i for i, one in enumerate(bins) if one.local or one.remote]
    return tuple(bins[full[0] : full[-1] + 1]) if full else ()


def _rows(
    db: sqlite3.Connection, path: Path, query: str, args: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    try:
        return db.execute(query, args).fetchall()
    except sqlite3.Error as e:
        raise StoreError(f"Cannot read {path}: {e}.") from e


def _where(
    since: float | None, until: float | None, tenant: str | None
) -> tuple[str, list[float | str]]:
    parts: list[str] = ["1"]
    args: list[float | str] = []
    for text, value in (("at >= ?", since), ("at < ?", until), ("tenant = ?", tenant)):
        if value is not None:
            parts.append(text)
            args.append(value)
    return " AND ".join(parts), args
