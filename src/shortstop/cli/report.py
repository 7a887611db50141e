"""`shortstop report`: what the gateway did, what it cost and what it saved."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import replace

from shortstop.app.places import data_paths
from shortstop.cli.by_team import slices_by_team
from shortstop.cli.exports import write_focus
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Part, Terminal, print_json, say, write_page
from shortstop.config import Config, load
from shortstop.console import projection
from shortstop.console import report as page
from shortstop.console.durations import moment
from shortstop.console.format import energy, many, seconds, share, span, usd
from shortstop.ledger.focus import focus_rows
from shortstop.ports.stores import ReportReader
from shortstop.stores import open_stores
from shortstop.types.report import GroupBy, ReportBy, RunTotals, Slice, TrafficReport

ALL: tuple[GroupBy, ...] = (
    "day", "task", "target", "tenant", "key", "tag", "specialist", "deployment",
)  # fmt: skip
"""Those of `--json` and `--html`; users and runs may be very many, and are asked for by name."""

NOTHING = (
    "No requests in this period. Each answer of `shortstop serve` becomes a row here; "
    "`shortstop traces import LOG` adds those of a log."
)

_EPOCH = date(1970, 1, 1).toordinal()

Database = Annotated[
    Path | None, typer.Option("--db", help="Trace database; default: the configuration's.")
]
Export = Annotated[
    Path | None,
    typer.Option(
        help="Write the charges of each day with the columns of FOCUS, to a .csv or .parquet."
    ),
]
Group = Annotated[
    ReportBy,
    typer.Option("--by", help="Which table to print; team: those that the keys are in now."),
]
Since = Annotated[
    str | None,
    typer.Option(help="From then on: 2026-11-01, 2026-11-01T08:00, or an age: 30m, 24h, 7d."),
]
Until = Annotated[str | None, typer.Option(help="Before then; as --since. Times are UTC.")]
Tenant = Annotated[str | None, typer.Option(help="Only this tenant.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a self-contained page.")]


def report_command(
    by: Group = "task",
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
    html: Html = None,
    export: Export = None,
    config: ConfigFile = None,
    db: Database = None,
) -> None:
    """Who answered, how fast, at what cost, and what all-LLM would have cost."""
    loaded = load(config, os.environ)
    now = time.time()
    reader = _reader(loaded, db)
    first = None if since is None else moment(since, now)
    end = None if until is None else moment(until, now)
    if export is not None:
        rows = focus_rows(reader.charges(since=first, until=end, tenant=tenant))
        say(f"Written: {export}, {write_focus(export, rows)} charges", err=as_json)
    of_rows: GroupBy = "key" if by == "team" else by
    report = reader.summary(
        by=tuple(dict.fromkeys((*ALL, of_rows))) if as_json or html else (of_rows,),
        since=first,
        until=end,
        tenant=tenant,
    )
    if by == "team":
        report = replace(report, groups={**report.groups, by: slices_by_team(report, config)})
    notes = [
        *page.break_even(report.total, loaded.hardware),
        *by_month_end(reader, tenant, now),
    ]
    if html is not None:
        write_page(html, page.render(report, notes=notes).encode())
        say(f"Written: {html}", err=as_json)
    if as_json:
        print_json(as_tree(report))
    elif html is None and export is None:
        show(report, by, notes, Terminal())


def _reader(config: Config, traces: Path | None) -> ReportReader:
    """Of the configuration's traces, or of the file that is named."""
    paths = data_paths(config, os.environ)
    return open_stores(paths.reading(traces)).reports()


def by_month_end(reader: ReportReader, tenant: str | None, now: float) -> list[str]:
    """What this month will have cost at the pace of the last days, as the console says it."""
    days = projection.days_of(now)
    since, until = days.first * projection.DAY, days.end * projection.DAY
    by_day = reader.days(since=since, until=until, tenant=tenant)
    costs = {date.fromisoformat(one.key).toordinal() - _EPOCH: one.cost for one in by_day}
    month = projection.projected(costs, now)
    if not month.projected:
        return []
    return [
        f"This month: {usd(month.spent)} so far, {usd(month.projected)} by its end at the pace of"
        f" the last {projection.LOOK_BACK} days."
    ]


# ---------------------------------------------------------------- JSON


def as_tree(report: TrafficReport) -> dict[str, Any]:
    """The report for JSON; money as decimal strings, shares and savings spelled out."""
    tree: dict[str, Any] = msgspec.to_builtins(report)
    tree["total"] = _slice(report.total)
    tree["groups"] = {by: [_slice(one) for one in slices] for by, slices in report.groups.items()}
    tree["runs"] = _runs(report.runs)
    tree["basis"] = page.basis(report)
    return tree


def _runs(runs: RunTotals) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(runs)
    per_solved = runs.cost_per_solved
    tree["solved_share"] = runs.solved_share
    tree["cost_per_solved"] = None if per_solved is None else str(per_solved)
    return tree


def _slice(one: Slice) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(one)
    tree["saved"] = str(one.saved)
    for name in ("local_share", "pinned_share", "saved_share"):
        tree[name] = getattr(one, name)
    return tree


# ---------------------------------------------------------------- terminal


def show(report: TrafficReport, by: ReportBy, notes: list[str], terminal: Terminal) -> None:
    """Print the headline, one table and the notes, as wide as the terminal."""
    total = report.total
    if not total.requests:
        terminal.line(NOTHING)
        return
    terminal.line(
        (many(total.requests, "request"), "bold"),
        f", {page.period(report)}: ",
        (f"{share(total.local_share)} local", "green"),
        f", {share(total.pinned_share)} pinned by privacy, ",
        *_balance(report),
    )
    terminal.table(_table(report.groups[by], total, by, terminal.width))
    if total.unpriced:
        terminal.line(
            (f"{total.unpriced:,} requests have no known price", "bold red"),
            " and are in no sum of money. Give the models a price under [prices].",
        )
    terminal.line(
        f"Energy {energy(total.joules.value)} ({span(total.joules)}, "
        f"{total.joules.basis}); all-LLM {energy(total.counterfactual_joules.value)} "
        f"({span(total.counterfactual_joules)}, {total.counterfactual_joules.basis})."
    )
    if report.runs.runs:
        terminal.line(page.runs_line(report.runs))
    for text in (*page.basis(report), *notes):
        terminal.line(f"· {text}", style="dim")


def _balance(report: TrafficReport) -> tuple[Part, ...]:
    total = report.total
    if not report.baselines:
        return (f"{usd(total.cost)} spent, no frontier to compare with",)
    return (f"{usd(total.saved)} saved", "green"), f" ({share(total.saved_share)})"


def _table(slices: tuple[Slice, ...], total: Slice, by: ReportBy, width: int) -> Grid:
    table = Grid.compact()
    table.column(by, "all", overflow="ellipsis", no_wrap=True)
    columns = [one for one in _COLUMNS if width >= _LEAST_WIDTH.get(one[0], 0)]
    for head, cell in columns:
        table.column(head, cell(total), justify="right", no_wrap=True, min_width=len(head))
    for one in slices:
        table.row(one.key, *(cell(one) for _, cell in columns))
    return table


_LEAST_WIDTH = {"escalated": 104, "p95": 104, "cheaper": 104, "pinned": 72, "all-LLM": 72}
_COLUMNS: tuple[tuple[str, Callable[[Slice], str]], ...] = (
    ("requests", lambda one: f"{one.requests:,}"),
    ("local", lambda one: share(one.local_share)),
    ("pinned", lambda one: share(one.pinned_share)),
    ("escalated", lambda one: f"{one.escalated:,}"),
    ("p50", lambda one: seconds(one.p50)),
    ("p95", lambda one: seconds(one.p95)),
    ("cost", lambda one: usd(one.cost) + ("*" if one.unpriced else "")),
    ("all-LLM", lambda one: usd(one.counterfactual)),
    ("saved", lambda one: usd(one.saved)),
    ("cheaper", lambda one: share(one.saved_share)),
)
