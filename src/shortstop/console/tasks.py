"""What each task costs, who answers it, and how well the promise about it is supported."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import get_args

from markupsafe import Markup
from msgspec import Struct

from shortstop.console import charts
from shortstop.console.charts import Series
from shortstop.console.sums import whole
from shortstop.console.templates import render
from shortstop.console.view import View
from shortstop.ports.stores import Figures
from shortstop.types.console import AnswerTimes, Days, PromiseLine, RowFilter, TaskRoute, TraceLine
from shortstop.types.report import Slice

DAY = 86_400
SAMPLES = 8
WIDTH, HEIGHT = 300.0, 26.0
SETTABLE: Sequence[str] = get_args(TaskRoute)
PERIODS = {30: "30 days", 7: "7 days", 1: "Today", 365: "Year"}


class _Tasks(Struct, frozen=True):
    days: int
    tenant: str | None
    since: int
    until: int
    total: Slice
    tasks: Sequence[tuple[Slice, Sequence[PromiseLine]]]
    routes: Mapping[str, str]
    done: str


class _PromisePlot(Struct, frozen=True):
    line: PromiseLine
    loss: Markup
    evidence: Markup


class _Task(Struct, frozen=True):
    name: str
    days: int
    tenant: str | None
    since: int
    until: int
    total: Slice
    times: AnswerTimes
    chart: Markup
    promises: Sequence[_PromisePlot]
    samples: Sequence[TraceLine]


def period_of(now: float, days: int) -> Days:
    """The last `days` days, today among them."""
    today = int(now // DAY)
    return Days(today - days + 1, today + 1)


class Steered(Struct, frozen=True):
    """What is promised of tasks, the routes that overrule the router, and what was just `done`."""

    promises: Sequence[PromiseLine]
    routes: Mapping[str, str]
    done: str = ""


def page(view: View, figures: Figures, days: int, tenant: str | None, steered: Steered) -> str:
    period = period_of(view.now, days)
    slices = figures.slices("task", period, tenant=tenant)
    return render(
        "tasks.html",
        view=view,
        settable=SETTABLE,
        it=_Tasks(
            days=days,
            tenant=tenant,
            since=period.first * DAY,
            until=period.end * DAY,
            total=whole(slices),
            tasks=[(one, [p for p in steered.promises if p.task == one.key]) for one in slices],
            routes=steered.routes,
            done=steered.done,
        ),
    )


def one(
    view: View,
    figures: Figures,
    name: str,
    days: int,
    tenant: str | None,
    promises: Sequence[PromiseLine],
) -> str:
    period = period_of(view.now, days)
    by_day = figures.slices("day", period, tenant=tenant, task=name)
    rows = RowFilter(task=name, tenant=tenant, since=period.first * DAY, until=period.end * DAY)
    return render(
        "task.html",
        view=view,
        it=_Task(
            name=name,
            days=days,
            tenant=tenant,
            since=period.first * DAY,
            until=period.end * DAY,
            total=whole(by_day),
            times=figures.times(rows),
            chart=_by_day(by_day),
            promises=[
                _PromisePlot(line, _loss(line), _evidence(line))
                for line in promises
                if line.task == name
            ],
            samples=figures.page(rows, None, SAMPLES).lines,
        ),
    )


def _by_day(days: Sequence[Slice]) -> Markup:
    if not days:
        return Markup("")
    series = [
        Series("local", "local", [float(day.local) for day in days]),
        Series("remote", "remote", [float(day.answered - day.local) for day in days]),
    ]
    labels = [day.key[5:] for day in days]
    drawn = charts.stacked(labels, series, describe="Answers by day and by who gave them")
    return Markup(drawn)  # noqa: S704 - made by `charts`, which escapes


def _loss(line: PromiseLine) -> Markup:
    """The mean loss on a scale that has the limit in its middle."""
    top = max(2 * line.limit, line.loss, 1e-9)
    tone = "local" if line.loss <= line.limit else "failed"
    words = f"mean loss {line.loss:.3f}, promised are at most {line.limit:.3f}"
    return _scale(max(line.loss, 0.0) / top, line.limit / top, tone, words)


def _evidence(line: PromiseLine) -> Markup:
    """How much speaks for the promise; evidence multiplies, so the scale is logarithmic."""
    top = math.log(max(line.needed, 1.001))
    part = min(1.25, max(0.0, math.log(max(line.evidence, 1.0)) / top))
    words = f"evidence {line.evidence:.3g} of {line.needed:.3g} needed"
    return _scale(part / 1.25, 1 / 1.25, "local" if part >= 1 else "remote", words)


def _scale(value: float, mark: float, tone: str, words: str) -> Markup:
    return Markup(  # noqa: S704 - numbers, and words that are escaped
        f'<svg class="scale" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img"'
        f' aria-label="{escape(words)}"><rect class="rail" y="7" width="{WIDTH:g}" height="12"'
        f' rx="3"/><rect class="{tone}" y="7" width="{WIDTH * min(1.0, value):.1f}" height="12"'
        f' rx="3"/><line class="limit" x1="{WIDTH * mark:.1f}" x2="{WIDTH * mark:.1f}" y1="0"'
        f' y2="{HEIGHT:g}"/></svg>'
    )
