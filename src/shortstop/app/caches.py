"""The cache of answers of one configuration, if it has one."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import msgspec

from shortstop.app.clock import CLOCK
from shortstop.app.resources import Resources
from shortstop.config import Config
from shortstop.pipeline.cached import ReplyCache


def build_cache(config: Config, resources: Resources) -> ReplyCache | None:
    if config.cache.use == "off":
        return None
    return ReplyCache(config.cache, version_of(config), CLOCK, epoch_of(resources.paths.erased))


def version_of(config: Config) -> bytes:
    """Of all that an answer depends on besides the question."""
    settings = (
        config.privacy, config.models, config.upstreams, config.routing, config.tasks,
        config.contract,
    )  # fmt: skip
    return blake2b(msgspec.json.encode(settings), digest_size=16).digest()


def epoch_of(file: Path) -> Callable[[], int]:
    """When something was last erased, by whichever worker."""

    def epoch() -> int:
        try:
            return file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    return epoch
