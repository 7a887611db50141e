"""`shortstop traces`: the kept rows with their content opened, for their owner; logs among them."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from shortstop.app.mining import Mine
from shortstop.app.places import data_paths
from shortstop.cli.options import ConfigFile
from shortstop.cli.output import say, write_lines
from shortstop.cli.report import Database, Since, Tenant, Until
from shortstop.cli.tasks import FORMS
from shortstop.cli.trace import show_command
from shortstop.config import load
from shortstop.console.durations import moment
from shortstop.console.format import many
from shortstop.errors import ConfigError
from shortstop.private_files import make_folder
from shortstop.stores import open_stores
from shortstop.traces import Lake, TraceReader, TraceStore
from shortstop.traces.document import answer, encode
from shortstop.traces.keyfile import content_seal, reading_seal

traces_app = typer.Typer(help="What is kept of requests and answers.", no_args_is_help=True)
traces_app.command("show")(show_command)

STEP = 2000
"""Rows that may wait to be written."""

Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write; by default standard output.")
]


@traces_app.command("export")
def export_command(
    out: Out = None,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    config: ConfigFile = None,
    db: Database = None,
) -> None:
    """Rows as JSON, one a line, with what was asked and answered. `shortstop replay` reads them.

    What is exported is no longer sealed: keep it as you would keep the requests themselves.
    """
    loaded, now = load(config, os.environ), time.time()
    paths = data_paths(loaded, os.environ)
    reports = open_stores(paths.reading(db)).reports()
    seal = reading_seal(loaded.traces, os.environ, paths.content_key)
    reader = TraceReader(reports, seal, Lake.of(loaded.traces.lake))
    rows = reader.traces(
        since=None if since is None else moment(since, now),
        until=None if until is None else moment(until, now),
        tenant=tenant,
    )
    count = write_lines(out, (encode(one, one.request, answer(one.response)) for one in rows))
    say(f"{many(count, 'row')}{_lacking(reader)}.", err=True)


@traces_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="JSONL, as `replay` reads it.", dir_okay=False)],
    tenant: Annotated[str, typer.Option(help="Whose traffic it is.")] = "default",
    config: ConfigFile = None,
) -> None:
    """Keep a log of another program among the recorded traffic, to be learned from.

    Privacy judges each request as if it had come through the gateway. A line that is there already
    is not kept twice.
    """
    loaded = load(config, os.environ)
    mine = Mine(loaded, os.environ)
    paths = data_paths(loaded, os.environ)
    make_folder(paths.home)
    seal = content_seal(loaded.traces, os.environ, paths.content_key)
    rows = open_stores(paths).rows(fsync=loaded.traces.fsync)
    count = 0
    lake = Lake.of(loaded.traces.lake)
    with closing(TraceStore(rows, paths.journal, loaded.traces, time, None, seal, lake)) as store:
        for trace in mine.logged(file, time.time(), tenant):
            store.append(trace)
            count += 1
            if count % STEP == 0:
                store.flush()
    for number, why in mine.bad[:10]:
        say(f"line {number}: {why}", err=True)
    if not count:
        raise ConfigError(f"{file} holds no request that can be read.", hint=FORMS)
    left = f", {many(len(mine.bad), 'line')} could not be read" if mine.bad else ""
    say(f"{many(count, 'row')}{left}. `shortstop tasks` shows what they consist of.")


def _lacking(reader: TraceReader) -> str:
    """What could not be read, in words."""
    parts = (
        (reader.unopened, f"without their content ({reader.problem.rstrip('.')})"),
        (reader.unreadable, "damaged and left out"),
    )
    return "".join(f", {count} {what}" for count, what in parts if count)
