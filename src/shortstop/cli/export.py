"""`shortstop export`: recorded rows as files, for tools that read JSON lines, tables or chats."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shortstop.app.decisions import patient_guard
from shortstop.app.places import data_paths
from shortstop.app.recorded import Recorded
from shortstop.app.trace_files import TraceFiles
from shortstop.cli.options import ConfigFile
from shortstop.cli.output import say, write_lines, write_pieces
from shortstop.cli.report import Database, Since, Tenant, Until
from shortstop.config import load
from shortstop.console.durations import moment
from shortstop.console.format import many
from shortstop.errors import ConfigError
from shortstop.privacy.redact import redacted
from shortstop.stores import open_stores
from shortstop.types import TraceOutcome
from shortstop.types.console import ContentShown, FileForm, FileWanted, RowFilter

Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write; by default standard output.")
]
Format = Annotated[
    FileForm,
    typer.Option("--format", "-f", help="JSON lines, a table, or OpenAI's fine-tuning lines."),
]
Content = Annotated[
    ContentShown,
    typer.Option(help="What was said: not at all, without what privacy finds, or as it is."),
]
Task = Annotated[str | None, typer.Option(help="Only this task.")]
Target = Annotated[str | None, typer.Option(help="Only what this model answered.")]
Outcome = Annotated[TraceOutcome | None, typer.Option(help="Only what ended so.")]
KeyId = Annotated[str | None, typer.Option("--key", help="Only this key, by its id.")]
Tag = Annotated[str | None, typer.Option(help="Only this tag.")]
Run = Annotated[str | None, typer.Option(help="Only the steps of this run.")]


def export_command(
    out: Out = None,
    format: Format = "jsonl",
    content: Content = "full",
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    task: Task = None,
    target: Target = None,
    outcome: Outcome = None,
    key: KeyId = None,
    tag: Tag = None,
    run: Run = None,
    config: ConfigFile = None,
    db: Database = None,
) -> None:
    """Recorded rows, oldest first. A running gateway gives the same at GET /admin/traces/export.

    What is exported is no longer sealed: keep it as you would keep the requests themselves. Chats
    (openai) are what `shortstop learn` may learn from, with people's corrections.
    """
    if format == "parquet" and out is None:
        raise ConfigError("A Parquet file is not for a terminal.", hint="Name it with --out.")
    loaded, now = load(config, os.environ), time.time()
    chosen = RowFilter(
        tenant=tenant,
        task=task,
        target=target,
        outcome=outcome,
        kept="all",
        since=None if since is None else moment(since, now),
        until=None if until is None else moment(until, now),
        key=key,
        tag=tag,
        run=run,
    )
    paths = data_paths(loaded, os.environ)
    paths = paths.reading(db)
    redact = partial(redacted, patient_guard(loaded))
    files = TraceFiles(open_stores(paths).figures(), Recorded(loaded, os.environ, paths), redact)
    pieces = files.made(FileWanted(chosen, format, content))
    if format == "parquet" and out is not None:
        write_pieces(out, pieces)
        say(f"{many(files.rows, 'row')}.", err=True)
        return
    count = write_lines(out, (line for piece in pieces for line in piece.splitlines()))
    say(f"{many(count, 'line')} of {many(files.rows, 'row')}.", err=True)
