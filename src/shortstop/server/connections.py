"""The open connections of one process: how many, and how long each may keep the gateway waiting.

One sweep a second looks at all of them, so that no request pays for a timer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from shortstop.config import LimitsConfig
from shortstop.errors import Overloaded, ShortstopError

EVERY = 1.0
"""Seconds between two sweeps."""
FAREWELLS = 64
"""Refused connections that may still read their refusal; more are cut at once."""


class Refuse(Protocol):
    """An error as a whole HTTP answer, in the dialect of `path`."""

    def __call__(self, error: ShortstopError, path: str = "") -> bytes: ...


class Guest(Protocol):
    """One connection, as the sweep sees it."""

    def check(self, now: float) -> None:
        """Refuse or cut it where its time is over. `now` is the loop's."""

    def refuse(self, error: ShortstopError) -> None:
        """Tell the error and close."""

    def cut(self) -> None:
        """Close at once, saying nothing."""


class Connections:
    """`limits` gives the settings that hold now; `refuse` writes a refusal and counts it."""

    def __init__(
        self,
        limits: Callable[[], LimitsConfig],
        refuse: Refuse,
        after_sweep: Callable[[], None] = lambda: None,
    ) -> None:
        self._read_limits = limits
        self._after_sweep = after_sweep
        self.refuse = refuse
        self.limits = limits()
        self.open: set[Guest] = set()
        self.waiting: OrderedDict[Guest, None] = OrderedDict()
        """Those whose request has not arrived yet, the one that has been silent longest first."""
        self.leaving: set[Guest] = set()
        """Those that have been refused and may still read why."""

    def enter(self, guest: Guest) -> None:
        """Take a new connection in. Where there are too many, whoever has kept us waiting longest
        makes room for it; where nobody waits, it is refused."""
        self.open.add(guest)
        if len(self.open) <= self.limits.connections:
            self.waiting[guest] = None
        elif self.waiting:
            oldest, _ = self.waiting.popitem(last=False)
            self.open.discard(oldest)
            self.waiting[guest] = None
            oldest.cut()
        else:
            guest.refuse(
                Overloaded(
                    f"{self.limits.connections} connections are open.",
                    hint="Retry in a moment, or raise `server.limits.connections`.",
                    retry_after=EVERY,
                )
            )

    def leave(self, guest: Guest) -> None:
        """The connection is closed."""
        self.open.discard(guest)
        self.waiting.pop(guest, None)
        self.leaving.discard(guest)

    def may_linger(self, guest: Guest) -> bool:
        """Whether a refused connection may stay until the client has read its refusal."""
        self.waiting.pop(guest, None)
        if len(self.leaving) >= FAREWELLS:
            return False
        self.leaving.add(guest)
        return True

    async def keep_sweeping(self) -> None:
        """Until it is cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(EVERY)
            self.limits = self._read_limits()
            for guest in list(self.open):
                guest.check(now())
            self._after_sweep()
