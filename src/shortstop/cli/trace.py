"""`shortstop traces show`: one request, by the id that its answer carried."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
import typer

from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Terminal, print_json
from shortstop.config import load
from shortstop.console.story import story
from shortstop.errors import ConfigError
from shortstop.stores import open_stores
from shortstop.traces import Lake, TraceReader
from shortstop.traces.document import answer
from shortstop.traces.keyfile import reading_seal
from shortstop.types import Trace

SECONDS = 10.0
"""How long a look may take."""

Id = Annotated[str, typer.Argument(help="The `x-request-id` of the answer.")]
Content = Annotated[
    bool, typer.Option("--content", help="Also what was asked and answered, where it was kept.")
]


def show_command(
    id: Id, content: Content = False, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """One request: what was found, why it went where it went, what it cost, how it was judged."""
    loaded = load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    stores, seal = open_stores(paths), reading_seal(loaded.traces, os.environ, paths.content_key)
    reader = TraceReader(stores.reports(), seal, Lake.of(loaded.traces.lake))
    with stores.figures().figures(SECONDS) as figures:
        found = figures.document(id, None)
    if found is None:
        raise ConfigError(
            f"There is no request {id} among the rows.",
            hint="Its row comes a moment after the answer, and goes after `traces.retention_days`.",
        )
    trace, grades = reader.one(*found)
    if not content:
        trace = msgspec.structs.replace(trace, request=None, response=None)
    if as_json:
        print_json(msgspec.to_builtins({**msgspec.structs.asdict(trace), "grades": grades}))
        return
    terminal = Terminal()
    for head, text in story(trace, grades):
        terminal.line((f"{head:<9} ", "bold"), text)
    if content:
        _show_content(terminal, trace, reader.problem)


def _show_content(terminal: Terminal, trace: Trace, problem: str) -> None:
    if trace.request is None:
        kept = "Nothing of what was said was kept, or its key is not here."
        terminal.line(problem or kept)
        return
    print_json(msgspec.to_builtins({"request": trace.request, "answer": answer(trace.response)}))
