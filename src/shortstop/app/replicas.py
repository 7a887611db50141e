"""Whether this process is one of several machines', and as what."""

from __future__ import annotations

from functools import partial

from shortstop.app.replica import Replica
from shortstop.app.served_kinds import lacking
from shortstop.app.shared_specialists import SharedSpecialists
from shortstop.app.shared_state import SharedState
from shortstop.config import Config
from shortstop.ports.stores import Stores
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


def _specialists(paths: Paths, stores: Stores, seal: Seal) -> SharedSpecialists | None:
    store, home = stores.specialists(), paths.home
    if store is None:
        return None
    return SharedSpecialists(store, Placements(home), seal, partial(lacking, home))
