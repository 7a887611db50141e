"""Small SVG charts. Colours are CSS classes, so that one chart serves light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 480.0, 210.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 10.0, 28.0


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of values; `tone` is a CSS class: local, remote, frontier, failed."""

    name: str
    tone: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar of length `value`, 0 to 1, with a label before and a text after it.

    `low` and `high` are the ends of a whisker, on the same scale.
    """

    label: str
    tone: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None


def ticks(top: float, count: int = 4) -> list[float]:
    """Round values from 0 up to at least `top`."""
    if top <= 0:
        return [0.0, 1.0]
    raw = top / count
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= raw * 0.999)
    return [float(f"{i * step:.12g}") for i in range(math.ceil(top / step - 1e-9) + 1)]


def _count(value: float) -> str:
    return f"{value:,.10g}"


def _n(value: float) -> str:
    """A coordinate."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


class _Plot:
    """The frame of a chart with a value axis: its grid, labels and scales."""

    def __init__(self, top: float, format_value: Callable[[float], str], describe: str) -> None:
        self._marks = ticks(top)
        self.top = self._marks[-1]
        self.left, self.right = _LEFT, WIDTH - _RIGHT
        self.base, self.ceiling = HEIGHT - _BOTTOM, _TOP
        self._parts = [self._grid(mark, format_value(mark)) for mark in self._marks]
        self._describe = describe

    def y(self, value: float) -> float:
        return self.base - (self.base - self.ceiling) * value / self.top

    def _grid(self, mark: float, label: str) -> str:
        y = _n(self.y(mark))
        return (
            f'<line class="grid" x1="{_n(self.left)}" x2="{_n(self.right)}" y1="{y}" y2="{y}"/>'
            f'<text class="tick" x="{_n(self.left - 8)}" y="{y}" dy=".32em" '
            f'text-anchor="end">{escape(label)}</text>'
        )

    def add(self, part: str) -> None:
        self._parts.append(part)

    def label_x(self, x: float, text: str, anchor: str = "middle") -> None:
        self.add(
            f'<text class="tick" x="{_n(x)}" y="{_n(self.base + 19)}" '
            f'text-anchor="{anchor}">{escape(text)}</text>'
        )

    def svg(self, role: str = "img") -> str:
        return (
            f'<svg viewBox="0 0 {_n(WIDTH)} {_n(HEIGHT)}" role="{role}" '
            f'aria-label="{escape(self._describe)}">{"".join(self._parts)}</svg>'
        )


def legend(series: Sequence[Series]) -> str:
    items = "".join(
        f'<span class="key"><i class="{one.tone}"></i>{escape(one.name)}</span>' for one in series
    )
    return f'<div class="legend">{items}</div>'


def _edge_labels(plot: _Plot, labels: Sequence[str]) -> None:
    """As many labels below the axis as fit, the first among them."""
    if not labels:
        return
    width = (plot.right - plot.left) / len(labels)
    every = max(1, math.ceil(len(labels) / 5))
    for i in range(0, len(labels), every):
        plot.label_x(plot.left + (i + 0.5) * width, labels[i])


def stacked(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    describe: str,
    format_value: Callable[[float], str] = _count,
    links: Sequence[str] = (),
) -> str:
    """Stacked columns, one for each label. `describe` is for who cannot see them; `links` lead from
    a column to what is behind it."""
    totals = [sum(one.values[i] for one in series) for i in range(len(labels))]
    plot = _Plot(max(totals, default=0), format_value, describe)
    room = (plot.right - plot.left) / max(1, len(labels))
    width = min(room - min(3.0, room * 0.25), 46)
    for i, label in enumerate(labels):
        x = plot.left + i * room + (room - width) / 2
        below = 0.0
        link = links[i] if links and totals[i] else ""
        if link:
            plot.add(f'<a href="{escape(link)}">')
        for one in series:
            value = one.values[i]
            if value <= 0:
                continue
            y, height = plot.y(below + value), plot.y(below) - plot.y(below + value)
            tip = f"{label}: {format_value(value)} {one.name}"
            plot.add(
                f'<rect class="{one.tone}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" '
                f'height="{_n(height)}"><title>{escape(tip)}</title></rect>'
            )
            below += value
        if link:
            plot.add("</a>")
    _edge_labels(plot, labels)
    return legend(series) + plot.svg("group" if links else "img")


def lines(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    describe: str,
    format_value: Callable[[float], str] = _count,
    between: str | None = None,
) -> str:
    """Curves over the labels. `between` fills the area between two of them and is its tooltip."""
    top = max((max(one.values, default=0) for one in series), default=0)
    plot = _Plot(top, format_value, describe)
    room = (plot.right - plot.left) / max(1, len(labels))

    def place(one: Series) -> list[tuple[float, float]]:
        points = [(plot.left + (i + 0.5) * room, plot.y(v)) for i, v in enumerate(one.values)]
        return [(plot.left, plot.y(0)), *points]

    if between is not None and len(series) == 2:
        edge = [*place(series[0]), *reversed(place(series[1]))]
        plot.add(f'<polygon class="between" points="{_path(edge)}"><title>{escape(between)}'
                 "</title></polygon>")  # fmt: skip
    for one in series:
        points = place(one)
        plot.add(f'<polyline class="line {one.tone}" points="{_path(points)}"/>')
        x, y = points[-1]
        plot.add(
            f'<circle class="{one.tone}" cx="{_n(x)}" cy="{_n(y)}" r="3.5">'
            f"<title>{escape(f'{one.name}: {format_value(one.values[-1])}')}</title></circle>"
        )
    _edge_labels(plot, labels)
    return legend(series) + plot.svg()


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def histogram(edges: Sequence[str], series: Sequence[Series], *, describe: str) -> str:
    """Columns between `edges`, side by side, in percent of each series' own total."""
    shares = []
    for one in series:
        whole = sum(one.values) or 1
        shares.append([100 * value / whole for value in one.values])
    plot = _Plot(max((max(s, default=0) for s in shares), default=0), _percent, describe)
    bins = len(edges) - 1
    room = (plot.right - plot.left) / max(1, bins)
    width = (room - min(4.0, room * 0.2)) / max(1, len(series))
    for i in range(bins):
        for j, (one, share) in enumerate(zip(series, shares, strict=True)):
            if share[i] <= 0:
                continue
            x = plot.left + i * room + (room - width * len(series)) / 2 + j * width
            y = plot.y(share[i])
            tip = f"{edges[i]} to {edges[i + 1]}: {one.values[i]:g} {one.name} ({share[i]:.0f}%)"
            plot.add(
                f'<rect class="{one.tone}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" '
                f'height="{_n(plot.base - y)}"><title>{escape(tip)}</title></rect>'
            )
    every = max(1, math.ceil(bins / 6))
    for i in range(0, bins + 1, every):
        plot.label_x(plot.left + i * room, edges[i])
    return legend(series) + plot.svg()


def _percent(value: float) -> str:
    return f"{value:g}%"


def bars(rows: Sequence[Bar]) -> str:
    """Horizontal bars as HTML, so that text wraps on a phone; no style, which a page may forbid."""
    rendered = []
    for row in rows:
        whisker = ""
        if row.low is not None and row.high is not None:
            left, right = _clip(row.low), _clip(row.high)
            whisker = (
                f'<rect class="whisker" x="{100 * left:.1f}%" width="{100 * (right - left):.1f}%"'
                ' y="6" height="2"/>'
            )
        rendered.append(
            f'<div class="bar"><span>{escape(row.label)}</span>'
            '<svg class="track" aria-hidden="true">'
            '<rect class="rail" width="100%" height="14" rx="4"/>'
            f'<rect class="{row.tone}" width="{100 * _clip(row.value):.1f}%" height="14" rx="4"/>'
            f"{whisker}</svg><span>{escape(row.text)}</span></div>"
        )
    return f'<div class="bars">{"".join(rendered)}</div>'


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
