"""What conversations held, where several machines keep it together and asking takes its time.

Memory follows the store, in which every rise has a number: who has read up to the last one knows of
every conversation what the store knew then. That is taken to be so for `FRESH_SECONDS`. In return
whoever raises a conversation's tier lets its client go on only when so much time has passed since
the store knows: by then every machine has read it, or knows that it must ask first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from shortstop.ports.stores import TaintRises, TaintStore
from shortstop.privacy.taint import MOST, Taint
from shortstop.types import Tier

FRESH_SECONDS = 0.5
PAGE = 5_000
AGAIN = 10_000
"""Rises that are read again after a failure: the server may be another one by then, which had not
heard of all of them and gives their numbers again."""


class SharedTaint:
    """Over a `store` with its `rises`. Methods that say so are for any thread, and take as long as
    the store does; they raise StoreError. Of what `memory` may have forgotten the store is asked.
    """

    def __init__(
        self,
        store: TaintStore,
        rises: TaintRises,
        *,
        unnamed_ttl_s: float = 86_400.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._rises, self._monotonic = store, rises, monotonic
        self._changing, self._following = threading.Lock(), threading.Lock()
        self._failed = False
        self.asked_at = monotonic()
        """All that the store knew then, memory knows."""
        self._last = rises.last()  # before memory reads: what rises between the two is read twice
        self.memory = Taint(MOST, store, shared=True, unnamed_ttl_s=unnamed_ttl_s)
        self._unkept: dict[tuple[str, str], Tier] = {}
        self._kept_at: dict[tuple[str, str], float] = {}

    @property
    def now(self) -> float:
        return self._monotonic()

    def follow(self) -> None:
        """Learn what has risen. In any thread."""
        with self._following:
            began, failed, self._failed = self._monotonic(), self._failed, True
            last = max(0, self._last - AGAIN) if failed else self._last
            while rises := self._rises.after(last, PAGE):
                for rise in rises:
                    self.memory.learn(*rise.row)
                last = rises[-1].number
                if len(rises) < PAGE:
                    break
            self._last, self.asked_at, self._failed = last, began, False

    def find(self, tenant: str, conversation: str) -> Tier:
        """What the store knows of one that memory may have forgotten. In any thread."""
        tier = self._store.find(tenant, conversation)
        self.memory.learn(tenant, conversation, tier)
        return tier

    # ------------------------------------------------------------ what rises here

    def note(self, tenant: str, conversation: str, tier: Tier) -> None:
        """In memory alone; `keep` follows."""
        self.memory.learn(tenant, conversation, tier)
        with self._changing:
            if len(self._unkept) < MOST:
                before = self._unkept.get((tenant, conversation), Tier.S0)
                self._unkept[tenant, conversation] = max(before, tier)

    def unkept(self, tenant: str, conversation: str) -> bool:
        """Whether the store may not know yet what memory does."""
        return (tenant, conversation) in self._unkept

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        """In the store. In any thread."""
        self._store.keep(tenant, conversation, tier)
        now, whose = self._monotonic(), (tenant, conversation)
        with self._changing:
            if self._unkept.get(whose, tier) <= tier:
                self._unkept.pop(whose, None)
            for one in [one for one, at in self._kept_at.items() if now - at > FRESH_SECONDS]:
                del self._kept_at[one]
            self._kept_at[whose] = now

    def settles_in(self, tenant: str, conversation: str) -> float:
        """Seconds until every machine knows, or knows that it must ask, what was kept here."""
        at = self._kept_at.get((tenant, conversation))
        return 0.0 if at is None else at + FRESH_SECONDS - self._monotonic()

    def catch_up(self) -> None:
        """Learn what has risen, and keep what could not be kept before. In any thread."""
        self.follow()
        for (tenant, conversation), tier in list(self._unkept.items()):
            self.keep(tenant, conversation, tier)
