"""`shortstop tasks`: what the recorded traffic consists of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from shortstop.app.mining import Mine
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, on_terminal, print_json, progress, say
from shortstop.config import load
from shortstop.console.format import share
from shortstop.errors import ConfigError
from shortstop.flywheel.gather import TaskKey
from shortstop.flywheel.mine import decisions as decided
from shortstop.flywheel.mine.decisions import Decisions
from shortstop.flywheel.mine.tasks import MinedTask

tasks_app = typer.Typer(help="Recorded traffic by task: what repeats, and what it costs.")
Task = Annotated[str, typer.Argument(help="Its name, its id, or TENANT/ID.")]
From = Annotated[
    Path | None,
    typer.Option("--from", help="A log (JSONL) in place of the recorded traffic.", dir_okay=False),
]

FORMS = 'docs/backtest.md, "What it reads", lists the forms that a log may have.'
NO_TRAFFIC = (
    "No traffic has been recorded yet: point a client at `shortstop serve`, keep a log with "
    "`shortstop traces import LOG`, or only look at one with --from LOG."
)


@tasks_app.callback(invoke_without_command=True)
def tasks_command(
    context: typer.Context,
    log: From = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Tasks with their names, costliest first; samples without what privacy finds in them."""
    if context.invoked_subcommand is not None:
        return
    mine = Mine(load(config, os.environ), os.environ)
    with progress("lines", hidden=as_json or not on_terminal()) as bar:
        reading = bar.add_task("traffic", total=None)
        tasks = mine.tasks(time.time(), log, lambda rows: bar.advance(reading, rows))
    if as_json:
        print_json({"tasks": tasks, "bad": mine.bad})
        return
    for number, why in mine.bad[:10]:
        say(f"line {number}: {why}", err=True)
    if tasks:
        show(tasks, Terminal())
    elif log is not None:
        raise ConfigError(f"{log} holds no request that can be read.", hint=FORMS)
    else:
        say(NO_TRAFFIC)


@tasks_app.command("rename")
def rename_command(task: Task, name: str, config: ConfigFile = None) -> None:
    """Give a task another name."""
    _decide(config, [task], lambda now, keys: decided.renamed(now, keys[0], name))
    say(f"{task} is now {name}.")


@tasks_app.command("merge")
def merge_command(tasks: list[str], config: ConfigFile = None) -> None:
    """Let tasks of one tenant learn from each other's examples."""
    _decide(config, tasks, decided.merge)
    say(f"Merged into {tasks[0]}.")


@tasks_app.command("split")
def split_command(task: Task, config: ConfigFile = None) -> None:
    """Take a task out of a merge, or learn its jobs apart."""
    _decide(config, [task], lambda now, keys: decided.split(now, keys[0]))
    say(f"{task} is split.")


@tasks_app.command("pin")
def pin_command(task: Task, config: ConfigFile = None) -> None:
    """List and learn a task before all others."""
    _decide(config, [task], lambda now, keys: decided.pinned(now, keys[0], pin=True))
    say(f"{task} is listed and learned before all others.")


@tasks_app.command("unpin")
def unpin_command(task: Task, config: ConfigFile = None) -> None:
    """Rank a task by what it costs again."""
    _decide(config, [task], lambda now, keys: decided.pinned(now, keys[0], pin=False))
    say(f"{task} is ranked by what it costs.")


Change = Callable[[Decisions, list[TaskKey]], Decisions]


def _decide(config: Path | None, tasks: list[str], change: Change) -> None:
    Mine(load(config, os.environ), os.environ).decide(tasks, time.time(), change)


def show(tasks: list[MinedTask], terminal: Terminal) -> None:
    table = Grid()
    table.columns(
        "task", "tenant", "requests", "spend", "repeated", "answers", "jobs", "for example",
        right=("requests", "spend", "repeated"),
    )  # fmt: skip
    for task in tasks:
        marks = " (learned first)" if task.pinned else ""
        into = f" -> {task.merged_into}" if task.merged_into else ""
        table.row(
            f"{task.name}{marks}{into}", task.tenant, f"{task.requests:,}",
            f"${float(task.spend_usd):,.2f}", share(task.repetition), task.answers,
            str(max(1, len(task.jobs))), task.samples[0] if task.samples else "",
        )  # fmt: skip
    terminal.table(table)
    for task in tasks:
        for job in task.jobs:
            words = ", ".join(job.words)
            terminal.line(f"  {task.name}: {share(job.share)} {job.form} ({words})", style="dim")
