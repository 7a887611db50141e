"""How often the fields of papers were read rightly, by vendor or whatever keys them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortstop.specialists.composed.records import Records, Shares

DOUBT = 1.0
"""Papers of the average kind that stand beside those of one value."""


class Counted:
    """Papers counted by the value of a key field: whether that was met before, and which fields
    were right, out of fold."""

    def __init__(
        self, values: Sequence[str], known: Sequence[bool], right: Sequence[Mapping[str, float]]
    ) -> None:
        self.values, self.known, self.right = values, known, right
        self.papers: dict[str, int] = {}
        self.hits: dict[str, dict[str, float]] = {}
        self._usual = {one: self._average(one) for one in (True, False)}
        for value, right_one in zip(values, right, strict=True):
            self.papers[value] = self.papers.get(value, 0) + 1
            hits = self.hits.setdefault(value, {})
            for name, good in right_one.items():
                hits[name] = hits.get(name, 0.0) + good

    def records(self) -> Records:
        known_of = dict(zip(self.values, self.known, strict=True))
        shares = {
            value: self._shares(known_of[value], self.papers[value], self.hits[value])
            for value in self.papers
        }
        return Records(shares, self._usual[True], self._usual[False])

    def without(self, row: int) -> Shares:
        """What would be known of a row's value without that row."""
        value = self.values[row]
        hits = {name: self.hits[value][name] - good for name, good in self.right[row].items()}
        return self._shares(self.known[row], self.papers[value] - 1, hits)

    def _shares(self, known: bool, papers: int, hits: Mapping[str, float]) -> Shares:
        usual = self._usual[known]
        return {n: (hit + DOUBT * usual[n]) / (papers + DOUBT) for n, hit in hits.items()}

    def _average(self, known: bool) -> Shares:
        rows = [right for right, one in zip(self.right, self.known, strict=True) if one == known]
        rows = rows or list(self.right)
        return {n: sum(one[n] for one in rows) / len(rows) for n in self.right[0]}
