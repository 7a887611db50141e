"""Which machine does what is done once for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from shortstop.app.clock import CLOCK
from shortstop.errors import StoreError
from shortstop.faults import contained
from shortstop.ports import Clock
from shortstop.ports.replicas import LeaderStore

log = logging.getLogger("shortstop")

TERM_SECONDS = 15.0
RENEW_SECONDS = 5.0
GRACE_SECONDS = 60.0
"""For so long others leave a job to the machine that leads, which may not be set up to do it."""


class Leadership:
    """This machine's part in it; `holder` is its name there. Any thread may ask."""

    def __init__(self, store: LeaderStore, holder: str, clock: Clock = CLOCK) -> None:
        self.store = store
        self.holder = holder
        self._clock = clock
        self._term: tuple[int, float] | None = None

    @property
    def term(self) -> int | None:
        """The number of this machine's term; None while it does not lead, or may not any more."""
        term = self._term
        return term[0] if term is not None and self._clock.monotonic() < term[1] else None

    def confirmed(self) -> bool:
        """Whether it leads, by the store's word. Before something is done that is done once."""
        term = self.term
        try:
            return term is not None and self.store.confirm(term)
        except StoreError:
            return False

    def renew(self) -> None:
        """Begin a term or prolong it. Raises StoreError; then the term ends by itself."""
        ends = self._clock.monotonic() + TERM_SECONDS  # at the latest, however long the call takes
        led, number = self.term, self.store.lead(self.holder, TERM_SECONDS)
        self._term = None if number is None else (number, ends)
        if number is not None and led is None:
            log.info("this machine leads (term %d)", number)
        elif number is None and led is not None:
            log.warning("another machine leads now")

    def resign(self) -> None:
        """Let another machine lead at once. Raises StoreError."""
        if self._term is not None:
            self._term = None
            self.store.resign(self.holder)

    async def claim(self, job: str, due: float) -> bool:
        """Whether this machine does a job that was due then: of those that would do it the one that
        leads, else the first. False also where the store cannot be asked: nothing is done twice."""
        if self.term is None:
            await asyncio.sleep(GRACE_SECONDS)
        try:
            return await asyncio.to_thread(self.store.claim, job, due)
        except StoreError as error:
            log.warning("the %s is left out: whose turn it is cannot be asked: %s", job, error)
            return False

    async def keep(self) -> None:
        """For ever."""
        while True:
            with contained("leading the machines"):
                await in_thread(self.renew)
            await asyncio.sleep(RENEW_SECONDS)


async def in_thread(work: Callable[[], object]) -> None:
    """Beside the event loop. An outage has been logged where the connections are."""
    try:
        await asyncio.to_thread(work)
    except StoreError as error:
        log.debug("the shared store: %s", error)
