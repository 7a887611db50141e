"""How the trace store is doing, and saying so once whenever that changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

log = logging.getLogger(__name__)

StoreState = Literal["ok", "degraded", "losing"]


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """`pending` rows are not in the database yet, `dropped` ones never will be.

    `durable` says whether the rows appended now survive the death of the process.
    """

    state: StoreState
    detail: str
    pending: int
    dropped: int
    durable: bool


class Condition:
    """The faults there are. Not locked by itself: the backlog's lock guards every call."""

    def __init__(self) -> None:
        self.journal_fault = ""
        self.database_fault = ""
        self.losing = False
        self.dropped = 0
        self._last: StoreState = "ok"

    def health(self, pending: int) -> StoreHealth:
        faults = [fault for fault in (self.database_fault, self.journal_fault) if fault]
        state: StoreState = "losing" if self.losing else "degraded" if faults else "ok"
        return StoreHealth(
            state=state,
            detail="; ".join(faults),
            pending=pending,
            dropped=self.dropped,
            durable=not self.journal_fault,
        )

    def report(self) -> None:
        """Log the state if it is another than the last time."""
        now = self.health(0)
        if now.state == self._last:
            return
        self._last = now.state
        if now.state == "ok":
            log.warning("traces: recovered; %d rows were dropped", now.dropped)
        elif now.state == "losing":
            log.error("traces: rows are being lost: %s", now.detail)
        else:
            log.error("traces: degraded, serving goes on: %s", now.detail)
