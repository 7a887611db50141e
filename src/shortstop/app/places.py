"""Where a gateway keeps its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from shortstop import registry
from shortstop.config import Config
from shortstop.config.store import store_url
from shortstop.stores import Paths


def data_paths(config: Config, env: Mapping[str, str]) -> Paths:
    """Of the configuration's data folder, or of the one that the environment names. Raises what
    `registry.home` does where it cannot be."""
    return paths_at(registry.home(config.data_dir, env), config, env)


def paths_at(home: Path, config: Config, env: Mapping[str, str]) -> Paths:
    """The same in another data folder."""
    return replace(Paths.of(home, config), database=store_url(config.store, env))
