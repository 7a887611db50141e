"""`shortstop batch`: which batches there are, how far they are, and stopping one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shortstop.app.places import data_paths
from shortstop.batches import Batch, Batches, Files
from shortstop.cli.acts import write_down
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json, say
from shortstop.config import load
from shortstop.errors import NotFound
from shortstop.server.batch_answers import batch_object
from shortstop.stores import open_stores
from shortstop.traces.keyfile import content_seal

batch_app = typer.Typer(
    help="Batches of all keys: files of requests that are answered while no client waits.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(help="Its id (batch_...).")]
Most = Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")]


@contextmanager
def opened(config: Path | None) -> Iterator[Batches | None]:
    """The batches of the gateway that `config` describes; None: there has never been one."""
    loaded = load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    if not paths.batches.exists():
        yield None
        return
    seal = content_seal(loaded.traces, os.environ, paths.content_key)
    stores = open_stores(paths)
    with closing(stores.files()) as files, closing(stores.batches()) as batches:
        book = Files(files, seal, time, lambda: loaded)
        yield Batches(batches, book, seal, time, lambda: loaded)


@batch_app.command("list")
def list_command(most: Most = 50, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show batches, the newest first: whose they are, and how many lines have an answer."""
    with opened(config) as batches:
        found = [] if batches is None else batches.page(None, None, most)
    if as_json:
        print_json([_plain(batch) for batch in found])
        return
    if not found:
        say("There are no batches. A client makes one with POST /v1/files and /v1/batches.")
        return
    table = Grid("Batches")
    table.columns("id", "key or tenant", "began (UTC)", "status", "lines", "answered", "failed")
    for batch in found:
        row = batch.row
        began = datetime.fromtimestamp(row.at, UTC).strftime("%Y-%m-%d %H:%M")
        counts = (f"{row.total:,}", f"{row.completed:,}", f"{row.failed:,}")
        table.row(row.id, row.holder, began, row.status, *counts)
    Terminal().table(table)


@batch_app.command("show")
def show_command(id: Id, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one batch; of one that failed, what is wrong with which lines of its file."""
    with opened(config) as batches:
        batch = _require(batches, id).find(None, id)
    _show(batch, as_json)


@batch_app.command("cancel")
def cancel_command(id: Id, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Cancel a batch. A running gateway stops it within seconds; what is answered is kept."""
    with opened(config) as batches:
        found = _require(batches, id).find(None, id)
        write_down(load(config, os.environ), f"cancel {found.id} of {found.row.holder}")
        batch = _require(batches, id).cancel(None, id)
    _show(batch, as_json)


def _require(batches: Batches | None, id: str) -> Batches:
    if batches is None:
        raise NotFound(f"No batch found with id {id!r}.", hint="There has never been one here.")
    return batches


def _show(batch: Batch, as_json: bool) -> None:
    if as_json:
        print_json(_plain(batch))
        return
    row = batch.row
    answered = f"{row.completed + row.failed:,} of {row.total:,} lines have an answer"
    say(f"{row.id} of {row.holder}: {row.status}; {answered}, {row.failed:,} failed.")
    for fault in batch.terms.faults:
        where = "" if fault.line is None else f"line {fault.line}: "
        say(f"  {where}{fault.message}")


def _plain(batch: Batch) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(batch_object(batch))
    return {**told, "holder": batch.row.holder, "tenant": batch.row.tenant}
