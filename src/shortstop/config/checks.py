"""Rules that span several keys: what contradicts itself, and what deserves a second look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import NoReturn, Protocol

from shortstop.config.addresses import host_in, is_local_url, problem_of_url
from shortstop.config.explain import KeyPath
from shortstop.config.sections import Config, ModelConfig, ServerConfig, UpstreamConfig

RESERVED = ("auto", "local")
"""Model names with which clients let Shortstop choose."""
EVERYBODY = "*"
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
    _check_references(config, owners, fail)
    if not owners:
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
    return lines


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


def _check_model(model: ModelConfig, path: KeyPath, fail: Fail) -> None:
    if (model.source is None) == (model.url is None):
        fail(path, "give exactly one of `source` (a model file) and `url` (a running server).")
    if model.url is None:
        return
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
    if not upstream.models:
        fail(path, "names no model.", f'Add a table [upstreams.{name}.models."MODEL"].')


def _check_references(config: Config, owners: Mapping[str, KeyPath], fail: Fail) -> None:
    """Every model that a setting names must exist."""
    remote = {m for u in config.upstreams.values() for m in u.models}
    frontier, local, judge = config.routing.frontier, config.routing.local, config.judge.target
    if frontier is not None and frontier not in remote:
        fail(("routing", "frontier"), f"{frontier!r} is no model of any upstream.")
    if local is not None and local not in config.models:
        fail(("routing", "local"), f"{local!r} is not in [models].")
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
