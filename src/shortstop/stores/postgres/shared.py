"""The stores that only gateways on several machines have. No request waits for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from shortstop.stores.postgres.database import PostgresDatabase
from shortstop.stores.postgres.events import PostgresEvents
from shortstop.stores.postgres.hints import PostgresHints
from shortstop.stores.postgres.leaders import PostgresLeaders
from shortstop.stores.postgres.specialists import PostgresSpecialists

CALL_SECONDS = 2.0
"""A call that a request waits for, or that is as short."""
WRITE_SECONDS = 30.0
"""Rows are written beside the requests, and what is large may take its time."""


@dataclass(frozen=True, slots=True)
class SharedStores:
    """Implements the last four of ports.stores.Stores."""

    url: str = field(repr=False)

    def events(self) -> PostgresEvents:
        return PostgresEvents(self._beside(CALL_SECONDS), self._beside(WRITE_SECONDS))

    def leaders(self) -> PostgresLeaders:
        return PostgresLeaders(self._beside(CALL_SECONDS))

    def specialists(self) -> PostgresSpecialists:
        return PostgresSpecialists(self._beside(CALL_SECONDS), self._beside(WRITE_SECONDS))

    def hints(self) -> PostgresHints:
        return PostgresHints(self.url)

    def _beside(self, seconds: float) -> PostgresDatabase:
        return PostgresDatabase(self.url, seconds, background=True)
