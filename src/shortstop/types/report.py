"""What a report says: sums over requests, by time and by latency."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from shortstop.types.books import Span

_ZERO = Decimal(0)

By = Literal["day", "task", "target", "tenant"]
GroupBy = Literal[
    "day", "task", "target", "tenant", "key", "user", "tag", "run", "specialist", "deployment"
]
"""What a report over rows groups by; `By` is what sums are kept for."""


BooksBy = Literal[By, "team"]
"""What the console's books group by."""
ReportBy = Literal[GroupBy, "team"]
"""What `shortstop report` groups by: teams are those that the rows' keys are in now."""


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


class RunTotals(Struct, frozen=True):
    """Sums over the runs of agents: those that their clients named, that were continued, or that
    were refused something. Money in US dollars.

    `judged` runs have an outcome, `solved` ones a score of 0.5 or more; `judged_cost` is the money
    of all judged ones. `stopped` runs had a step refused because they had used up their money,
    steps or time, `looping` ones a repeated call; `avoided` is the least that this saved: one more
    step each, at the cost of the run's last one.
    """

    runs: int = 0
    steps: int = 0
    cost: Decimal = _ZERO
    judged: int = 0
    solved: int = 0
    judged_cost: Decimal = _ZERO
    stopped: int = 0
    looping: int = 0
    avoided: Decimal = _ZERO

    @property
    def solved_share(self) -> float | None:
        return self.solved / self.judged if self.judged else None

    @property
    def cost_per_solved(self) -> Decimal | None:
        """What the judged runs cost for each that was solved: failed ones are paid for, too."""
        return self.judged_cost / self.solved if self.solved else None


class TrafficReport(Struct, frozen=True):
    """Everything a report shows. `first` and `last` are the times of the rows in it. `timed`:
    percentiles and `latency` are taken over so many answers, a sample; None: over all."""

    total: Slice
    groups: dict[ReportBy, tuple[Slice, ...]]
    first: float | None
    last: float | None
    step: float
    timeline: tuple[Point, ...]
    latency: tuple[Bin, ...]
    baselines: tuple[str, ...]
    prices: tuple[str, ...]
    tenant: str | None = None
    runs: RunTotals = RunTotals()
    timed: int | None = None


class Charge(Struct, frozen=True):
    """One day's sums for one way of asking. Money in US dollars, energy in joules. `billed` is owed
    to vendors, `effective` holds the machine's own cost as well; `day` is Unix time of its
    beginning, UTC. Rows without a known price are counted in `unpriced` and are in no money."""

    day: int
    tenant: str
    target: str
    local: bool
    task: str
    key: str
    user: str
    tag: str
    specialist: str
    prices: str
    requests: int
    unpriced: int
    prompt_tokens: int
    completion_tokens: int
    billed: Decimal
    effective: Decimal
    counterfactual: Decimal
    joules: float
    gco2: float
