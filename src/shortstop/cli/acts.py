"""What is done at the command line is written down, as what is done in the console is."""

from __future__ import annotations

import os

from shortstop.app.acts import note_act
from shortstop.app.places import data_paths
from shortstop.cli.output import say
from shortstop.config import Config


def write_down(config: Config, what: str, *, needed: bool = False) -> None:
    """Before it is done: what is `needed` and cannot be written down is not done. Raises
    ShortstopError."""
    paths = data_paths(config, os.environ)
    problem = note_act(config, os.environ, paths, what, needed=needed)
    if problem:
        say(f"This is not in the log of changes: {problem}", err=True)
