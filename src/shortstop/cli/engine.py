"""`shortstop engine`: the embedded engine's own code, made for this processor."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Annotated

import typer

from shortstop import registry
from shortstop.cli.doctor import inspect_machine
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, progress, say
from shortstop.config import load
from shortstop.errors import ConfigError
from shortstop.serving.engines.build import VARIANTS, build_modules, suitable
from shortstop.serving.engines.modules import folders

engine_app = typer.Typer(help="The embedded engine: faster code for this machine's processor.")

Source = Annotated[
    Path | None, typer.Option("--sdist", help="The engine's source, already on this disk.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder; default: the data folder's `kernels`.")
]
Variants = Annotated[
    str | None,
    typer.Option("--variants", help=f"Of {', '.join(VARIANTS)}; default: what suits this one."),
]


@engine_app.command("build")
def build_command(
    sdist: Source = None,
    out: Out = None,
    variants: Variants = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Compile the engine's CPU code for this processor: minutes, with cmake and a C++ compiler.

    The engine's wheel uses AVX2 alone. What is made here from the same version's source is tried
    at the next start beside the wheel's code, and used where it says the same and is faster.
    """
    loaded = load(config, os.environ)
    if sdist is None and loaded.privacy.airgap:
        raise ConfigError(
            "airgap = true: nothing is fetched from outside.",
            hint="Copy the engine's source to this machine and give it with --sdist.",
        )
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise ConfigError(
            f"There is no CPU variant for {platform.machine()}.",
            hint="The engine's wheel is already made for such processors.",
        )
    home = registry.home(loaded.data_dir, os.environ)
    wanted = variants.split(",") if variants else suitable(inspect_machine(home).simd)
    target = out or home / "kernels"
    with progress("lines", hidden=as_json) as bars:
        bar = bars.add_task("source", total=100)

        def advance(step: str, percent: int) -> None:
            bars.update(bar, description=step, completed=percent)

        made = build_modules(target, wanted, advance, sdist)
    found = target in folders(loaded.engine.cpu, home)
    if as_json:
        names = [file.name for file in made]
        print_json({"folder": str(target), "files": names, "found": found})
        return
    say(f"Made for {', '.join(wanted)}, in {target}.")
    if found:
        say("The next `shortstop serve` tries it, and uses it where it is faster.")
    else:
        say(f'Nothing looks there: set `[engine] cpu = "{target}"`.')
