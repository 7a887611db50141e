"""`shortstop config check`: what a configuration means, before it is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shortstop import registry
from shortstop.cli.options import AsJson
from shortstop.cli.output import print_json, say
from shortstop.config import Config, Lifetime, ServerConfig, api_key, lifetimes, load, warnings
from shortstop.errors import ConfigError
from shortstop.serving.upstreams import check_dialects
from shortstop.stores import Paths
from shortstop.traces.keyfile import describe_key

config_app = typer.Typer(help="Check and explain the configuration.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(help="TOML file; default ./shortstop.toml, else built-in defaults."),
]


@config_app.command("check")
def check_command(file: File = None, as_json: AsJson = False) -> None:
    """Check a file and say what it does. Exit 0: good; 2: an error, named by key and line.

    With --json: every setting with defaults filled in, and under `lifetimes` for each key whether
    a reload applies a change ("runtime"), a restart does ("process"), or neither ("state").
    """
    config = load(file, os.environ)
    check_dialects(config.upstreams)
    if as_json:
        print_json({**msgspec.to_builtins(config), "lifetimes": lifetimes()})
        return
    for line in explain(config, os.environ):
        say(line)


def explain(config: Config, env: Mapping[str, str]) -> list[str]:
    """The configuration in sentences, one a line."""
    lines = [f"Listens on http://{config.server.host}:{config.server.port}/v1."]
    lines.append(_door(config.server, env))
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
    contract, traces = config.contract, config.traces
    lines.append(
        f"Contract: at most {contract.max_quality_loss:.1%} quality lost at "
        f"{contract.confidence:.0%} confidence, {contract.audit_rate:.0%} of local answers audited."
    )
    lines.append(
        f"Traces: kept {traces.retention_days:g} days, content {traces.content!r}, of tier S3 "
        f"{traces.sensitive_content!r}."
    )
    paths = Paths.of(registry.home_path(config.data_dir, env), config)
    lines.append("  " + describe_key(traces, env, paths.content_key))
    if config.privacy.airgap:
        lines.append("Air gap: no remote target, no client that could reach one.")
    lines.append(
        f"A reload applies every change but these, which need a restart: {_of('process')}."
    )
    lines.append(f"Kept from when the router's state was first saved: {_of('state')}.")
    return [*lines, *(f"Warning: {warning}" for warning in warnings(config))]


def _door(server: ServerConfig, env: Mapping[str, str]) -> str:
    """Whose web pages may use it, and what administrators show."""
    pages = ", ".join(server.cors_origins) or "none"
    own = env.get(server.admin_token_env)
    token = f"in {server.admin_token_env}" if own else "made at the first start, in the data folder"
    return f"Web pages that may use it: {pages}. Admin token: {token}."


def _of(lifetime: Lifetime) -> str:
    return ", ".join(key for key, one in lifetimes().items() if one == lifetime)


def _key_state(variable: str | None, env: Mapping[str, str]) -> str:
    if variable is None:
        return "Needs no key."
    try:
        state = "set" if api_key(env, variable) else "NOT SET"
    except ConfigError as error:
        return f"Key from {variable}: UNUSABLE. {error.message}"
    return f"Key from {variable}: {state}."
