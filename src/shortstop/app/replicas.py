"""Whether this process is one of several machines', and as what."""

from __future__ import annotations

from shortstop.app.replica import Replica
from shortstop.app.shared_state import SharedState
from shortstop.config import Config
from shortstop.ports.stores import Stores
from shortstop.routing import State
from shortstop.stores import Paths
from shortstop.traces.seal import Seal
from shortstop.workers.bus import forget_other_versions
from shortstop.workers.context import WorkerContext
from shortstop.workers.exchange import NewsExchange


def open_replica(
    config: Config, paths: Paths, stores: Stores, workers: WorkerContext | None, seal: Seal | None
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
    return Replica(events, leaders, exchange, state, paths.news, speaks=speaks)
