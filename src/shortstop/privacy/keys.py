"""Keys: what surrogates are drawn under and the audit log is sealed with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from shortstop.config import PrivacyConfig
from shortstop.errors import ConfigError


def privacy_key(config: PrivacyConfig, env: Mapping[str, str]) -> bytes:
    """32 bytes from the operator's secret; without one, random bytes that die with the process."""
    secret = env.get(config.key_env)
    return (
        hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
        if secret
        else os.urandom(32)
    )


def audit_key(config: PrivacyConfig, env: Mapping[str, str]) -> bytes:
    """The same key, but only the operator's: under a random one nobody could verify the log later.

    Raises ConfigError when `config.key_env` is not set.
    """
    if not env.get(config.key_env):
        raise ConfigError(
            f"[privacy] `audit` needs a key in ${config.key_env}.",
            hint="Set it to a long random text and keep it: it proves the log, today and later.",
        )
    return privacy_key(config, env)
