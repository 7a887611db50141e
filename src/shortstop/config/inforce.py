"""Every setting in force with where it is from, as text that holds no secret."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shortstop.config.load import read
from shortstop.config.restart import ANY, lifetimes
from shortstop.config.section import Lifetime
from shortstop.config.sections import Config
from shortstop.errors import ConfigError

_SECRET = re.compile(r"(?:^|_)(?:key|token|secret|password|passwd|credential)s?$")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
COUNTED = ("privacy.terms.", "privacy.documents.")
"""Settings whose values are somebody's own words: how many there are is said."""
LONGEST = 300
"""Characters of a value that are shown."""


class InForce(NamedTuple):
    """`source` is "command line", "file", "environment" or "default"."""

    key: str
    value: str
    source: str
    lifetime: Lifetime | None


def in_force(config: Config, file: Path | None, command_line: Collection[str]) -> list[InForce]:
    """`command_line` names the settings of [server] that it gave. A file that cannot be read any
    longer is the source of nothing."""
    written, lasts = dict(_leaves(_tree(file))), lifetimes()
    defaults = dict(_leaves(msgspec.to_builtins(Config())))
    lines = []
    for path, value in _leaves(msgspec.to_builtins(config)):
        if path[0] == "server" and path[-1] in command_line and len(path) == 2:
            source = "command line"
        elif path in written:
            source = "file"
        else:
            set_elsewhere = path in defaults and defaults[path] != value
            source = "environment" if set_elsewhere else "default"
        key = ".".join(path)
        lines.append(InForce(key, _shown(key, value), source, _lifetime(path, lasts)))
    return lines


def fingerprint(config: Config) -> str:
    """Twelve hex digits: the same where all settings are, but for folders and whatever is shown to
    nobody."""
    told = sorted(
        (".".join(path), _told(".".join(path), value))
        for path, value in _leaves(msgspec.to_builtins(config))
        if path != ("data_dir",)
    )
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:12]


def _tree(file: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(read(file)) if file else {}
    except (ConfigError, ValueError, RecursionError):
        return {}


def _leaves(
    tree: Mapping[str, Any], before: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        path = (*before, name)
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _shown(key: str, value: Any) -> str:
    return _told(key, value)[:LONGEST]


def _told(key: str, value: Any) -> str:
    if key.startswith(COUNTED):
        return f"{len(value) if isinstance(value, list | tuple) else 1} entries"
    if isinstance(value, str) and _SECRET.search(key.rpartition(".")[2]):
        return "(not shown)"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _USER_INFO.sub("", text) if value not in (None, {}, [], ()) else "none"


def _lifetime(path: tuple[str, ...], lasts: Mapping[str, Lifetime]) -> Lifetime | None:
    """Of a key in which some segments may be the operator's own names."""
    for key, one in lasts.items():
        pattern = key.split(".")
        if len(pattern) <= len(path) and all(
            want in (ANY, have) for want, have in zip(pattern, path, strict=False)
        ):
            return one
    return None
