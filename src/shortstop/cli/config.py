"""`shortstop config check`: what a configuration means, before it is used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shortstop.config import Config, load, warnings

config_app = typer.Typer(help="Check and explain the configuration.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(help="TOML file; default ./shortstop.toml, else built-in defaults."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON, for machines.")]


@config_app.command("check")
def check_command(file: File = None, as_json: AsJson = False) -> None:
    """Check a file and say what it does. Exit 0: good; 2: an error, named by key and line."""
    config = load(file, os.environ)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(config)).decode())
        return
    for line in explain(config, os.environ):
        typer.echo(line)


def explain(config: Config, env: os._Environ[str] | dict[str, str]) -> list[str]:
    """The configuration in sentences."""
    lines = [f"Listens on http://{config.server.host}:{config.server.port}/v1."]
    for name, model in config.models.items():
        where = (
            f"the server at {model.url}" if model.url else f"the embedded engine ({model.source})"
        )
        lines.append(f"Local target {name!r}: {where}.")
    for name, upstream in config.upstreams.items():
        models = ", ".join(upstream.models)
        lines.append(f"Frontier {name!r} ({upstream.dialect}, {upstream.base_url}): {models}.")
        lines.append("  " + _key_state(upstream.api_key_env, env))
    if not config.upstreams:
        lines.append("No frontier: everything stays local, and answers say how sure they are.")
    promise = config.contract
    lines.append(
        f"Contract: at most {promise.max_quality_loss:.1%} quality lost at "
        f"{promise.confidence:.0%} confidence, {promise.audit_rate:.0%} of local answers audited."
    )
    traces = config.traces
    lines.append(f"Traces: kept {traces.retention_days:g} days, content {traces.content!r}.")
    if config.privacy.airgap:
        lines.append("Air gap: no remote target, no client that could reach one.")
    return [*lines, *(f"Warning: {said}" for said in warnings(config))]


def _key_state(variable: str | None, env: os._Environ[str] | dict[str, str]) -> str:
    if variable is None:
        return "Needs no key."
    return f"Key from {variable}: {'set' if env.get(variable) else 'NOT SET'}."
