"""Options that several commands share, so that each means and says the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON, for machines.")]
GatewayUrl = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        help="Ask this running gateway, as who is signed in there, in place of the data.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; default ./shortstop.toml, else defaults."),
]
