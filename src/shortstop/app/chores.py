"""What goes on beside the answers for as long as the gateway runs."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from shortstop.app.alert_watch import Alerting
from shortstop.app.alerting import keep_alerts
from shortstop.app.housekeeping import keep_house
from shortstop.app.learned_state import LearnedState
from shortstop.app.nightly import keep_nights
from shortstop.app.offers import keep_offers
from shortstop.app.resources import Resources
from shortstop.app.staffing import Staffed, keep_staff
from shortstop.routing import State
from shortstop.server.gateway import Gateway


class Worked(Staffed, Alerting, Gateway, Protocol):
    """The gateway, as its chores see it."""

    def snapshot(self) -> bytes:
        """What the router has learned."""

    async def relearn(self, state: State) -> None:
        """Go on with another state of what was learned, and what this machine has seen itself."""

    def sweep_runs(self) -> int:
        """Forget the runs that are over; how many."""

    @property
    def config_file(self) -> Path | None:
        """None: where it is searched."""


def chores(
    resources: Resources, learned: LearnedState, gateway: Worked
) -> Iterator[Coroutine[None, None, None]]:
    yield learned.keep_saving(gateway.snapshot)
    if resources.replica is not None:
        yield from resources.replica.chores(gateway)
    yield keep_staff(resources, gateway)
    yield from resources.telemetry.chores()
    yield resources.batching.keep_running(gateway, resources.metrics.batch_line)
    leads = resources.workers is None or resources.workers.leader
    yield keep_offers(resources.offers, gateway.config, resources.env, leads=leads)
    if leads:
        yield keep_house(resources, gateway.sweep_runs)
        yield keep_alerts(resources, gateway, gateway.started)
        nights = partial(keep_nights, gateway.config, gateway.config_file, resources.env)
        replica = resources.replica
        yield nights() if replica is None else nights(claim=replica.leadership.claim)
