"""The highest tier that a conversation has held. It never goes down."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from shortstop.ports.stores import TaintStore
from shortstop.types import UNNAMED, Tier

MOST = 100_000
"""Conversations that are remembered without asking the store."""


class Taint:
    """A conversation without a name is identified by its first words, which others may share, so it
    is remembered for `unnamed_ttl_s` seconds only.

    Memory is bounded to `most` conversations. With a `store`, memory starts from what it holds,
    every rise is kept there, and it is asked about what was evicted from memory; if the store is
    `shared` with other processes, whenever it may know more. Every method may raise StoreError.
    """

    def __init__(
        self,
        most: int = MOST,
        store: TaintStore | None = None,
        *,
        shared: bool = False,
        unnamed_ttl_s: float = 86_400.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._most, self._store, self._shared = most, store, shared
        self._unnamed_ttl_s, self._clock = unnamed_ttl_s, clock
        self._tiers: OrderedDict[tuple[str, str], tuple[Tier, float]] = OrderedDict()
        self._full = False
        self._changing = threading.Lock()
        if store is not None:
            rows = store.newest(most)
            for row in rows:
                self._set(row.tenant, row.conversation, row.tier)
            self._full = len(rows) == most

    def tier(self, tenant: str, conversation: str | None) -> Tier:
        if conversation is None:
            return Tier.S0
        known = self.remembered(tenant, conversation)
        if known == Tier.S3 or self._store is None:
            return known or Tier.S0
        if self._shared or known is None:
            return max(known or Tier.S0, self._store.find(tenant, conversation))
        return known

    def remembered(self, tenant: str, conversation: str) -> Tier | None:
        """By memory alone; None where it may have forgotten."""
        known = self._known(tenant, conversation)
        return Tier.S0 if known is None and not self._full else known

    def learn(self, tenant: str, conversation: str, tier: Tier) -> None:
        """Note in memory alone what a store has found, or is told later; in any thread."""
        with self._changing:
            known = self._known(tenant, conversation)
            if known is None or tier > known:
                self._set(tenant, conversation, tier)

    def see(self, tenant: str, conversation: str | None, tier: Tier) -> Tier:
        """Note a tier; the highest one so far."""
        before = self.tier(tenant, conversation)
        if conversation is None or tier <= before:
            return max(before, tier)
        self.learn(tenant, conversation, tier)
        if self._store is not None:
            self._store.keep(tenant, conversation, tier)
        return tier

    def _known(self, tenant: str, conversation: str) -> Tier | None:
        tier, at = self._tiers.get((tenant, conversation), (None, 0.0))
        past = conversation.startswith(UNNAMED) and self._clock() - at > self._unnamed_ttl_s
        return None if past else tier

    def _set(self, tenant: str, conversation: str, tier: Tier) -> None:
        self._tiers[tenant, conversation] = (tier, self._clock())
        self._tiers.move_to_end((tenant, conversation))
        while len(self._tiers) > self._most:
            self._tiers.popitem(last=False)
            self._full = True
