"""`shortstop serve`: run the gateway."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from shortstop.config import load

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; default ./shortstop.toml, else defaults."),
]
Host = Annotated[str | None, typer.Option(help="Address to listen on; overrides the file.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on, 0 for any free one.")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=128, help="Processes that share this machine's work.")
]


def serve_command(
    config: ConfigFile = None, host: Host = None, port: Port = None, workers: Workers = None
) -> None:
    """Serve the OpenAI dialect on http://127.0.0.1:8484/v1.

    With no configuration the embedded small model answers everything; with OPENAI_API_KEY or
    ANTHROPIC_API_KEY in the environment that frontier stands behind it. SIGHUP reloads the file.
    """
    from shortstop.app.run import serve

    loaded = load(config, os.environ)
    told = (("host", host), ("port", port), ("workers", workers))
    said = {k: v for k, v in told if v is not None}
    serve(replace(loaded, server=replace(loaded.server, **said)), config, os.environ)
