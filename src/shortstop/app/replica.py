"""This process as one of several machines' that learn together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from shortstop.app.event_feed import EventFeed
from shortstop.app.leadership import Leadership, in_thread
from shortstop.app.shared_specialists import SharedSpecialists
from shortstop.app.shared_state import SharedState
from shortstop.errors import StoreError
from shortstop.faults import contained
from shortstop.ports.replicas import EventStore, LeaderStore
from shortstop.routing import State
from shortstop.server.gateway import ReplicaReadiness
from shortstop.workers.exchange import Learn, NewsExchange
from shortstop.workers.relay import NewsRelay

log = logging.getLogger("shortstop")

PUBLISH_SECONDS, HEAR_SECONDS, PLACE_SECONDS = 0.1, 0.2, 1.0
SCHEMA_SECONDS, SCHEMA = 5.0, "store_schema"
BREATH_SECONDS = 0.03
"""Between two looks for what others have published, however much they publish."""
SNAPSHOT_SECONDS, FIRST_SNAPSHOT_SECONDS = 3600.0, 60.0
"""Between snapshots, and after a machine has begun to lead."""
MANY_EVENTS, MANY_SECONDS = 50_000, 300.0
"""A snapshot is made earlier when so many events would have to be read again, but not sooner than
so many seconds after the last one."""
LOOK_SECONDS = 5.0


class Learning(Protocol):
    """The gateway, as far as what it learns goes."""

    def snapshot(self) -> bytes:
        """What the router has learned."""

    async def relearn(self, state: State) -> None:
        """Go on with another state, and what this machine has seen itself."""


class Replica:
    """`folder` is where the machine's bus is; one process of a machine `speaks` for it, that is
    carries news and specialists to and from the store and may lead.

    What machines share, they share in the background: no request waits for the store.
    """

    def __init__(
        self,
        events: EventStore,
        leaders: LeaderStore,
        exchange: NewsExchange,
        state: SharedState,
        folder: Path,
        specialists: SharedSpecialists | None = None,
        *,
        speaks: bool,
    ) -> None:
        self.exchange = exchange
        self.speaks = speaks
        self.leadership = Leadership(leaders, exchange.writer)
        self.feed = EventFeed(events, exchange)
        self._state = state
        self._specialists = specialists
        self._learn: Learn = lambda event: None
        self._kept: tuple[float, int] | None = None
        self.unfit = ""
        """Why this release cannot use the store's tables, "" where it can."""
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        with ExitStack() as opened:
            opened.callback(events.close)
            opened.callback(leaders.close)
            if specialists is not None:
                opened.callback(specialists.close)
            self._relay = NewsRelay(folder, events) if speaks else None
            if self._relay is not None:
                opened.callback(self._relay.close)
            self._opened = opened.pop_all()

    def load(self, own: State | None) -> State:
        """What all machines have learned; `own` is what this one has. Raises StoreError."""
        state, self.feed.cursor = self._state.load(own)
        return state

    def listen(self, learn: Learn) -> None:
        """Learn what the others have published since that state, and from now on. Raises
        StoreError."""
        self._learn = learn
        self.feed.read_all(learn)

    def chores(self, gateway: Learning) -> Iterator[Coroutine[None, None, None]]:
        yield self._hear_on(gateway)
        yield _again(SCHEMA_SECONDS, "the shared tables", self.require_schema)
        if self._relay is not None:
            publish = self._relay.publish
            yield _again(PUBLISH_SECONDS, "telling the other machines", lambda: in_thread(publish))
            yield self.leadership.keep()
            look = LOOK_SECONDS
            yield _again(look, "the shared snapshot", lambda: self._look(gateway.snapshot))
        if self._specialists is not None:
            turn = partial(self._share, self._specialists)
            yield _again(PLACE_SECONDS, "sharing specialists", turn)

    async def _share(self, specialists: SharedSpecialists) -> None:
        await in_thread(lambda: specialists.turn(self.leadership.term))

    async def require_schema(self) -> None:
        """Whether another release has changed the tables, or somebody has put back old ones."""
        try:
            await asyncio.to_thread(self.leadership.store.require_schema)
            self.unfit = ""
        except StoreError as error:
            if error.code == SCHEMA:
                self.unfit = str(error)

    def look(self) -> None:
        """Another machine has published something just now, from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed meanwhile
                self._loop.call_soon_threadsafe(self._news.set)

    async def _hear_on(self, gateway: Learning) -> None:
        """For ever: when there is news, and in any case so often."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            with contained("hearing the other machines"):
                await self.hear(gateway)
            await asyncio.sleep(BREATH_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(HEAR_SECONDS - BREATH_SECONDS):
                    await self._news.wait()

    async def hear(self, gateway: Learning) -> None:
        """Learn what is new."""
        deleted = await self.feed.hear(self._learn)
        if deleted is not None:
            await self._begin_anew(gateway, deleted)

    async def _begin_anew(self, gateway: Learning, deleted: int) -> None:
        """It was away for longer than events are kept."""
        log.warning("this machine was away for long: it goes on from the others' snapshot")
        try:
            newest = await asyncio.to_thread(self._state.newest)
        except StoreError:
            return
        if newest is not None:
            state, upto = newest
            await gateway.relearn(state)
            self.feed.cursor = upto
        self.feed.skip_to(deleted)

    @property
    def readiness(self) -> ReplicaReadiness:
        behind = round(self.feed.behind_s, 3)
        leads = self.leadership.term is not None if self.speaks else None
        return ReplicaReadiness(leads, behind)

    # ------------------------------------------------------------ leading

    async def _look(self, snapshot: Callable[[], bytes]) -> None:
        """Whether a snapshot is due."""
        term, now = self.leadership.term, time.monotonic()
        if term is None:
            self._kept = None
            return
        if self._kept is None:
            self._kept = now - SNAPSHOT_SECONDS + FIRST_SNAPSHOT_SECONDS, self.feed.cursor
        at, upto = self._kept
        many = self.feed.cursor - upto >= MANY_EVENTS and now - at >= MANY_SECONDS
        if many or now - at >= SNAPSHOT_SECONDS:
            cursor, state = self.feed.cursor, snapshot()
            self._kept = now, cursor
            await in_thread(lambda: self._state.keep(term, cursor, state))

    def leave(self, snapshot: Callable[[], bytes]) -> None:
        """At the end: what this machine knows is told, and another one leads. What cannot be told
        now stays on the disk."""
        if self._relay is None:
            return
        try:
            self._relay.publish()
            term = self.leadership.term
            if term is not None:
                self._state.keep(term, self.feed.cursor, snapshot())
            self.leadership.resign()
        except StoreError as error:
            log.warning("what was learned could not be told to other machines: %s", error)

    def close(self) -> None:
        self._opened.close()


async def _again(
    seconds: float, name: str, turn: Callable[[], Coroutine[None, None, None]]
) -> None:
    """For ever."""
    while True:
        with contained(name):
            await turn()
        await asyncio.sleep(seconds)
