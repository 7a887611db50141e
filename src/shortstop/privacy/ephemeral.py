"""A guard without a memory, for examinations, `privacy explain` and the replay of logs."""

from __future__ import annotations

import os
import time

from shortstop.config import PrivacyConfig
from shortstop.privacy.body import BodyFormat
from shortstop.privacy.guard import PrivacyGuard, PrivacyStores
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.taint import Taint


def ephemeral_guard(
    config: PrivacyConfig,
    format: BodyFormat,
    *,
    key: bytes | None = None,
    baa: frozenset[str] = frozenset(),
) -> PrivacyGuard:
    """Everything it learns dies with it; surrogates are drawn under `key`, by default a random
    one. Raises ConfigError when a tenant's document cannot be read."""
    key = key or os.urandom(32)
    vault = Vault(time.time, config.vault_hours * 3600)
    return PrivacyGuard(config, format, PrivacyStores(key, vault, Taint()), time, baa=baa)
