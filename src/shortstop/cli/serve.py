"""`shortstop serve`: run the gateway."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from shortstop import registry
from shortstop.cli.options import ConfigFile
from shortstop.cli.output import say
from shortstop.config import Config, ConfigSource
from shortstop.errors import ConfigError

Host = Annotated[str | None, typer.Option(help="Address to listen on; overrides the file.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to listen on, 0 for any free one.")
]
Workers = Annotated[int | None, typer.Option(min=1, max=128, help="Processes that share the work.")]
Fetch = Annotated[
    bool, typer.Option("--fetch", help="First fetch the models of the file that are not installed.")
]


def serve_command(
    config: ConfigFile = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    fetch: Fetch = False,
) -> None:
    """Serve the OpenAI and Anthropic APIs on http://127.0.0.1:8484/v1.

    With no configuration the embedded small model answers everything; with OPENAI_API_KEY or
    ANTHROPIC_API_KEY in the environment that frontier backs it up. SIGHUP reloads the file.
    """
    from shortstop.app.run import serve

    options = {"host": host, "port": port, "workers": workers}
    overrides = {key: value for key, value in options.items() if value is not None}
    source = ConfigSource(config, os.environ, overrides)
    if fetch:
        fetch_models(source.load())
    serve(source)


def _unseen(done: int, total: int) -> None:
    """Progress for a log."""


def fetch_models(config: Config) -> None:
    """Install the models that the configuration names and this machine lacks. Raises ConfigError
    where nothing may be fetched, ModelFileError."""
    models = registry.open(registry.home(config.data_dir, os.environ))
    sources = [model.source for model in config.models.values() if model.source]
    for source in dict.fromkeys(sources):
        if models.find(source) is not None:
            continue
        if config.privacy.airgap:
            raise ConfigError(f"airgap = true: {source!r} is not installed, and is not fetched.")
        say(f"Fetching {source} ...", err=True)
        record, _ = registry.pull(models, source, None, _unseen)
        say(f"Installed {record.name}, sha256 {record.sha256[:16]}…", err=True)
