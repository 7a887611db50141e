"""What a report says: sums over requests, by time and by latency."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from shortstop.types.books import Span

_ZERO = Decimal(0)

By = Literal["day", "task", "target", "tenant"]


class Slice(Struct, frozen=True):
    """Sums over some requests. Money in US dollars, time in seconds, energy in joules."""

    key: str
    requests: int = 0
    answered: int = 0
    local: int = 0
    pinned: int = 0
    escalated: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    p50: float | None = None
    p95: float | None = None
    local_p50: float | None = None
    local_p95: float | None = None
    remote_p50: float | None = None
    remote_p95: float | None = None
    cost: Decimal = _ZERO
    cost_local: Decimal = _ZERO
    counterfactual: Decimal = _ZERO
    unpriced: int = 0
    estimated: int = 0
    joules: Span = Span()
    counterfactual_joules: Span = Span()
    gco2: Span = Span()

    @property
    def local_share(self) -> float | None:
        return self.local / self.answered if self.answered else None

    @property
    def pinned_share(self) -> float | None:
        return self.pinned / self.requests if self.requests else None

    @property
    def saved(self) -> Decimal:
        return self.counterfactual - self.cost

    @property
    def saved_share(self) -> float | None:
        return float(self.saved / self.counterfactual) if self.counterfactual else None


class Point(Struct, frozen=True):
    """A stretch of time: `at` is its beginning."""

    at: float
    requests: int
    local: int
    remote: int
    pinned: int
    cost: Decimal
    counterfactual: Decimal


class Bin(Struct, frozen=True):
    """Answered requests that took from `low` up to `high` seconds."""

    low: float
    high: float
    local: int
    remote: int


class TrafficReport(Struct, frozen=True):
    """Everything a report shows. `first` and `last` are the times of the rows in it."""

    total: Slice
    groups: dict[By, tuple[Slice, ...]]
    first: float | None
    last: float | None
    step: float
    timeline: tuple[Point, ...]
    latency: tuple[Bin, ...]
    baselines: tuple[str, ...]
    prices: tuple[str, ...]
    tenant: str | None = None
