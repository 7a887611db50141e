"""A database that keeps what conversations held, and the time that passes beside it."""

from __future__ import annotations

from shortstop.errors import StoreUnavailable
from shortstop.types import Tier
from shortstop.types.rows import TaintRise, TaintRow


class Database:
    """A TaintStore of several processes; it can be away."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Tier] = {}
        self.numbers: dict[tuple[str, str], int] = {}
        self.away = False
        self.asked = 0

    @property
    def rises(self) -> Database:
        return self

    def keep(self, tenant: str, conversation: str, tier: Tier) -> None:
        self._there()
        if tier > self.rows.get((tenant, conversation), Tier.S0):
            self.rows[tenant, conversation] = tier
            self.numbers[tenant, conversation] = self.last() + 1

    def find(self, tenant: str, conversation: str) -> Tier:
        self._there()
        self.asked += 1
        return self.rows.get((tenant, conversation), Tier.S0)

    def newest(self, most: int) -> list[TaintRow]:
        whose = sorted(self.rows, key=lambda one: self.numbers[one])[-most:]
        return [TaintRow(*one, self.rows[one]) for one in whose]

    def last(self) -> int:
        return max(self.numbers.values(), default=0)

    def after(self, number: int, most: int) -> list[TaintRise]:
        self._there()
        self.asked += 1
        whose = sorted(self.rows, key=lambda one: self.numbers[one])
        rises = [TaintRise(self.numbers[one], TaintRow(*one, self.rows[one])) for one in whose]
        return [rise for rise in rises if rise.number > number][:most]

    def close(self) -> None: ...

    def _there(self) -> None:
        if self.away:
            raise StoreUnavailable("The database cannot be reached.")


class Time:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
