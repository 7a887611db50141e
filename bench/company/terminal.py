"""What a terminal shows: a bar while the day goes on, and tables after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.company.clients import Outcome
from bench.company.setting import LOCAL

Json = dict[str, Any]


@contextmanager
def day_bar(console: Console, day: int, total: int) -> Iterator[Any]:
    """Gives what is to be called with each outcome."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"day {day}", total=total, told="")
        local = errors = 0

        def done(outcome: Outcome) -> None:
            nonlocal local, errors
            local += bool(outcome.specialist) or outcome.target == LOCAL
            errors += bool(outcome.error)
            told = f"{local} local, {errors} errors"
            progress.update(bar, advance=1, told=told)

        yield done


@contextmanager
def waiting(console: Console, what: str) -> Iterator[None]:
    """Something that takes its time."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(what, total=None)
        yield


def show_day(console: Console, figures: Json) -> None:
    """One day's tasks."""
    table = Table(title=f"Day {figures['day']}")
    head = (
        "task", "n", "local", "pinned", "right", "frontier", "loss", "local p50/p95 ms", "by"
    )  # fmt: skip
    for column in head:
        table.add_column(column, justify="left" if column in ("task", "by") else "right")
    for name, task in figures["tasks"].items():
        table.add_row(
            name,
            str(task["requests"]),
            _percent(task["local"]),
            _percent(task["pinned"]),
            _percent(task["right"]),
            _percent(task["frontier_right"]),
            _percent(task["loss_unpinned"]),
            _local_latency(task["latency"]),
            ", ".join(f"{k} {n}" for k, n in sorted(task["answered_by"].items())),
        )
    console.print(table)
    if "street" in figures.get("night", {}):
        show_night(console, figures["night"])
    for name, mix in figures["mixes"].items():
        console.print(
            f"  mix {name}: {_percent(mix['local'])} local, {_percent(mix['pinned'])} pinned, "
            f"{mix['saving']:.1%} saved against all-LLM, {mix['times_all_mini']} x all-mini, "
            f"loss {_percent(mix['loss_unpinned'])} (contract {mix['contract']})"
        )


def show_night(console: Console, night: Json) -> None:
    """What a night learned, and what the street noticed."""
    street = night["street"]
    rest, meanwhile = street["rest"], street["learning"]
    console.print(
        f"Night: {night['seconds']} s; street p99 {rest.get('p99_ms')} ms at rest, "
        f"{meanwhile.get('p99_ms')} ms meanwhile"
    )
    if night["error"]:
        console.print(f"  learning ended with status {night['status']}: {night['error']}")
    for change in night["placed"]:
        before = change["from"] or "new"
        console.print(f"  {change['name']}: {before} -> {change['to']}: {change['why']}")


def _percent(figure: Json) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.1%}"


def _local_latency(latency: Json) -> str:
    parts = [
        f"{by} {one['p50_ms']:.0f}/{one['p95_ms']:.0f}"
        for by, one in latency.items()
        if by != "frontier" and one["n"]
    ]
    return ", ".join(parts)
