"""`shortstop report`: what the gateway did, what it cost and what it saved."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from shortstop import registry
from shortstop.cli.durations import seconds_in
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Part, Terminal, print_json, say, write_page
from shortstop.config import Config, load
from shortstop.console import report as page
from shortstop.console.format import energy, seconds, share, span, usd
from shortstop.errors import ConfigError
from shortstop.ledger import MachineCost
from shortstop.ports.stores import ReportReader
from shortstop.stores import Paths, open_stores
from shortstop.types.report import By, Slice, TrafficReport

ALL: tuple[By, ...] = ("day", "task", "target", "tenant")

Database = Annotated[
    Path | None, typer.Option("--db", help="Trace database; default: the configuration's.")
]
Group = Annotated[By, typer.Option("--by", help="Which table to print.")]
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
    config: ConfigFile = None,
    db: Database = None,
) -> None:
    """Who answered, how fast, at what cost, and what all-LLM would have cost."""
    loaded = load(config, os.environ)
    now = time.time()
    report = _reader(loaded, db).summary(
        by=ALL if as_json or html else (by,),
        since=None if since is None else moment(since, now),
        until=None if until is None else moment(until, now),
        tenant=tenant,
    )
    notes = break_even(report, loaded)
    if html is not None:
        write_page(html, page.render(report, notes=notes).encode())
        say(f"Written: {html}", err=as_json)
    if as_json:
        print_json(as_tree(report))
    elif html is None:
        show(report, by, notes, Terminal())


def _reader(config: Config, traces: Path | None) -> ReportReader:
    """Of the configuration's traces, or of the file that is named."""
    paths = Paths.of(registry.home(config.data_dir, os.environ), config)
    return open_stores(replace(paths, traces=traces or paths.traces)).reports()


def moment(text: str, now: float) -> float:
    """A date, a date and time (UTC unless it says otherwise) or an age, as Unix time in seconds.

    Raises ConfigError for any other text.
    """
    age = seconds_in(text)
    if age is not None:
        return now - age
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no time.", hint="Write 2026-11-01, 2026-11-01T08:00, 24h or 7d."
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def break_even(report: TrafficReport, config: Config) -> list[str]:
    """When the machine pays for itself at the mix that the report shows, as at most one line."""
    total = report.total
    if not total.answered:
        return []
    machine = MachineCost(config.hardware)
    avoided = (total.counterfactual - (total.cost - total.cost_local)) / total.answered
    month = f"The machine costs {usd(machine.usd_per_month)} a month as configured"
    a_day = machine.break_even(avoided)
    if a_day is None:
        return [f"{month}; at this mix nothing is saved that could pay for it."]
    return [
        f"{month}; at this mix, {usd(avoided)} of remote cost avoided a request, it pays for "
        f"itself from {a_day:,.0f} requests a day. Labour beyond [hardware] care is not counted."
    ]


# ---------------------------------------------------------------- JSON


def as_tree(report: TrafficReport) -> dict[str, Any]:
    """The report for JSON; money as decimal strings, shares and savings spelled out."""
    tree: dict[str, Any] = msgspec.to_builtins(report)
    tree["total"] = _slice(report.total)
    tree["groups"] = {by: [_slice(one) for one in slices] for by, slices in report.groups.items()}
    tree["basis"] = page.basis(report)
    return tree


def _slice(one: Slice) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(one)
    tree["saved"] = str(one.saved)
    for name in ("local_share", "pinned_share", "saved_share"):
        tree[name] = getattr(one, name)
    return tree


# ---------------------------------------------------------------- terminal


def show(report: TrafficReport, by: By, notes: list[str], terminal: Terminal) -> None:
    """Print the headline, one table and the notes, as wide as the terminal."""
    total = report.total
    if not total.requests:
        terminal.line("No requests in this period.")
        return
    terminal.line(
        (f"{total.requests:,} requests", "bold"),
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
    for text in (*page.basis(report), *notes):
        terminal.line(f"· {text}", style="dim")


def _balance(report: TrafficReport) -> tuple[Part, ...]:
    total = report.total
    if not report.baselines:
        return (f"{usd(total.cost)} spent, no frontier to compare with",)
    return (f"{usd(total.saved)} saved", "green"), f" ({share(total.saved_share)})"


def _table(slices: tuple[Slice, ...], total: Slice, by: By, width: int) -> Grid:
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
