"""`shortstop config check`: what a configuration means, before it is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shortstop import registry
from shortstop.app.engines import speed_book
from shortstop.cli.options import AsJson
from shortstop.cli.output import print_json, say
from shortstop.cli.ways import lines_of_door, lines_of_sso, lines_of_way
from shortstop.config import (
    AlertsConfig,
    Config,
    LakeConfig,
    Lifetime,
    ModelConfig,
    ServerConfig,
    UpstreamConfig,
    api_key,
    bucket_of,
    lifetimes,
    load,
    warnings,
)
from shortstop.errors import ConfigError
from shortstop.ledger import check_regions
from shortstop.serving.engines.machine import Machine
from shortstop.serving.upstreams import check_dialects
from shortstop.stores import Paths
from shortstop.traces.keyfile import describe_key

config_app = typer.Typer(help="Check and explain the configuration.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(help="TOML file; default ./shortstop.toml, else built-in defaults."),
]

LEARNED_FROM = (
    "Specialists may learn from its answers (teacher = true): make sure that its terms allow it."
)
NOT_LEARNED_FROM = (
    "Nothing is learned from its answers (teacher = false): most vendors' terms forbid to train"
    " rival models on them."
)


@config_app.command("check")
def check_command(file: File = None, as_json: AsJson = False) -> None:
    """Check a file and say what it does. Exit 0: good; 2: an error, named by key and line.

    With --json: every setting with defaults filled in, and under `lifetimes` for each key whether
    a reload applies a change ("runtime"), a restart does ("process"), or neither ("state").
    """
    config = load(file, os.environ)
    check_dialects(config.upstreams)
    check_regions(config)
    if as_json:
        print_json({**msgspec.to_builtins(config), "lifetimes": lifetimes()})
        return
    for line in explain(config, os.environ):
        say(line)


def explain(config: Config, env: Mapping[str, str]) -> list[str]:
    """The configuration in sentences, one a line. Raises ConfigError for certificates and keys of
    TLS that cannot be used."""
    lines = list(lines_of_door(config.server))
    lines.append(_door(config.server, env))
    lines += lines_of_sso(config.sso, env)
    for name, model in config.models.items():
        where = (
            f"the server at {model.url}" if model.url else f"the embedded engine ({model.source})"
        )
        lines.append(f"Local target {name!r}: {where}.")
        lines += [f"  {line}" for line in _absence(config, model, env)]
        lines += [f"  {line}" for line in _threads(config, model, env)]
    for name, upstream in config.upstreams.items():
        models = ", ".join((*upstream.models, *map("any {}".format, upstream.patterns)))
        lines.append(f"Frontier {name!r} ({upstream.dialect}, {upstream.base_url}): {models}.")
        lines += [f"  {line}" for line in _deployments(upstream, env)]
        lines += [f"  {line}" for line in lines_of_way(upstream, env, name)]
        lines.append("  " + (LEARNED_FROM if upstream.teacher else NOT_LEARNED_FROM))
        if upstream.discovers:
            lines.append("  It is asked once an hour which models it has.")
    lines += [f"Alias {name!r}: {to}." for name, to in config.aliases.items()]
    lines += _fallbacks(config)
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
    lines += _lake(traces.lake, env)
    lines += _store(config, env)
    paths = Paths.of(registry.home_path(config.data_dir, env), config)
    lines.append("  " + describe_key(traces, env, paths.content_key))
    if config.privacy.airgap:
        lines.append("Air gap: no remote target, no client that could reach one.")
    lines += _alerts(config.alerts, env)
    lines.append("A reload applies every change but these, which need a restart:")
    lines += [f"  {line}" for line in _by_section("process")]
    lines.append(f"Kept from when the router's state was first saved: {_of('state')}.")
    return [*lines, *(f"Warning: {warning}" for warning in warnings(config))]


def _lake(lake: LakeConfig, env: Mapping[str, str]) -> list[str]:
    """Where files with contents go, and as whom. Nobody is asked: `shortstop doctor` does."""
    if lake.folder is None:
        return []
    line = f"  Of {lake.sample:.0%} of requests in files in {lake.folder}"
    if bucket_of(lake.folder) is None:
        return [f"{line}."]
    where = lake.endpoint or f"AWS, region {lake.region or env.get('AWS_REGION') or 'its default'}"
    named = "AWS_ACCESS_KEY_ID"
    who = f"{named} of the environment" if env.get(named) else "AWS's own files or the machine"
    return [f"{line}, at {where}; credentials from {who}."]


def _store(config: Config, env: Mapping[str, str]) -> list[str]:
    """Where everything is kept, and what several machines must have in common then."""
    store = config.store
    if store.url is None:
        return []
    state = "set" if env.get(store.password_env) else "not set"
    lines = [f"Store: {store.url}. Password from {store.password_env}: {state}."]
    shared = (config.traces.key_env, config.privacy.key_env)
    if missing := [name for name in shared if not env.get(name)]:
        lines.append(
            f"  {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: machines"
            " that share the database need the same, to read what the others have written."
        )
    return lines


def _deployments(upstream: UpstreamConfig, env: Mapping[str, str]) -> list[str]:
    """By which keys it is reached, and how they share the conversations."""
    if not upstream.deployments:
        return [] if upstream.api_key_file else [_key_state(upstream.api_key_env, env)]
    whole = sum(one.weight for one in upstream.deployments.values())
    lines = []
    for label, one in upstream.ways("").items():
        part = f"{one.weight / whole:.0%} of conversations" if one.weight else "a spare"
        rate = one.tokens_per_minute
        most = f", {rate:,} tokens a minute of each model" if rate else ""
        key = _key_state(one.api_key_env, env)
        lines.append(f"Deployment {label[1:]!r} ({one.base_url}): {part}{most}. {key}")
    return lines


WHEN = {
    "context": "the prompt is too long for it",
    "content_filter": "its vendor's filter objects",
    "rate_limit": "its rate limit is reached",
    "outage": "it is out of order",
}


def _fallbacks(config: Config) -> list[str]:
    return [
        f"In place of {model!r}, where {WHEN[failure]}: {', then '.join(names)}."
        for model, fallback in config.routing.fallbacks.items()
        for failure, names in fallback.by_class().items()
        if names
    ]


def _alerts(alerts: AlertsConfig, env: Mapping[str, str]) -> list[str]:
    """Who is told when something needs people."""
    if not alerts.on:
        return []
    told = [f"the webhook {alerts.webhook_url}"] if alerts.webhook_url else []
    told += [f"Slack, at the address in {alerts.slack_url_env}"] if alerts.slack_url_env else []
    lacking = [alerts.secret_env] if alerts.webhook_url else []
    lacking = [n for n in (*lacking, alerts.slack_url_env) if n and not env.get(n, "").strip()]
    what = ", ".join(alerts.events) or "everything"
    missing = f" Not set: {', '.join(lacking)}." if lacking else ""
    return [f"Alerts ({what}): {' and '.join(told)}.{missing}"]


def _door(server: ServerConfig, env: Mapping[str, str]) -> str:
    """Whose web pages may use it, and what administrators show."""
    pages = ", ".join(server.cors_origins) or "none"
    own = env.get(server.admin_token_env)
    token = f"in {server.admin_token_env}" if own else "made at the first start, in the data folder"
    return f"Web pages that may use it: {pages}. Admin token: {token}."


def _threads(config: Config, model: ModelConfig, env: Mapping[str, str]) -> list[str]:
    """How many threads the embedded engine will take, and why."""
    models = registry.open(registry.home_path(config.data_dir, env))
    record = None if model.source is None else models.find(model.source)
    if record is None:
        return []
    said = model.threads or config.engine.threads
    known = speed_book(models).find(record.path)
    read = model.batch_threads or config.engine.batch_threads or Machine.look().cores
    if said:
        generate = f"{said} generate, as configured"
    elif not config.engine.calibrate:
        generate = f"{Machine.look().spare_cores} generate: one core is left to others"
    elif known is None:
        generate = "how many generate is measured at the first start, or by `shortstop doctor`"
    else:
        tried = ", ".join(f"{s.decode:.0f} tokens/s with {s.threads}" for s in known.speeds)
        generate = f"{known.best.threads} generate, as measured ({tried})"
    return [f"Threads: {generate}; {read} read prompts."]


def _absence(config: Config, model: ModelConfig, env: Mapping[str, str]) -> list[str]:
    """That a model is not here, and what to do."""
    models = registry.open(registry.home_path(config.data_dir, env))
    if model.source is None or models.find(model.source) is not None:
        return []
    return [f"NOT INSTALLED. {registry.remedy(model.source)}"]


def _by_section(lifetime: Lifetime) -> list[str]:
    """The keys of a lifetime, a line for each section."""
    keys = (key.rpartition(".") for key, one in lifetimes().items() if one == lifetime)
    sections: dict[str, list[str]] = {}
    for section, _, key in keys:
        sections.setdefault(section, []).append(key)
    return [
        f"[{name}] {', '.join(own)}" if name else ", ".join(own) for name, own in sections.items()
    ]


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
