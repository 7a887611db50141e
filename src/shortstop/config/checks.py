"""Rules that span several keys: what contradicts itself, and what deserves a second look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

from shortstop.config.addresses import (
    host_in,
    is_local_url,
    is_loopback,
    networks,
    problem_of_url,
)
from shortstop.config.explain import KeyPath
from shortstop.config.names import RESERVED, AliasLoop, aliases_of, is_name
from shortstop.config.outward import problems_of_socket, problems_of_way
from shortstop.config.sections import Config, ModelConfig, ServerConfig
from shortstop.config.sso import doubts_of_sso, problems_of_sso
from shortstop.config.store import host_of_store, problem_of_store
from shortstop.config.traces import problem_of_lake
from shortstop.config.upstreams import UpstreamConfig

EVERYBODY = "*"
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\s]*")
LEAST_RETENTION = 183.0
"""Days: deployers of AI systems keep logs for six months at least (EU AI Act, Article 26(6))."""


class Fail(Protocol):
    """Raises ConfigError about the key at `path`."""

    def __call__(self, path: KeyPath, message: str, hint: str = "") -> NoReturn: ...


def check(config: Config, fail: Fail) -> None:
    """Call `fail` about the first key that contradicts another. It raises ConfigError."""
    owners: dict[str, KeyPath] = {}
    _check_server(config.server, fail)
    for name, model in config.models.items():
        _claim(owners, name, ("models", name), fail)
        _check_model(model, ("models", name), fail)
    for name, upstream in config.upstreams.items():
        _check_upstream(name, upstream, fail)
        for model_name in upstream.models:
            _claim(owners, model_name, ("upstreams", name, "models", model_name), fail)
    if config.privacy.airgap and config.upstreams:
        fail(("privacy", "airgap"), "airgap = true allows no [upstreams].")
    _check_collector(config, fail)
    _check_store(config, fail)
    if wrong := problem_of_lake(config.traces.lake, airgap=config.privacy.airgap):
        fail(("traces", "lake", wrong[0]), *wrong[1:])
    _check_alerts(config, fail)
    for key, problem, hint in problems_of_sso(config.sso, airgap=config.privacy.airgap):
        fail(("sso", *key), problem, hint)
    _check_references(config, owners, fail)
    _check_aliases(config, owners, fail)
    _check_fallbacks(config, owners, fail)
    if not owners and not any(upstream.patterns for upstream in config.upstreams.values()):
        fail(("models",), "there is no model at all, local or remote.")


def unusable(tree: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Values that TOML can write and no setting can have: each with its key and why."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from unusable(value, (*path, name))
    elif isinstance(tree, list):
        for value in tree:
            yield from unusable(value, path)
    elif isinstance(tree, float) and not isfinite(tree):
        yield path, f"{tree} is no number to count with."
    elif isinstance(tree, str) and "\0" in tree:
        yield path, "a text must not hold the character NUL."


def warnings(config: Config) -> list[str]:
    """What is allowed and yet worth a second look, one sentence each."""
    lines = []
    days = config.traces.retention_days
    if days < LEAST_RETENTION:
        lines.append(
            f"traces.retention_days = {days:g} is less than six months ({LEAST_RETENTION:g} days), "
            "the least that the EU AI Act asks of deployers of high-risk systems (Article 26(6))."
        )
    lines += [
        f"upstreams.{name}.base_url begins with http://: its key and all that is asked cross the"
        " network unencrypted. Use https://."
        for name, upstream in config.upstreams.items()
        if upstream.socket is None and any(map(_in_the_clear, upstream.each(name).values()))
    ]
    webhook = config.alerts.webhook_url or ""
    if webhook.lower().startswith("http://") and not is_local_url(webhook):
        lines.append(
            "alerts.webhook_url begins with http://: what is told crosses the network unencrypted."
            " Use https://."
        )
    endpoint = config.traces.lake.endpoint or ""
    if endpoint.lower().startswith("http://") and not is_local_url(endpoint):
        lines.append(
            "traces.lake.endpoint begins with http://: what is kept, sealed or not, crosses the"
            " network unencrypted, with its names and times. Use https://."
        )
    lines += doubts_of_sso(config.sso)
    lines += _of_choosing(config)
    lines += _of_fallbacks(config)
    return lines


def _in_the_clear(one: UpstreamConfig) -> bool:
    url = one.base_url
    if not (one.api_key_env or one.api_key_file) or not url.lower().startswith("http://"):
        return False
    return not is_loopback(urlsplit(url).hostname or "")


def _of_fallbacks(config: Config) -> Iterator[str]:
    """Where a prompt that is too long goes to a model that takes no longer ones."""
    contexts = {name: model.context for name, model in config.models.items()}
    for upstream in config.upstreams.values():
        contexts |= {name: model.context for name, model in upstream.models.items()}
    for name, fallback in config.routing.fallbacks.items():
        own = contexts[name]
        for other in fallback.context:
            theirs = contexts[other]
            if own is not None and theirs is not None and theirs <= own:
                yield (
                    f"routing.fallbacks.{name}.context names {other!r}, whose context of"
                    f" {theirs:,} tokens is no larger than {own:,}."
                )


def _of_choosing(config: Config) -> Iterator[str]:
    """Where `auto` has nobody to fall back on, although an upstream is configured."""
    chosen = [m for u in config.upstreams.values() for m in u.models.values() if m.auto]
    if config.upstreams and not chosen:
        yield (
            "no model of an upstream is ever chosen for `auto`: they answer only who names them."
            " Name one with routing.frontier."
        )


def _check_server(server: ServerConfig, fail: Fail) -> None:
    """Whom the operator lets in must be written as browsers write it, and must not be everybody."""
    path = ("server", "cors_origins")
    for origin in server.cors_origins:
        if origin == EVERYBODY:
            if server.auth != "required":
                fail(
                    path,
                    '"*" lets every web page that somebody opens spend your money.',
                    'List the origins, or say `auth = "required"`: then a page needs a key.',
                )
        elif origin == "null" or not _ORIGIN.fullmatch(origin):
            fail(
                path,
                f"{origin!r} is no origin.",
                "Write scheme, host and port as a browser does, without a path:"
                ' "https://app.example", "http://127.0.0.1:3000".',
            )
    for host in server.allowed_hosts:
        name = host.removeprefix("*.")
        if host_in(name) is None or (":" in name and not name.startswith("[")):
            fail(
                ("server", "allowed_hosts"),
                f"{host!r} is no host.",
                'Write a name or an address, without scheme and port: "gateway.example".',
            )
    for key in ("allowed_clients", "trusted_proxies"):
        for text in getattr(server, key):
            _check_network(text, ("server", key), fail)
    if server.tls.key is not None and server.tls.cert is None:
        fail(("server", "tls", "key"), "is of no use without `cert`.", "Name the certificate too.")


def _check_network(text: str, path: KeyPath, fail: Fail) -> None:
    try:
        networks([text])
    except ValueError:
        fail(
            path,
            f"{text!r} is no address or network.",
            'Write one without name and port, and a network by its first address: "10.0.0.7",'
            ' "10.0.0.0/8", "fd00::/8".',
        )


def _check_model(model: ModelConfig, path: KeyPath, fail: Fail) -> None:
    if (model.source is None) == (model.url is None):
        fail(path, "give exactly one of `source` (a model file) and `url` (a running server).")
    if model.url is None:
        if model.socket is not None:
            fail((*path, "socket"), "is where the server of `url` listens: give `url` too.")
        return
    for key, problem, hint in problems_of_socket(model.socket):
        fail((*path, key), problem, hint)
    _check_url(model.url, (*path, "url"), fail)
    if not is_local_url(model.url):
        fail(
            (*path, "url"),
            "is not an address of this machine or a private network.",
            "Configure it under [upstreams], where privacy watches what leaves.",
        )


def _check_upstream(name: str, upstream: UpstreamConfig, fail: Fail) -> None:
    path = ("upstreams", name)
    _check_url(upstream.base_url, (*path, "base_url"), fail)
    _check_deployments(upstream, path, fail)
    if not upstream.models and not upstream.patterns:
        hint = f'Add a table [upstreams.{name}.models."MODEL"], or say `models = "*"`.'
        fail(path, "names no model.", hint)
    for pattern in upstream.patterns:
        if not is_name(pattern):
            hint = 'Write names in which * stands for any characters: "gpt-*".'
            fail((*path, "patterns"), f"{pattern!r} is no pattern of names.", hint)
    for key, problem, hint in problems_of_way(upstream):
        fail((*path, key), problem, hint)


def _check_collector(config: Config, fail: Fail) -> None:
    otel, path = config.telemetry.otel, ("telemetry", "otel", "endpoint")
    if otel.endpoint is None:
        return
    _check_url(otel.endpoint, path, fail)
    if otel.enabled and config.privacy.airgap and not is_local_url(otel.endpoint):
        fail(path, "airgap = true allows no collector beyond this machine or private network.")


def _check_store(config: Config, fail: Fail) -> None:
    url = config.store.url
    if url is None:
        return
    if problem := problem_of_store(url):
        fail(("store", "url"), *problem)
    host = host_of_store(url)
    if config.privacy.airgap and host and not is_local_url(f"postgresql://{host}"):
        fail(
            ("store", "url"),
            "airgap = true allows no database beyond this machine or private network.",
        )


def _check_deployments(upstream: UpstreamConfig, path: KeyPath, fail: Fail) -> None:
    """Somebody takes traffic, and nobody stands there twice."""
    known: dict[tuple[str | None, str | None], str] = {}
    for label, one in upstream.deployments.items():
        here = (*path, "deployments", label)
        if not _LABEL.fullmatch(label):
            fail(here, "is no label.", "Write up to 64 letters, digits, `-`, `_` and `.`.")
        if one.base_url is not None:
            _check_url(one.base_url, (*here, "base_url"), fail)
    if upstream.api_key_file and any(one.api_key_env for one in upstream.deployments.values()):
        hint = "Name a variable for each deployment, and no file."
        fail((*path, "api_key_file"), "does not go with keys of deployments.", hint)
    for label, one in upstream.ways("").items():
        place, label = (one.api_key_env, one.base_url), label.removeprefix("/")
        if place in known:
            hint = "Give it an `api_key_env` or a `base_url` of its own."
            fail((*path, "deployments", label), f"is the same as {known[place]!r}.", hint)
        known[place] = label
    if upstream.deployments and not any(one.weight for one in upstream.deployments.values()):
        fail((*path, "deployments"), "all have weight 0: those are spares.", "Give one a weight.")


def _check_fallbacks(config: Config, owners: Mapping[str, KeyPath], fail: Fail) -> None:
    """Who fails and who answers in its place are models, and not the same."""
    embeds = {
        name
        for upstream in config.upstreams.values()
        for name, model in upstream.models.items()
        if "embeddings" in model.abilities
    }
    for model, fallback in config.routing.fallbacks.items():
        path = ("routing", "fallbacks", model)
        for name in (model, *fallback.names()):
            if name not in owners:
                hint = "Name a model that stands under [models] or an upstream, no alias."
                fail(path, f"{name!r} is no model here.", hint)
            if name in embeds:
                fail(path, f"{name!r} embeds: vectors of two models cannot be compared.")
        for failure, names in fallback.by_class().items():
            if model in names:
                fail((*path, failure), f"{model!r} is its own fallback.")
            if len({*names}) < len(names):
                fail((*path, failure), "names a model twice.")
        if not fallback.names():
            fail(
                path,
                "names nobody.",
                "List models under context, content_filter, rate_limit or outage.",
            )


def _check_alerts(config: Config, fail: Fail) -> None:
    url, path = config.alerts.webhook_url, ("alerts", "webhook_url")
    if url is None:
        return
    _check_url(url, path, fail)
    if config.privacy.airgap and not is_local_url(url):
        fail(path, "airgap = true, and this address leads elsewhere.")


def _check_aliases(config: Config, owners: Mapping[str, KeyPath], fail: Fail) -> None:
    """Every alias leads to a model that there is, and hides none."""
    aliases = aliases_of(config)
    for alias, to in config.aliases.items():
        path = ("aliases", alias)
        if alias in RESERVED or not is_name(alias):
            fail(path, f"{alias!r} cannot be an alias: it is reserved, or no name.")
        if alias in owners:
            fail(path, f"{alias!r} is the name of a model already: {'.'.join(owners[alias])}.")
        try:
            real = aliases.real(to)
        except AliasLoop as loop:
            fail(path, f"the aliases lead in a circle: {loop}.", "Let one of them name a model.")
        if real not in RESERVED and real not in owners:
            fail(path, f"{real!r} is no model here, nor does a pattern of an upstream allow it.")


def _check_references(config: Config, owners: Mapping[str, KeyPath], fail: Fail) -> None:
    """Every model that a setting names must exist."""
    remote = {m for u in config.upstreams.values() for m in u.models}
    frontier, local, judge = config.routing.frontier, config.routing.local, config.judge.target
    if frontier is not None and frontier not in remote:
        fail(("routing", "frontier"), f"{frontier!r} is no model of any upstream.")
    for key, model in (("local", local), ("second_model", config.routing.second_model)):
        if model is not None and model not in config.models:
            fail(("routing", key), f"{model!r} is not in [models].")
    if judge is not None and judge not in owners:
        fail(("judge", "target"), f"{judge!r} is neither in [models] nor of any upstream.")


def _claim(owners: dict[str, KeyPath], name: str, path: KeyPath, fail: Fail) -> None:
    """Enter the model name `name` for the table at `path`; a name has one owner."""
    if name in RESERVED:
        fail(path, f"{name!r} is reserved: clients use it to let Shortstop decide.")
    if name in owners:
        fail(path, f"the name {name!r} is already used by {'.'.join(owners[name])}.")
    owners[name] = path


def _check_url(url: str, path: KeyPath, fail: Fail) -> None:
    problem = problem_of_url(url)
    if problem:
        hint = "Name an environment variable instead." if "credentials" in problem else ""
        fail(path, problem, hint)
