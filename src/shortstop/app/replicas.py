"""Whether this process is one of several machines', and as what."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from shortstop.accounts import Accounts
from shortstop.app.replica import Replica
from shortstop.app.served_kinds import lacking
from shortstop.app.shared_specialists import SharedSpecialists
from shortstop.app.shared_state import SharedState
from shortstop.beside import ON_THE_LOOP, BesideTheLoop, Calls
from shortstop.config import Config
from shortstop.ports.replicas import EVENTS, KEYS
from shortstop.ports.stores import Stores
from shortstop.privacy.shared_taint import SharedTaint
from shortstop.registry.placements import Placements
from shortstop.routing import State
from shortstop.stores import Paths
from shortstop.traces.seal import Seal
from shortstop.workers.bus import forget_other_versions
from shortstop.workers.context import WorkerContext
from shortstop.workers.exchange import NewsExchange


def open_replica(
    config: Config, paths: Paths, stores: Stores, workers: WorkerContext | None, seal: Seal
) -> Replica | None:
    """None where the store is one machine's."""
    events, leaders = stores.events(), stores.leaders()
    if events is None or leaders is None:
        return None
    routing = config.routing
    state = SharedState(events, seal, lambda: State(routing.seed, routing.landmarks))
    speaks = workers is None or workers.leader
    if speaks:
        forget_other_versions(paths.news)
    exchange = workers or NewsExchange(paths.news, 0, seal)
    shared = _specialists(paths, stores, seal) if speaks else None
    return Replica(events, leaders, exchange, state, paths.news, shared, speaks=speaks)


def calls_for(taint: SharedTaint | None) -> Calls:
    """How requests ask the stores: a database of several machines may take its time."""
    return ON_THE_LOOP if taint is None else BesideTheLoop(taint.catch_up)


def listen(stores: Stores, accounts: Accounts, replica: Replica | None, opened: ExitStack) -> None:
    """Look sooner for what another process has changed, where the store tells of it."""
    hints = stores.hints()
    if hints is None:
        return

    def told(what: str) -> None:
        if what == KEYS:
            accounts.look()
        elif what == EVENTS and replica is not None:
            replica.look()

    opened.callback(hints.close)
    hints.listen(told)


def _specialists(paths: Paths, stores: Stores, seal: Seal) -> SharedSpecialists | None:
    store, home = stores.specialists(), paths.home
    if store is None:
        return None
    return SharedSpecialists(store, Placements(home), seal, partial(lacking, home))
