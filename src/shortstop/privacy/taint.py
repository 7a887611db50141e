"""The highest tier that a conversation has seen. It never goes down."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from shortstop.types import UNNAMED, Tier

Keep = Callable[[str, str, Tier], None]
Find = Callable[[str, str], Tier]

MOST = 100_000


class Taint:
    """A dialogue that is known by its first words alone is remembered for `brief` seconds: others
    begin with the same words.

    Bounded in memory: what falls out is asked of `find`, where the operator gave a store.

    `keep` is called whenever a conversation rises; it and `find` may raise. Where the store is
    `shared` with other processes, it is asked whenever it may know more.
    """

    def __init__(
        self,
        most: int = MOST,
        keep: Keep | None = None,
        find: Find | None = None,
        *,
        shared: bool = False,
        brief: float = 86_400.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._most, self._keep, self._find, self._shared = most, keep, find, shared
        self._brief, self._clock = brief, clock
        self._tiers: OrderedDict[tuple[str, str], tuple[Tier, float]] = OrderedDict()
        self._full = False

    def load(self, rows: Iterable[tuple[str, str, Tier]]) -> None:
        """Tiers that were seen before, or by others."""
        for tenant, conversation, tier in rows:
            known = self._known(tenant, conversation)
            self._set(tenant, conversation, max(known or Tier.S0, tier))

    def tier(self, tenant: str, conversation: str | None) -> Tier:
        if conversation is None:
            return Tier.S0
        known = self._known(tenant, conversation)
        if known == Tier.S3 or self._find is None:
            return known or Tier.S0
        if self._shared or (known is None and self._full):
            return max(known or Tier.S0, self._find(tenant, conversation))
        return known or Tier.S0

    def see(self, tenant: str, conversation: str | None, tier: Tier) -> Tier:
        """Note a tier; the highest one so far."""
        before = self.tier(tenant, conversation)
        if conversation is None or tier <= before:
            return max(before, tier)
        self._set(tenant, conversation, tier)
        if self._keep is not None:
            self._keep(tenant, conversation, tier)
        return tier

    def _known(self, tenant: str, conversation: str) -> Tier | None:
        tier, at = self._tiers.get((tenant, conversation), (None, 0.0))
        past = conversation.startswith(UNNAMED) and self._clock() - at > self._brief
        return None if past else tier

    def _set(self, tenant: str, conversation: str, tier: Tier) -> None:
        self._tiers[tenant, conversation] = (tier, self._clock())
        self._tiers.move_to_end((tenant, conversation))
        while len(self._tiers) > self._most:
            self._tiers.popitem(last=False)
            self._full = True
