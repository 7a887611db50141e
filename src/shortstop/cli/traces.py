"""`shortstop traces export`: the kept rows with their content opened, for their owner."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from shortstop import registry
from shortstop.cli.options import ConfigFile
from shortstop.cli.output import say, write_lines
from shortstop.cli.report import Database, Since, Tenant, Until, moment
from shortstop.config import load
from shortstop.stores import Paths, open_stores
from shortstop.traces import TraceReader
from shortstop.traces.document import answer, encode
from shortstop.traces.keyfile import reading_seal

traces_app = typer.Typer(help="What is kept of requests and answers.", no_args_is_help=True)

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
    paths = Paths.of(registry.home(loaded.data_dir, os.environ), loaded)
    reports = open_stores(replace(paths, traces=db or paths.traces)).reports()
    reader = TraceReader(reports, reading_seal(loaded.traces, os.environ, paths.content_key))
    rows = reader.traces(
        since=None if since is None else moment(since, now),
        until=None if until is None else moment(until, now),
        tenant=tenant,
    )
    count = write_lines(out, (encode(one, one.request, answer(one.response)) for one in rows))
    say(f"{count} rows{_lacking(reader)}.", err=True)


def _lacking(reader: TraceReader) -> str:
    """What could not be read, in words."""
    parts = (
        (reader.unopened, "without their content (sealed with another key, or altered)"),
        (reader.unreadable, "damaged and left out"),
    )
    return "".join(f", {count} {what}" for count, what in parts if count)
