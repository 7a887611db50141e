"""Money and energy, by day and by who and what, as pages and as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup
from msgspec import Struct

from shortstop.config import HardwareConfig
from shortstop.console import charts
from shortstop.console.by_team import by_team
from shortstop.console.charts import Series
from shortstop.console.format import axis_usd
from shortstop.console.projection import Month
from shortstop.console.report import break_even, carbon_line, energy_bars
from shortstop.console.sums import whole
from shortstop.console.tasks import DAY, period_of
from shortstop.console.templates import render, url
from shortstop.console.today import month
from shortstop.console.view import View
from shortstop.ledger import local_grid
from shortstop.ports.stores import Figures
from shortstop.types.console import Days
from shortstop.types.report import BooksBy, Slice

GROUPS: dict[BooksBy, str] = {
    "day": "Day", "task": "Task", "target": "Who answered", "tenant": "Tenant", "team": "Team",
}  # fmt: skip
Teams = Mapping[str, str]
"""The name of the team that each key is in."""
MOST_HOURLY = 31
"""Days up to which the figure that zooms is by the hour."""
_COLUMNS = (
    "requests", "answered", "local", "pinned", "escalated", "failed", "refused", "cancelled",
    "prompt_tokens", "completion_tokens", "cost", "cost_local", "counterfactual", "saved",
    "unpriced", "estimated",
)  # fmt: skip


class _BooksPage(Struct, frozen=True):
    days: int
    by: BooksBy
    tenant: str | None
    since: int
    until: int
    total: Slice
    slices: Sequence[Slice]
    month: Month
    chart: Markup
    plot: str
    energy: Markup
    carbon: str
    break_even: Sequence[str]
    baselines: Sequence[str]


def page(
    view: View,
    figures: Figures,
    days: int,
    by: BooksBy,
    tenant: str | None,
    hardware: HardwareConfig,
    teams: Teams,
) -> str:
    period = period_of(view.now, days)
    by_day = figures.slices("day", period, tenant=tenant)
    total = whole(by_day)
    baselines = figures.baselines(period)
    return render(
        "books.html",
        view=view,
        groups=GROUPS,
        it=_BooksPage(
            days=days,
            by=by,
            tenant=tenant,
            since=period.first * DAY,
            until=period.end * DAY,
            total=total,
            slices=by_day if by == "day" else _slices(figures, period, by, tenant, teams),
            month=month(figures, view.now, tenant),
            chart=_money(by_day),
            plot=_plot(figures, period, by_day, tenant),
            energy=Markup(energy_bars(total)),  # noqa: S704 - `charts` escapes
            carbon=f"{carbon_line(total)} {_grid(hardware, view.now)}",
            break_even=break_even(total, hardware),
            baselines=baselines,
        ),
    )


def _slices(
    figures: Figures, period: Days, by: BooksBy, tenant: str | None, teams: Teams
) -> Sequence[Slice]:
    if by == "team":
        return by_team(figures.keys(period, tenant=tenant), teams)
    return figures.slices(by, period, tenant=tenant)


def as_csv(
    figures: Figures, now: float, days: int, by: BooksBy, tenant: str | None, teams: Teams
) -> str:
    """The same sums as a file; text that a spreadsheet would run is made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([by, *_COLUMNS, "joules", "joules_basis", "gco2"])
    for one in _slices(figures, period_of(now, days), by, tenant, teams):
        numbers = [str(getattr(one, name)) for name in _COLUMNS]
        energy_ = [f"{one.joules.value:.6g}", one.joules.basis, f"{one.gco2.value:.6g}"]
        writer.writerow([_inert(one.key), *numbers, *energy_])
    return out.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _money(days: Sequence[Slice]) -> Markup:
    if not days:
        return Markup("")
    series = [
        Series("all-LLM", "frontier", [float(day.counterfactual) for day in days]),
        Series("with Shortstop", "local", [float(day.cost) for day in days]),
    ]
    drawn = charts.lines(
        [day.key[5:] for day in days], series, describe="Cost by day", format_value=axis_usd,
        between="saved",
    )  # fmt: skip
    return Markup(drawn)  # noqa: S704 - made by `charts`, which escapes


def _plot(figures: Figures, period: Days, by_day: Sequence[Slice], tenant: str | None) -> str:
    """The same by the hour, for a script that zooms; days where there are very many."""
    if period.end - period.first > MOST_HOURLY:
        step = 24
        points = [(_start(day.key), day.counterfactual, day.cost) for day in by_day]
    else:
        step = 1
        found = figures.points(period.first * 24, period.end * 24, step, tenant)
        points = [(int(one.at), one.counterfactual, one.cost) for one in found]
    if len(points) < 2:
        return ""
    return json.dumps(
        {
            "at": [at for at, _, _ in points],
            "step": step * 3600,
            "more": url("", tenant=tenant).replace("?", "&"),
            "series": [
                {"name": "all-LLM, $", "tone": "frontier",
                 "values": [float(usd) for _, usd, _ in points]},
                {"name": "with Shortstop, $", "tone": "local",
                 "values": [float(usd) for _, _, usd in points]},
            ],
        }
    )  # fmt: skip


def _start(day: str) -> int:
    """Unix seconds at which a day such as 2026-11-27 begins."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _grid(hardware: HardwareConfig, now: float) -> str:
    grid = local_grid(hardware)
    return f"This machine's grid ({grid.name}): {grid.gco2_per_kwh(now):,.0f} g a kWh."
