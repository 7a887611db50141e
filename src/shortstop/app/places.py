"""Where a gateway keeps its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shortstop import registry
from shortstop.config import Config
from shortstop.config.store import store_url
from shortstop.stores import Paths


def data_paths(config: Config, env: Mapping[str, str]) -> Paths:
    """Of the configuration's data folder, or of the one that the environment names. Raises what
    `registry.home` does where it cannot be."""
    paths = Paths.of(registry.home(config.data_dir, env), config)
    return replace(paths, database=store_url(config.store, env))
