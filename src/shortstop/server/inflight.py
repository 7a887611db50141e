"""How many requests are answered at once, and whose turn it is where there are more."""

from __future__ import annotations

from shortstop.errors import Overloaded, RateLimited, ShortstopError
from shortstop.fair import FairGate, NoPlace, Pace
from shortstop.server.gateway import Gateway
from shortstop.types import Party

BURST = 8
"""Requests that are read and decided in one turn of the event loop: 4 ms of work."""


class InFlight(FairGate):
    """`server.max_in_flight` places, half as many again for those who find all of them with others,
    and as many to wait in. A reload changes it. `pace` spreads the work at the beginning."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.pace = Pace(BURST)
        super().__init__(1, 0, 1.0, _refusal)
        self.follow()

    def floods(self, party: Party) -> bool:
        """Whether it has many requests under way."""
        return self.held.of(party) > BURST

    def follow(self) -> None:
        """Go by the configuration as it is now."""
        config = self._gateway.server
        if config.max_in_flight != self.places or config.queue_seconds != self.wait_s:
            self.places, self.wait_s = config.max_in_flight, config.queue_seconds
            self.queue = self.spare = self.places // 2


def _refusal(why: NoPlace) -> ShortstopError:
    if why.reason == "greedy":
        return RateLimited(
            "Half of what this gateway answers at once are your own requests, and others ask too.",
            hint="Send fewer at a time.",
            retry_after=1.0,
        )
    waited = "and no place came free in time" if why.reason == "late" else "and all places taken"
    return Overloaded(
        f"The gateway is full: {why.running} requests are being answered, {waited}.",
        hint="Retry in a moment, or raise `server.max_in_flight`.",
        retry_after=1.0,
    )
