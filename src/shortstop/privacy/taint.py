"""The highest tier that a conversation has seen. It never goes down."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from shortstop.types import Tier

Keep = Callable[[str, str, Tier], None]


class Taint:
    """Bounded: what falls out of memory is known to `kept`, where the operator gave a store.

    `keep` is called whenever a conversation rises.
    """

    def __init__(self, most: int = 100_000, keep: Keep | None = None) -> None:
        self._most, self._keep = most, keep
        self._tiers: OrderedDict[tuple[str, str], Tier] = OrderedDict()

    def load(self, rows: Iterable[tuple[str, str, Tier]]) -> None:
        for tenant, conversation, tier in rows:
            self._set(tenant, conversation, tier)

    def tier(self, tenant: str, conversation: str | None) -> Tier:
        if conversation is None:
            return Tier.S0
        return self._tiers.get((tenant, conversation), Tier.S0)

    def see(self, tenant: str, conversation: str | None, tier: Tier) -> Tier:
        """Note a tier; the highest one so far."""
        before = self.tier(tenant, conversation)
        if conversation is None or tier <= before:
            return max(before, tier)
        self._set(tenant, conversation, tier)
        if self._keep is not None:
            self._keep(tenant, conversation, tier)
        return tier

    def erase(self, tenant: str, conversation: str) -> None:
        self._tiers.pop((tenant, conversation), None)

    def _set(self, tenant: str, conversation: str, tier: Tier) -> None:
        self._tiers[tenant, conversation] = tier
        self._tiers.move_to_end((tenant, conversation))
        while len(self._tiers) > self._most:
            self._tiers.popitem(last=False)
