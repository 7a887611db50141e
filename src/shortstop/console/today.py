"""The page that answers in a minute: who answered, what it saved, whether it was good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from markupsafe import Markup
from msgspec import Struct

from shortstop.console import charts, projection
from shortstop.console.format import seconds, share, usd
from shortstop.console.projection import Month
from shortstop.console.report import outcomes, who_answered
from shortstop.console.templates import render, url
from shortstop.console.view import View
from shortstop.ports.stores import Figures
from shortstop.types.console import (
    AnswerTimes,
    BudgetLine,
    Days,
    PromiseLine,
    RowFilter,
    TraceLine,
)
from shortstop.types.report import Point, Slice

DAY = 86_400
TAIL = 12
PERIODS = {1: "Today", 7: "The last 7 days", 30: "The last 30 days", 365: "The last year"}
_STEPS = {1: 1, 7: 6, 30: 24, 365: 168}
"""Hours in a column, by the days that are shown."""
_STEP_WORDS = {1: "hour", 6: "6 hours", 24: "day", 168: "week"}


class _Today(Struct, frozen=True):
    title: str
    days: int
    tenant: str | None
    tenants: Sequence[str]
    since: int
    until: int
    total: Slice
    lead: str
    outcomes: str
    baselines: Sequence[str]
    times: AnswerTimes
    times_note: str
    month: Month
    chart: Markup
    step: str
    budgets: Sequence[BudgetLine]
    promises: Sequence[PromiseLine]
    quality: str
    quality_note: str
    tail: Sequence[TraceLine]
    basis: Sequence[str]


def page(
    view: View,
    figures: Figures,
    days: int,
    tenant: str | None,
    budgets: Sequence[BudgetLine],
    promises: Sequence[PromiseLine],
) -> str:
    """`days` is one of PERIODS. Whoever sees one tenant sees no other's budgets and promises."""
    tenant = view.tenant or tenant
    today = int(view.now // DAY)
    period = Days(today - days + 1, today + 1)
    total = figures.slices(None, period, tenant=tenant)[0]
    rows = RowFilter(tenant=tenant, since=period.first * DAY, until=period.end * DAY)
    times = figures.times(rows)
    baselines = figures.baselines(period)
    step = _STEPS[days]
    points = figures.points(period.first * 24, period.end * 24, step, tenant)
    return render(
        "today.html",
        view=view,
        it=_Today(
            title=PERIODS[days],
            days=days,
            tenant=tenant,
            tenants=[] if view.tenant else _tenants(figures),
            since=period.first * DAY,
            until=period.end * DAY,
            total=total,
            lead=_lead(total, baselines),
            outcomes=outcomes(total),
            baselines=baselines,
            times=times,
            times_note=_times_note(times, total),
            month=month(figures, view.now, tenant),
            chart=_chart(points, period, step, tenant),
            step=_STEP_WORDS[step],
            budgets=budgets,
            promises=promises,
            quality=_quality(promises),
            quality_note=_quality_note(promises),
            tail=figures.tail(-1, tenant, TAIL),
            basis=_basis(baselines),
        ),
    )


def tail(view: View, figures: Figures, tenant: str | None) -> str:
    """The newest rows, for the part of the page that renews itself."""
    return render("tail.html", rows=figures.tail(-1, view.tenant or tenant, TAIL))


def month(figures: Figures, now: float, tenant: str | None) -> Month:
    """This month's cost so far, and by its end."""
    by_day = figures.slices("day", projection.days_of(now), tenant=tenant)
    costs = {_number(one.key): one.cost for one in by_day}
    return projection.projected(costs, now)


def _number(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() // DAY)


def _tenants(figures: Figures) -> list[str]:
    known = figures.days(None)
    if known is None:
        return []
    names = [one.key for one in figures.slices("tenant", Days(known.end - 31, known.end))]
    return sorted(names) if len(names) > 1 else []


def _lead(total: Slice, baselines: Sequence[str]) -> str:
    if not total.requests:
        return "No requests in this period. Point a client at the gateway and come back."
    text = f"{share(total.local_share)} answered locally"
    if baselines and total.saved > 0:
        return f"{text}, {usd(total.saved)} saved ({share(total.saved_share)} of all-LLM)."
    if baselines and total.saved < 0:
        return f"{text}, {usd(-total.saved)} dearer than all-LLM."
    return f"{text}."


def _times_note(times: AnswerTimes, total: Slice) -> str:
    text = (
        f"p95 {seconds(times.local_p95)}; remote {seconds(times.remote_p50)} /"
        f" {seconds(times.remote_p95)}"
    )
    return text if times.answers >= total.answered else f"{text}; newest {times.answers:,} answers"


def _chart(points: Sequence[Point], period: Days, step: int, tenant: str | None) -> Markup:
    """Columns by time, those without requests too, each a link to its rows."""
    by_place = {int(point.at // (3600 * step)): point for point in points}
    places = range(period.first * 24 // step, -(-period.end * 24 // step))
    shown = [by_place.get(place) or _nothing(place * step * 3600.0) for place in places]
    pattern = "%H:%M" if step == 1 else "%d %b %H:%M" if step < 24 else "%d %b"
    labels = [datetime.fromtimestamp(point.at, UTC).strftime(pattern) for point in shown]
    links = [
        url("traces", since=int(p.at), until=int(p.at) + 3600 * step, tenant=tenant) for p in shown
    ]
    return Markup(  # noqa: S704 - made by `charts`, which escapes
        charts.stacked(
            labels, who_answered(shown), describe="Requests over time by who answered", links=links
        )
    )


def _nothing(at: float) -> Point:
    return Point(at, 0, 0, 0, 0, Decimal(0), Decimal(0))


def _quality(promises: Sequence[PromiseLine]) -> str:
    alarms = sum(one.standing == "alarm" for one in promises)
    if alarms:
        return f"{alarms} alarm{'s' if alarms > 1 else ''}"
    certified = sum(one.standing == "certified" for one in promises)
    return f"{certified} of {len(promises)} certified"


def _quality_note(promises: Sequence[PromiseLine]) -> str:
    pairs = sum(one.pairs for one in promises)
    return f"models for tasks, by {pairs:,} answers compared with the frontier's"


def _basis(baselines: Sequence[str]) -> list[str]:
    against = " and ".join(baselines)
    return [
        f"All-LLM is the same requests answered by {against} alone, at the token counts of the"
        " answers that were given."
        if baselines
        else "There was no frontier to compare with, so nothing counts as saved.",
        "Requests without a known price are in no sum of money; their number is said above.",
        "Every figure is the sum of the rows that it leads to; `shortstop report` prints the same.",
        "At this pace: the mean of the last seven whole days for each day that is left.",
    ]
