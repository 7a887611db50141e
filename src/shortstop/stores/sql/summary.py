"""The queries behind one report, over one choice of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from shortstop.stores.sql.database import Queries, Record, SqlVariant
from shortstop.stores.sql.parts import ChosenRows
from shortstop.stores.sql.rollups import DAY, HOUR, Rollup, rollups
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
from shortstop.types.report import GroupBy, Point, Slice, TrafficReport

MOST_TIMED = 50_000
"""Answers over which times are taken, where the database can choose them by chance."""
_ROLLED = ("day", "task", "target", "tenant")
_NAMED = ("key", "user", "tag", "run", "specialist", "deployment")
_KEYS: Mapping[str, str] = {
    "task": "coalesce(task, '(none)')",
    "target": "coalesce(target, '(none)')",
    "tenant": "tenant",
    **{k: f"coalesce(\"{k}\", '(none)')" for k in _NAMED},
}
_ByKey = defaultdict[Any, Latencies]
_EPOCH = date(1970, 1, 1).toordinal()
_ANSWERED = 1 + list(COUNTS).index("answered")
_NO_KEY = "''"


def day_of(number: int) -> str:
    """The date of a day that is counted from 1970."""
    return date.fromordinal(_EPOCH + number).isoformat()


class Summary:
    """Sums by day, task, target and tenant are those of the roll-ups; by anything else they are
    taken over the rows."""

    def __init__(self, reading: Queries, variant: SqlVariant, rows: ChosenRows) -> None:
        self._reading = reading
        self._variant = variant
        self._rows = rows
        self._daily, self._hourly = rollups(variant)
        self._where, self._args = rows.where()

    def report(self, by: Sequence[GroupBy]) -> TrafficReport:
        first, last = self._query("SELECT min(at), max(at) FROM traces WHERE {where}")[0]
        whole = self._sums(None)
        answered = whole[0][_ANSWERED] if whole else 0
        share = min(1.0, MOST_TIMED / max(1, answered)) if self._variant.sampled else 1.0
        latencies = self._latencies(by, share)
        timed = latencies[0][""]
        step = timeline_step(first, last)
        return TrafficReport(
            total=slice_of(whole[0], timed) if whole else Slice(""),
            groups={k: self._ordered(k, one) for k, one in zip(by, latencies[1:], strict=True)},
            first=first,
            last=last,
            step=step,
            timeline=self._timeline(int(step)),
            latency=histogram(timed, share),
            baselines=self._names("baseline", self._daily),
            prices=self._prices(),
            tenant=self._rows.tenant,
            runs=run_totals(self._reading, self._where, self._args),
            timed=len(timed.all) if share < 1 else None,
        )

    def days(self) -> tuple[Slice, ...]:
        """The sums of each day, in order, without times."""
        return self._ordered("day", defaultdict(Latencies))

    def _query(self, text: str, *more: float) -> list[tuple[Any, ...]]:
        return self._reading.all(text.replace("{where}", self._where), (*more, *self._args))

    def _key(self, by: GroupBy) -> str:
        """Days as numbers."""
        return self._variant.whole("at / 86400") if by == "day" else _KEYS[by]

    def _names(self, column: str, rollup: Rollup) -> tuple[str, ...]:
        parts, args = self._rows.parts(rollup, DAY)
        rows = self._reading.all(
            f"SELECT DISTINCT {column} FROM {parts} WHERE {column} != '' ORDER BY 1",  # noqa: S608
            args,
        )
        return tuple(text for (text,) in rows)

    def _prices(self) -> tuple[str, ...]:
        if self._variant.prices:
            keys = {"day": self._daily.keys["day"], "tenant": "tenant", "prices": "prices"}
            return self._names("prices", Rollup("prices_used", keys, {}))
        rows = self._query(
            "SELECT DISTINCT prices FROM traces WHERE {where} AND prices != '' ORDER BY 1"
        )
        return tuple(text for (text,) in rows)

    def _ordered(self, by: GroupBy, latencies: _ByKey) -> tuple[Slice, ...]:
        """Days in order, everything else by number of requests."""
        slices = [slice_of(row, latencies[row[0]]) for row in self._sums(by)]
        if by == "day":
            slices = [replace(one, key=day_of(int(one.key))) for one in slices]
            return tuple(sorted(slices, key=lambda one: one.key))
        return tuple(sorted(slices, key=lambda one: (-one.requests, one.key)))

    def _sums(self, by: GroupBy | None) -> list[tuple[Any, ...]]:
        """A key, and the sums of COUNTS, AMOUNTS and BASES; over all without a key."""
        if by is not None and by not in _ROLLED:
            return self._query(OF_ROWS.replace("{key}", self._key(by)))
        parts, args = self._rows.parts(self._daily, DAY)
        return self._reading.all(_OF_PARTS.format(key=by or _NO_KEY, parts=parts), args)

    def _latencies(self, by: Sequence[GroupBy], share: float) -> list[_ByKey]:
        """For all rows and for each grouping: sorted seconds of local and remote answers."""
        keys = [_NO_KEY, *(self._key(one) for one in by)]
        groupings: list[_ByKey] = [defaultdict(Latencies) for _ in keys]
        for local, seconds, *names in self._timed(", ".join(keys), share):
            for grouping, name in zip(groupings, names, strict=True):
                grouping[name].add(local, seconds)
        return groupings

    def _timed(self, keys: str, share: float) -> Iterable[Record]:
        sample = self._variant.sampled(share) if share < 1 and self._variant.sampled else ""
        query = (
            f"SELECT local, seconds, {keys} FROM traces {sample}"  # noqa: S608 - fixed texts
            f" WHERE outcome = 'ok' AND {self._where} ORDER BY seconds"
        )
        return (self._reading.all if sample else self._reading.each)(query, self._args)

    def _timeline(self, step: int) -> tuple[Point, ...]:
        if step % HOUR:
            bucket = self._variant.whole("at / ?")
            rows = self._query(_TIMELINE.replace("{bucket}", bucket), float(step))
        else:
            parts, args = self._rows.parts(self._hourly, HOUR)
            sums = ", ".join(f"sum({name})" for name in POINT)
            rows = self._reading.all(
                f"SELECT hour / ? AS stretch, {sums} FROM {parts} GROUP BY 1 ORDER BY 1",  # noqa: S608
                (step // HOUR, *args),
            )
        return tuple(point_of(float(bucket * step), sums) for bucket, *sums in rows)


_OF_PARTS = f"""
    SELECT {{key}} AS k, {", ".join(f"sum({name})" for name in COUNTS)},
        {", ".join(map(total, AMOUNTS))}, {", ".join(f"sum({name})" for name in BASES)}
    FROM {{parts}} GROUP BY k
"""  # noqa: S608 - made of fixed texts
OF_ROWS = f"""
    SELECT {{key}} AS k, {", ".join(f"sum({count(name)})" for name in COUNTS)},
        {", ".join(map(total, AMOUNTS))},
        {", ".join(f"sum({basis(name)})" for name in BASES)}
    FROM traces WHERE {{where}} GROUP BY k
"""  # noqa: S608 - made of fixed texts
"""What a `Slice` is made of, by a key of your own."""
_TIMELINE = f"""
    SELECT {{bucket}} AS bucket, {", ".join(f"sum({count(n)})" for n in POINT)}
    FROM traces WHERE {{where}} GROUP BY bucket ORDER BY bucket
"""  # noqa: S608 - made of fixed texts
