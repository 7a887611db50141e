"""shortstop.toml -> one frozen, typed Config. Unknown keys and wrong types are errors.

Secrets are never in the file: it names environment variables, and `Config` keeps the names.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec.structs import replace

from shortstop.config.checks import check, unusable
from shortstop.config.explain import KeyPath, explained, place_of
from shortstop.config.names import with_named_models
from shortstop.config.section import Section
from shortstop.config.sections import Config, ModelConfig
from shortstop.config.upstreams import UpstreamConfig, UpstreamModel
from shortstop.errors import ConfigError

DEFAULT_FILE = Path("shortstop.toml")
FILES_OF_WAY = ("api_key_file", "ca_file", "client_cert", "client_key", "socket")
S = TypeVar("S", bound=Section)

KNOWN_UPSTREAMS = {
    "OPENAI_API_KEY": (
        "openai",
        UpstreamConfig(
            dialect="openai",
            base_url="https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            models={"gpt-6.1-sol": UpstreamModel(context=400_000)},
            patterns=("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "codex-*", "text-embedding-*"),
            discover=False,
        ),
    ),
    "ANTHROPIC_API_KEY": (
        "anthropic",
        UpstreamConfig(
            dialect="anthropic",
            base_url="https://api.anthropic.com",
            api_key_env="ANTHROPIC_API_KEY",
            models={
                "claude-sonnet-5-5": UpstreamModel(
                    context=200_000, abilities=("tools", "json", "vision", "thinking")
                )
            },
            patterns=("claude-*",),
            discover=False,
        ),
    ),
}
"""The frontier that a key in the environment stands for, where no file names another."""


def load(path: Path | None, env: Mapping[str, str]) -> Config:
    """Read `path`, or `./shortstop.toml` if it exists, or the defaults for this environment.

    Raises ConfigError naming the file, the key and, where it can be found, the line.
    """
    if path is None:
        if not os.path.lexists(DEFAULT_FILE):
            return from_environment(env)
        path = DEFAULT_FILE
    return anchored(parse(read(path), env, name=str(path)), path.parent)


def anchored(config: Config, folder: Path) -> Config:
    """The same with the file's own relative paths from its `folder`, so that they mean the same
    wherever a command is run."""

    def place(path: str | None) -> str | None:
        return path and str(folder / path) if not (path or "").startswith("~") else path

    def placed(section: S, *keys: str) -> S:
        return replace(section, **{key: place(getattr(section, key)) for key in keys})

    return replace(
        config,
        data_dir=place(config.data_dir),
        traces=replace(config.traces, path=place(config.traces.path)),
        privacy=replace(config.privacy, audit=place(config.privacy.audit)),
        sso=placed(config.sso, "ca_file"),
        server=replace(config.server, tls=placed(config.server.tls, "cert", "key")),
        models={n: placed(model, "socket") for n, model in config.models.items()},
        upstreams={n: placed(up, *FILES_OF_WAY) for n, up in config.upstreams.items()},
    )


def read(path: Path) -> str:
    """The text of the file, without the mark that some editors put at its beginning. Raises
    ConfigError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as e:
        raise ConfigError(
            f"Cannot read {path}: {e.strerror}.", hint="Give --config the path of a TOML file."
        ) from e
    except UnicodeDecodeError as e:
        raise ConfigError(
            f"{path} is not UTF-8 text.", hint="Save it as UTF-8 in your editor."
        ) from e


def parse(text: str, env: Mapping[str, str], name: str = "shortstop.toml") -> Config:
    """TOML text -> Config, checked. `name` is the file's, for errors. Raises ConfigError."""
    try:
        tree = tomllib.loads(text)
    except RecursionError as e:
        raise ConfigError(f"{name} is nested too deep.") from e
    except ValueError as e:
        raise ConfigError(f"{name} is not valid TOML: {e}.") from e
    for key, problem in unusable(tree):
        raise ConfigError(f"{place_of(key, text, name)}: {problem}")
    _spell_out(tree)
    try:
        config = msgspec.convert(tree, Config)
    except (msgspec.ValidationError, OverflowError) as e:
        raise ConfigError(explained(str(e), text, name, Config)) from e
    return _checked(_with_defaults(config, env, tree), text, name)


def _spell_out(tree: dict[str, Any]) -> None:
    """`models = "*"` of an upstream, or a list of patterns, is short for its `patterns`."""
    upstreams = tree.get("upstreams")
    for upstream in upstreams.values() if isinstance(upstreams, dict) else ():
        models = upstream.get("models") if isinstance(upstream, dict) else None
        if isinstance(models, str | list) and "patterns" not in upstream:
            del upstream["models"]
            upstream["patterns"] = [models] if isinstance(models, str) else models


def from_environment(env: Mapping[str, str]) -> Config:
    """No file: the embedded model, and the frontier whose key is in the environment."""
    return _checked(_with_defaults(Config(), env, {}), "", "defaults")


def _with_defaults(config: Config, env: Mapping[str, str], tree: Mapping[str, Any]) -> Config:
    if "models" not in tree:
        config = replace(config, models={"small": ModelConfig(source="builtin")})
    if "upstreams" not in tree and not config.privacy.airgap:
        upstreams = {
            name: up for key, (name, up) in KNOWN_UPSTREAMS.items() if env.get(key, "").strip()
        }
        config = replace(config, upstreams=upstreams)
    return with_named_models(config)


def _checked(config: Config, text: str, name: str) -> Config:
    def fail(path: KeyPath, message: str, hint: str = "") -> NoReturn:
        raise ConfigError(f"{place_of(path, text, name)}: {message}", hint=hint)

    check(config, fail)
    return config
