"""Machines that learn together over one database, in this process and without HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

from shortstop.app.replica import Replica
from shortstop.app.shared_state import SharedState
from shortstop.ports.stores import Stores
from shortstop.routing import Evidence, LearnedRouter, Prior, State, dump_state
from shortstop.traces.seal import Seal
from shortstop.workers.exchange import NewsExchange
from shortstop.workers.news import NewsEvent
from shortstop.workers.shared_router import SharedRouter
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import MAIL, asked, graded, make

SEAL = Seal("the machines' key")


class Machine:
    """A gateway's router and its replica. It starts from what the machines share."""

    def __init__(self, folder: Path, stores: Stores, prior: Prior, seal: Seal = SEAL) -> None:
        events, leaders = stores.events(), stores.leaders()
        assert events is not None
        assert leaders is not None
        self.news = folder / "news"
        exchange = NewsExchange(self.news, 0, seal)
        state = SharedState(events, seal, lambda: State(landmarks=64))
        self.replica = Replica(events, leaders, exchange, state, self.news, speaks=True)
        self._prior = prior
        self.own: LearnedRouter = make(prior, self.replica.load(None), exploration=0.0)
        self.router = SharedRouter(self.own, exchange)
        self.replica.listen(self._learn)
        exchange.listen(self._learn)

    def _learn(self, event: NewsEvent) -> None:
        self.router.learn(event)

    @property
    def state(self) -> State:
        return self.own.state

    def decide(self, number: int) -> bool:
        """Whether its answers are compared."""
        return bool(
            self.router.decide(asked(number, f"sort mail number {number}"), OPEN, MAIL).shadow
        )

    def pair(self, number: int, value: float = 1.0) -> bool:
        return self.router.pair(graded(f"r{number}", value))

    def teach(self, *numbers: int, value: float = 1.0) -> int:
        """How many pairs counted."""
        return sum(self.pair(number, value) for number in numbers if self.decide(number))

    def publish(self) -> int:
        assert self.replica._relay is not None
        return self.replica._relay.publish()

    def hear(self) -> None:
        asyncio.run(self.hear_beside())

    async def hear_beside(self) -> None:
        """Where it has to begin anew, it hears the rest in its next turn."""
        for _ in range(2):
            await self.replica.hear(self)

    def lead(self) -> int:
        self.replica.leadership.renew()
        term = self.replica.leadership.term
        assert term is not None
        return term

    def keep_snapshot(self, term: int) -> int:
        return self.replica._state.keep(term, self.replica.feed.cursor, self.snapshot())

    # As a gateway, seen by its replica.

    def snapshot(self) -> bytes:
        return dump_state(self.state)

    async def relearn(self, state: State) -> None:
        self.own = make(self._prior, state, exploration=0.0)
        self.router = SharedRouter(self.own, self.replica.exchange)
        self.replica.exchange.listen_anew()

    def close(self) -> None:
        self.replica.close()
        self.replica.exchange.close()

    @property
    def evidence(self) -> Evidence:
        """Of the one task and the one candidate that there are."""
        (found,) = self.state.evidence["default"].values()
        return found

    @property
    def pairs(self) -> int:
        return self.evidence.pairs if self.state.evidence else 0
