"""`shortstop store`: the PostgreSQL database of `store.url`, before anybody serves from it."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from shortstop.app.places import data_paths
from shortstop.app.sole import sole_gateway
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Terminal, print_json, progress, say
from shortstop.config import load
from shortstop.errors import ConfigError
from shortstop.stores import Paths, require_postgres

store_app = typer.Typer(help="The database of `store.url`: its tables, and moving into it.")


@store_app.command("check")
def check_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Whether the database can be reached, and its tables are those that this version uses."""
    paths = _paths(config)
    from shortstop.stores.postgres.migrate import server_at

    server = server_at(paths.database)
    if as_json:
        print_json({"server": server})
    else:
        say(f"The database can be used (PostgreSQL {server}).")


@store_app.command("migrate")
def migrate_command(
    config: ConfigFile = None,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish",
            help="No machine runs an earlier version any more: refuse it, and pack new rows.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database's tables to the newest schema. `serve` does the same at its start."""
    paths = _paths(config)
    from shortstop.stores.postgres.migrate import finish_at, migrate_at

    steps = migrate_at(paths.database)
    if finish:
        finish_at(paths.database)
    if as_json:
        print_json({"steps": steps})
    else:
        say("The tables were up to date." if steps == 0 else f"Steps taken: {steps}.")
        if finish:
            say("Earlier versions of Shortstop are refused from now on.")


@store_app.command("copy")
def copy_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Copy what the data folder's SQLite files hold into the empty database of `store.url`.

    Stop the gateway first. What was interrupted goes on where it stopped. At the end both sides
    are counted; the files stay as they are. Rows that wait in the journal are written by the next
    `serve`.
    """
    paths = _paths(config)
    from shortstop.stores.copying import copy_stores, sizes

    with sole_gateway(paths, "copying its stores"), progress("lines", hidden=as_json) as bar:
        tasks = {name: bar.add_task(name, total=n) for name, n in sizes(paths).items() if n}

        def advance(name: str, rows: int) -> None:
            if name in tasks:
                bar.advance(tasks[name], rows)

        copied = copy_stores(paths, paths.database, advance)
    if as_json:
        print_json({"tables": [asdict(one) for one in copied]})
        return
    table = Grid()
    table.columns("table", "in files", "in PostgreSQL", right=("in files", "in PostgreSQL"))
    for one in copied:
        table.row(one.name, f"{one.source:,}", f"{one.target:,}")
    Terminal().table(table)
    say("Copied and counted. `shortstop serve` uses the database from now on.")


def _paths(config: ConfigFile) -> Paths:
    paths = data_paths(load(config, os.environ), os.environ)
    if not paths.database:
        raise ConfigError(
            "No database is configured.",
            hint='Write `url = "postgresql://USER@HOST:PORT/NAME"` under [store].',
        )
    require_postgres()
    return paths
