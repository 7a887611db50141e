"""`shortstop demo`: two days of a small company and the night between them, on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from shortstop import registry
from shortstop.cli.output import say
from shortstop.errors import ConfigError

PACKAGED = Path(__file__).parent.parent / "demo_files"
"""Where a wheel holds what a checkout has as `bench`."""
CHECKOUT = Path(__file__).parents[3]
NEEDED = ("openai", "onnxruntime", "sklearn", "pycrfsuite", "rapidfuzz", "tokenizers")

Work = Annotated[Path, typer.Option("--work", help="The folder to work in; the page lies there.")]
Scale = Annotated[float, typer.Option(help="Of a day's requests.", min=0.1, max=10)]


def demo_command(work: Work = Path("shortstop-demo"), scale: Scale = 1.0) -> None:
    """Run two days of a small company through a gateway of its own, and learn in between.

    Fetches the default model and the sentence encoder (98 and 23 MB) where they are missing. The
    frontier is simulated: nothing is sent anywhere. Takes some minutes.
    """
    root = demo_root()
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"The demo learns, and needs {', '.join(missing)}.",
            hint="pip install 'shortstop[demo,learn]'",
        )
    work.mkdir(parents=True, exist_ok=True)
    for what in ("builtin", registry.ENCODER):
        _run("shortstop", "pull", what)
    _run("bench.demo", "--work", str(work.resolve()), "--scale", str(scale), cwd=root)
    say("Next: `shortstop init`, then `shortstop serve`, and point your client at it.")


def demo_root() -> Path:
    """The folder in which the package `bench` lies. Raises ConfigError."""
    for root in (PACKAGED, CHECKOUT):
        if (root / "bench" / "demo.py").is_file():
            return root
    raise ConfigError(
        "This installation came without the demo.", hint="Run `make demo` in a checkout."
    )


def _run(module: str, *arguments: str, cwd: Path | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-m", module, *arguments], cwd=cwd, env=os.environ, check=False
    )
    if done.returncode:
        raise typer.Exit(done.returncode)
