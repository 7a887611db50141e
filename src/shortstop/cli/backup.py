"""`shortstop backup`: a copy of everything that is kept, while the gateway serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from shortstop.app.backup import LAKE, back_up, lake_outside
from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say
from shortstop.config import bucket_of, load
from shortstop.traces.lake import lake_files

Folder = Annotated[Path, typer.Argument(help="A new folder for the copy.")]
WithLake = Annotated[
    bool, typer.Option("--lake", help="The files of `traces.lake` too, in the copy's `lake`.")
]


def backup_command(
    folder: Folder, config: ConfigFile = None, lake: WithLake = False, as_json: AsJson = False
) -> None:
    """Copy everything that is kept to a folder, while the gateway serves.

    Traces, keys, budgets, what was learned, specialists, and the key that the content is encrypted
    with: keep the copy as safe as the original. Models are left out; `shortstop pull` brings them
    again. To restore, stop the gateway and put the copy in the data folder's place. What is kept in
    PostgreSQL is not in the copy: `pg_dump` saves that, before a copy with --lake.
    """
    loaded = load(config, os.environ)
    paths = data_paths(loaded, os.environ)
    outside = lake_outside(paths, loaded.traces.lake.folder)
    sizes: dict[str, int] = {}
    files = lake_files(loaded.traces.lake) if lake and outside else None
    back_up(paths, folder, sizes.__setitem__, files)
    left = None if lake else outside
    if as_json:
        print_json({
            "folder": str(folder.absolute()), "files": sizes, "database": bool(paths.database),
            "lake_left": left,
        })  # fmt: skip
        return
    megabytes = sum(sizes.values()) / 1e6
    say(f"Copied {len(sizes)} files, {megabytes:,.1f} MB, to {folder}.")
    say("It holds the keys to its content: keep it as safe as the data folder itself.")
    if left is not None:
        what = "bucket by its own means (versions, replication)" if bucket_of(left) else "folder"
        say(f"What was asked and answered lies in {left} ([traces.lake]) and is not in it: copy"
            f" that {what} after it, or use --lake.")  # fmt: skip
    elif outside is not None:
        say(f"The files of [traces.lake] are in {folder / LAKE}: they belong in {outside}.")
    if paths.database:
        say("What is kept in PostgreSQL is not in it: save that with pg_dump.")
