"""What privacy remembers of conversations: surrogates, and how sensitive they were."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from shortstop.app.clock import CLOCK
from shortstop.config import Config
from shortstop.ports.stores import Stores
from shortstop.privacy.keys import privacy_key
from shortstop.privacy.replace.vault import Vault
from shortstop.privacy.shared_taint import SharedTaint
from shortstop.privacy.taint import Taint


@dataclass(frozen=True, slots=True)
class PrivacyMemory:
    """`key` is what surrogates are made and sealed with. `shared_taint` is there where several
    machines share `taint`, its memory."""

    key: bytes
    vault: Vault
    taint: Taint
    shared_taint: SharedTaint | None = None


def open_privacy_memory(
    config: Config, env: Mapping[str, str], stores: Stores, opened: ExitStack, *, shared: bool
) -> PrivacyMemory:
    """Surrogates last under the operator's key and are shared by workers; else memory will do."""
    privacy, key = config.privacy, privacy_key(config.privacy, env)
    keep_s, unnamed_ttl_s = config.traces.retention_days * 86_400, privacy.vault_hours * 3600
    surrogates = stores.surrogates() if shared or env.get(privacy.key_env) else None
    vault = Vault(CLOCK.time, unnamed_ttl_s, store=surrogates, key=key)
    opened.callback(vault.close)
    taints = stores.taints(CLOCK, keep_s, unnamed_ttl_s)
    opened.callback(taints.close)
    if taints.rises is not None:
        together = SharedTaint(taints, taints.rises, unnamed_ttl_s=unnamed_ttl_s)
        return PrivacyMemory(key, vault, together.memory, together)
    return PrivacyMemory(
        key, vault, Taint(store=taints, shared=shared, unnamed_ttl_s=unnamed_ttl_s)
    )
