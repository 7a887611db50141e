"""The router of one configuration: alone, or sharing what it sees with other processes."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop.config import Config
from shortstop.routing import LearnedRouter, Prior, State, Waits
from shortstop.types import Target
from shortstop.workers.exchange import NewsExchange
from shortstop.workers.shared_router import SharedRouter

AnyRouter = LearnedRouter | SharedRouter


def build_routers(
    config: Config,
    targets: Mapping[str, Target],
    state: State | None,
    prior: Prior,
    exchange: NewsExchange | None,
    waits: Waits,
) -> tuple[LearnedRouter, AnyRouter]:
    """What learns, and what decides: the same, unless there are several processes."""
    learned = LearnedRouter(targets, config, state, prior, waits)
    return learned, SharedRouter(learned, exchange) if exchange else learned
