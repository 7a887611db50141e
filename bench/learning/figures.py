"""Figures with their intervals, beside what they must and should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from shortstop.cli.output import Grid, Terminal
from shortstop.evaluate.figures import wilson

Direction = Literal["at least", "at most"]


class Figure(Struct, frozen=True):
    """`value` over all seeds together, of `n` cases; `low` and `high` are Wilson's 95 % interval
    (None for what is no share), `seeds` the value of each. `must` and `aim` are issue figures."""

    subject: str
    what: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None
    seeds: tuple[float, ...] = ()
    must: float | None = None
    aim: float | None = None
    better: Direction = "at least"
    unit: str = "%"

    @property
    def verdict(self) -> str:
        for bar, word in ((self.aim, "aim"), (self.must, "must")):
            if bar is not None:
                reached = self.value >= bar if self.better == "at least" else self.value <= bar
                if reached:
                    return word
        return "" if self.must is None and self.aim is None else "missed"


class Bars(Struct, frozen=True):
    """What a figure must and should reach."""

    must: float | None = None
    aim: float | None = None
    better: Direction = "at least"


NO_BARS = Bars()


def share(
    subject: str, what: str, counts: Sequence[tuple[float, int]], bars: Bars = NO_BARS
) -> Figure:
    """A share of (hits, cases) for each seed. The interval is that of one seed's mean count: the
    seeds share their test rows."""
    hits, n = sum(h for h, _ in counts), sum(m for _, m in counts)
    value = hits / n if n else 0.0
    once = round(n / max(len(counts), 1))
    low, high = wilson(value * once, once)
    seeds = tuple(h / m if m else 0.0 for h, m in counts)
    return Figure(subject, what, value, once, low, high, seeds, bars.must, bars.aim, bars.better)


def plain(
    subject: str, what: str, values: Sequence[float], n: int, bars: Bars = NO_BARS, unit: str = ""
) -> Figure:
    """A mean over seeds of what is no share of cases."""
    mean = sum(values) / max(len(values), 1)
    return Figure(
        subject, what, mean, n, None, None, tuple(values), bars.must, bars.aim, bars.better, unit
    )


def show(figures: Iterable[Figure]) -> None:
    table = Grid()
    table.columns("figure", "value", "95 %", "n", "seeds", "must / aim", "", right=("value", "n"))
    subject = ""
    for one in figures:
        if one.subject != subject:
            subject = one.subject
            table.row(subject, "", "", "", "", "", "")
        table.row(
            f"  {one.what}",
            _written(one.value, one),
            f"{_bare(one.low, one)}-{_bare(one.high, one)}" if one.low is not None else "",
            str(one.n),
            " ".join(_bare(value, one) for value in one.seeds),
            f"{_bare(one.must, one)} / {_bare(one.aim, one)}" if one.must is not None else "",
            one.verdict,
        )
    Terminal(width=150).table(table)


def _written(value: float, one: Figure) -> str:
    return f"{_bare(value, one)} {one.unit}".strip()


def _bare(value: float | None, one: Figure) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f}" if one.unit == "%" else f"{value:.3g}"
