"""`shortstop backtest LOGS`: what Shortstop would have made of somebody's own log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from shortstop.app.backtest import Wishes, backtest, expected
from shortstop.app.local_trial import LocalWish, local_model
from shortstop.app.trials import BacktestWatcher
from shortstop.backtest.reading import ReadingEstimate
from shortstop.backtest.result import Backtest, TaskResult
from shortstop.cli.breakeven import machine_grid
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, on_terminal, print_json, progress, say, write_page
from shortstop.config import load
from shortstop.console import backtest as page
from shortstop.console.format import share, usd
from shortstop.console.visible import visible

Logs = Annotated[
    list[Path],
    typer.Argument(
        help="JSONL, JSON or CSV, packed by gzip or not; the form is recognised.",
        exists=True, dir_okay=False, readable=True,
    ),
]  # fmt: skip
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what there is and how long it takes, and stop.")
]
Html = Annotated[Path | None, typer.Option("--html", help="Write a self-contained page.")]
Days = Annotated[
    float | None, typer.Option(help="What the log covers, where its times do not say.", min=0.01)
]
Cloud = Annotated[
    list[str] | None,
    typer.Option(help="A cheaper cloud model to stand beside today's; may be given again."),
]
Minutes = Annotated[float, typer.Option(help="Of learning, at most.", min=0.05)]
Examples = Annotated[int, typer.Option(help="Newest requests of a task to learn from.", min=100)]
Audited = Annotated[
    float, typer.Option(help="Share of local answers that are compared.", min=0, max=1)
]
TryLocal = Annotated[
    int, typer.Option(help="Ask the local model so many requests of the log.", min=0, max=10_000)
]
TrySeconds = Annotated[
    float, typer.Option(help="What that may take at most, the model's start included.", min=1)
]
TryModel = Annotated[
    str | None, typer.Option(help="Which local model; by default the one the router prefers.")
]

SHOWN = 15
PROBLEMS_SHOWN = 3


def backtest_command(
    logs: Logs,
    dry_run: DryRun = False,
    html: Html = None,
    days: Days = None,
    cloud: Cloud = None,
    minutes: Minutes = 3.0,
    examples: Examples = 3000,
    audited: Audited = 0.05,
    try_local: TryLocal = 0,
    try_seconds: TrySeconds = 120.0,
    try_model: TryModel = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """What could go local, what it would save and how sure that is. Nothing leaves this machine.

    No model is asked: what could answer is learned from the log's own answers and tried on its
    newest requests. With --try-local a local model is asked some of them as well, never another's.
    Ctrl-C ends the asking, and what was asked so far counts.
    """
    loaded = load(config, os.environ)
    local = LocalWish(local_model(loaded, try_model), try_local, try_seconds) if try_local else None
    wishes = Wishes(minutes, examples, tuple(cloud or ()), days, audited, local=local)
    told = expected(logs)
    if dry_run:
        print_json(told) if as_json else say(_estimate(told, wishes))
        return
    if not as_json:
        say(_estimate(told, wishes), err=True)
    hidden = as_json or not on_terminal()
    with _watched(sum(log.stat().st_size for log in logs), hidden=hidden) as onlooker:
        result = backtest(loaded, os.environ, logs, wishes, onlooker)
    if html is not None:
        write_page(html, page.render(result).encode())
        say(f"Written: {html}", err=as_json)
    if as_json:
        print_json(as_tree(result))
    elif html is None:
        show(result, Terminal())


def _estimate(told: ReadingEstimate, wishes: Wishes) -> str:
    forms = ", ".join(told.forms) or "no known form"
    return (
        f"{told.files} file{'s' * (told.files != 1)}, {told.megabytes:,.1f} MB, about"
        f" {told.rows:,} rows ({forms}): about {max(told.seconds, 1):,.0f} s to read, at most"
        f" {wishes.minutes:g} min to learn. {_where(wishes.local)}"
    )


def _where(local: LocalWish | None) -> str:
    if local is None:
        return "Nothing leaves this machine."
    return (
        f"Then up to {local.requests:,} requests to the local model {local.model}, for"
        f" {local.seconds:g} s at most; no vendor is asked, so that is all it can cost."
    )


@contextmanager
def _watched(size: int, *, hidden: bool) -> Iterator[BacktestWatcher]:
    with progress("lines", hidden=hidden) as bar:
        reading = bar.add_task("reading", total=size)
        learning = bar.add_task("learning", total=None, visible=False)

        asking = bar.add_task("asking", total=None, visible=False)

        def began(tasks: int) -> None:
            bar.update(reading, visible=False)
            bar.update(learning, visible=True, total=tasks)

        def ended(task: str) -> None:
            bar.update(learning, description=f"learned {visible(task)}", advance=1)

        def asked(requests: int) -> None:
            bar.update(learning, visible=False)
            bar.update(asking, visible=True, total=requests, description="asking the local model")

        yield BacktestWatcher(
            lambda taken: bar.advance(reading, taken), began, ended, asked,
            lambda: bar.advance(asking),
        )  # fmt: skip


def as_tree(result: Backtest) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(result)
    tree["month"] = result.month
    return tree


# ---------------------------------------------------------------- terminal


def show(result: Backtest, terminal: Terminal) -> None:
    first, *others = page.headline(result)
    terminal.line((first, "bold"))
    for line in others:
        terminal.line(line)
    terminal.table(_tasks(result))
    if result.local_asking is not None:
        _asked(result, terminal)
    for title, rows in (
        ("A month", page.baseline_rows(result)),
        ("Saved a month, if", page.sensitivity_rows(result)),
    ):
        grid = Grid()
        grid.columns(title, "", "", right=("",))
        for row in rows:
            grid.row(*row)
        terminal.table(grid)
    terminal.table(machine_grid(result.machines))
    terminal.line(page.energy_line(result))
    for number, step in enumerate(result.steps, start=1):
        terminal.line((f"{number}. ", "bold"), step)
    _problems(result, terminal)
    for note in result.notes:
        terminal.line(f"· {note}", style="dim")


def _tasks(result: Backtest) -> Grid:
    grid = Grid.compact()
    grid.column("task", "all", no_wrap=False)
    whole = float(result.bill) or 1.0
    totals = (
        f"{result.calls:,}", usd(result.bill), page.percent(result.local_share),
        share(result.pinned_share.value), usd(result.avoided.value), "",
    )  # fmt: skip
    heads = ("requests", "cost", "could be local", "pinned", "avoidable", "by what, how sure")
    for head, foot in zip(heads, totals, strict=True):
        last = head == heads[-1]
        grid.column(head, foot, justify="left" if last else "right", no_wrap=not last)
    for task in result.tasks[:SHOWN]:
        grid.row(
            visible(task.name), f"{task.requests:,}",
            f"{usd(task.cost)} ({float(task.cost) / whole:.0%})",
            page.percent(task.local) if task.evidence else "0%", share(task.pinned),
            usd(task.avoidable.value), page.evidence(task),
        )  # fmt: skip
    rest: list[TaskResult] = list(result.tasks[SHOWN:])
    if rest:
        grid.row(
            f"{len(rest)} more", f"{sum(t.requests for t in rest):,}",
            usd(sum((t.cost for t in rest), start=result.bill * 0)), "", "",
            usd(sum(t.avoidable.value for t in rest)), "",
        )  # fmt: skip
    return grid


def _asked(result: Backtest, terminal: Terminal) -> None:
    terminal.line(page.asking_line(result))
    grid = Grid.compact()
    for head in page.ASKED_HEADS:
        words = head in (page.ASKED_HEADS[0], page.ASKED_HEADS[-1])
        grid.column(head, justify="left" if words else "right", no_wrap=not words)
    for name, *cells in page.asked_rows(result):
        grid.row(visible(name), *cells)
    terminal.table(grid)


def _problems(result: Backtest, terminal: Terminal) -> None:
    for problem in result.problems:
        what = page.PROBLEMS[problem.kind]
        lines = "; ".join(
            f"{one.file} line {one.line}" + (f": {one.why}" if one.why else "")
            for one in problem.first[:PROBLEMS_SHOWN]
        )
        colour = "red" if problem.lost else "yellow"
        terminal.line((f"{problem.rows:,} {what}", colour), f" ({lines})")
