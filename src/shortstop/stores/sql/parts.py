"""Sums over any time: of whole days or hours from the roll-ups, of the rest from rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

from shortstop.stores.sql.rollups import Rollup

Args = list[float | str]


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """Rows with `since <= at < until`, of one tenant if it is named; None leaves a side open."""

    since: float | None = None
    until: float | None = None
    tenant: str | None = None

    def where(self, **equal: str | None) -> tuple[str, Args]:
        """The condition, and the arguments of its placeholders; also for columns that equal what
        is given."""
        terms = {"at >= ?": self.since, "at < ?": self.until, "tenant = ?": self.tenant}
        terms |= {f"{column} = ?": value for column, value in equal.items()}
        given = {term: value for term, value in terms.items() if value is not None}
        return " AND ".join(("1 = 1", *given)), list(given.values())

    def parts(self, rollup: Rollup, seconds: int) -> tuple[str, Args]:
        """A table with the columns of a roll-up, whose first key counts stretches of so many
        seconds: its sums are those of the chosen rows, in several parts."""
        queries, args = [], []
        for query, more in (*self._whole(rollup, seconds), *self._rest(rollup, seconds)):
            queries.append(query)
            args += more
        return f"({' UNION ALL '.join(queries)}) AS parts", args

    def _whole(self, rollup: Rollup, seconds: int) -> Iterator[tuple[str, Args]]:
        first, end = self._places(seconds)
        place = next(iter(rollup.keys))
        terms = {f"{place} >= ?": first, f"{place} < ?": end, "tenant = ?": self.tenant}
        given = {term: value for term, value in terms.items() if value is not None}
        columns = ", ".join((*rollup.keys, *rollup.sums))
        where = " AND ".join(("1 = 1", *given))
        yield f"SELECT {columns} FROM {rollup.name} WHERE {where}", list(given.values())  # noqa: S608 - ours

    def _rest(self, rollup: Rollup, seconds: int) -> Iterator[tuple[str, Args]]:
        """Of the first and the last stretch, where they are not chosen whole."""
        columns = ", ".join((*rollup.keys.values(), *rollup.sums.values()))
        places = ", ".join(str(place) for place in range(1, len(rollup.keys) + 1))
        for rows in self._ends(seconds):
            where, args = rows.where()
            yield f"SELECT {columns} FROM traces WHERE {where} GROUP BY {places}", args  # noqa: S608 - ours

    def _places(self, seconds: int) -> tuple[int | None, int | None]:
        """The first whole stretch, and the one after the last."""
        first = None if self.since is None else ceil(self.since / seconds)
        end = None if self.until is None else floor(self.until / seconds)
        return first, end

    def _ends(self, seconds: int) -> Iterator[ChosenRows]:
        first, end = self._places(seconds)
        if first is not None and end is not None and first > end:
            yield self
            return
        if first is not None and self.since is not None and self.since < first * seconds:
            yield ChosenRows(self.since, first * seconds, self.tenant)
        if end is not None and self.until is not None and end * seconds < self.until:
            yield ChosenRows(end * seconds, self.until, self.tenant)
