"""The days as pictures and tables of one page."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.company.setting import Setting
from shortstop import registry
from shortstop.config import load
from shortstop.console import charts
from shortstop.console.charts import Bar, Series
from shortstop.console.report import Panel, render
from shortstop.stores import Paths, open_stores

Json = dict[str, Any]


def write(setting: Setting, run: Json, file: Path) -> None:
    """The gateway's own report over the whole run, with the days below it."""
    config = load(setting.config, os.environ)
    paths = Paths.of(registry.home(config.data_dir, os.environ), config)
    report = open_stores(paths).reports().summary()
    told = run["conditions"]
    notes = [told["frontier"], told["clock"]]
    file.write_text(render(report, panels(run), notes), encoding="utf-8")


def panels(run: Json) -> list[Panel]:
    """Plots against days, what the nights did, and the last day's tasks."""
    days = run["days"]
    mixes = list(days[-1]["mixes"])
    first = mixes[0]
    made = [
        _over_days(
            days,
            f"Answered locally, mix {first!r}",
            (
                ("local", "local", lambda day: day["mixes"][first]["local"]["value"]),
                ("pinned", "remote", lambda day: day["mixes"][first]["pinned"]["value"]),
            ),
        ),
        _over_days(
            days,
            f"Right against gold, mix {first!r}",
            (
                ("ours", "local", lambda day: day["mixes"][first]["right"]["value"]),
                (
                    "frontier alone",
                    "frontier",
                    lambda day: day["mixes"][first]["frontier_right"]["value"],
                ),
            ),
        ),
        _over_days(
            days,
            f"Cost as a share of all-LLM, mix {first!r}",
            (
                ("ours", "local", lambda day: _part(day["mixes"][first], "cost_usd")),
                (
                    "cheapest certified cloud",
                    "remote",
                    lambda day: _part(day["mixes"][first], "certified_cloud_usd"),
                ),
                ("all-mini", "frontier", lambda day: _part(day["mixes"][first], "all_mini_usd")),
            ),
        ),
        _tasks_over_days(days),
        _last_day(days[-1]),
        Panel("Mixes", _mixes(days), "The same days, weighed to other companies' shares."),
        Panel("Nights", _nights(days)),
    ]
    return [panel for panel in made if panel.html]


def _part(mix: Json, name: str) -> float:
    return float(mix[name] / mix["all_llm_usd"]) if mix["all_llm_usd"] else 0.0


def _over_days(
    days: Sequence[Json], title: str, rows: Sequence[tuple[str, str, Callable[[Json], Any]]]
) -> Panel:
    series = [
        Series(name, tone, [float(value(day) or 0.0) for day in days]) for name, tone, value in rows
    ]
    labels = [f"day {day['day']}" for day in days]
    plot = charts.lines(labels, series, describe=title, format_value=_percent)
    return Panel(title, charts.legend(series) + plot)


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def _tasks_over_days(days: Sequence[Json]) -> Panel:
    names = sorted({name for day in days for name in day["tasks"]})
    head = ["task", *(f"day {day['day']}" for day in days)]
    rows = []
    for name in names:
        cells = []
        for day in days:
            task = day["tasks"].get(name)
            cells.append("" if task is None else share(task["local"]))
        rows.append([name, *cells])
    return Panel("Local share by task", table(head, rows), "With 95 % intervals and n.")


def _last_day(day: Json) -> Panel:
    bars: list[Bar] = []
    for name, task in day["tasks"].items():
        ours, frontier = task["right"], task["frontier_right"]
        if not ours["n"]:
            continue
        text = f"{ours['value']:.0%} of {ours['n']}"
        bars.append(Bar(name, "local", ours["value"], text, ours["low"], ours["high"]))
        text = f"{frontier['value']:.0%} frontier alone"
        bars.append(Bar("", "frontier", frontier["value"], text))
    return Panel(f"Right against gold on day {day['day']}", charts.bars(bars))


def _mixes(days: Sequence[Json]) -> str:
    head = ["day", "mix", "local", "pinned", "saved", "x all-mini", "right", "frontier", "loss", ""]
    rows = []
    for day in days:
        for name, mix in day["mixes"].items():
            rows.append(
                [
                    day["day"],
                    name,
                    share(mix["local"]),
                    share(mix["pinned"]),
                    _value(mix["saving"]),
                    mix["times_all_mini"],
                    share(mix["right"]),
                    share(mix["frontier_right"]),
                    share(mix["loss_unpinned"]),
                    mix["contract"],
                ]
            )
    return table(head, rows)


def _nights(days: Sequence[Json]) -> str:
    head = ["after day", "specialist", "task", "from", "to", "why"]
    rows = []
    for day in days:
        for change in [*day.get("placed", ()), *day.get("night", {}).get("placed", ())]:
            names = ("name", "task", "from", "to", "why")
            rows.append([day["day"], *(change[name] or "" for name in names)])
    return table(head, rows) if rows else ""


def share(figure: Json) -> str:
    """A figure with its interval and n, in words."""
    if figure["value"] is None:
        return "-"
    return f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}] n={figure['n']}"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An HTML table that scrolls by itself."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        '<div style="overflow-x:auto"><table><thead><tr>'
        f"{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )
