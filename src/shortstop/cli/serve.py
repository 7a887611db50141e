"""`shortstop serve`: run the gateway."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from shortstop.cli.options import ConfigFile
from shortstop.config import ConfigSource

Host = Annotated[str | None, typer.Option(help="Address to listen on; overrides the file.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any free one.")
]
Workers = Annotated[int | None, typer.Option(min=1, max=128, help="Processes that share the work.")]


def serve_command(
    config: ConfigFile = None, host: Host = None, port: Port = None, workers: Workers = None
) -> None:
    """Serve the OpenAI and Anthropic APIs on http://127.0.0.1:8484/v1.

    With no configuration the embedded small model answers everything; with OPENAI_API_KEY or
    ANTHROPIC_API_KEY in the environment that frontier backs it up. SIGHUP reloads the file.
    """
    from shortstop.app.run import serve

    options = {"host": host, "port": port, "workers": workers}
    overrides = {key: value for key, value in options.items() if value is not None}
    serve(ConfigSource(config, os.environ, overrides))
