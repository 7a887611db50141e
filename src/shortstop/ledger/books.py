"""Attempts -> Bill. Pure arithmetic over the price sheet, the hardware and the energy table.

How each figure is made:
  - remote: tokens x price of every attempt that has usage, also a rejected or cancelled one whose
    usage is estimated; an attempt without usage (refused, failed before the first byte) is free;
  - local: the machine's busy seconds (see `hardware`), for every local attempt, served or not;
  - counterfactual: the answer's own token counts at the baseline's price. It understates a
    frontier that would have written or reasoned more, and ignores its retries. Tokens that the
    local prefix cache held count as cached there too, from 1,024 tokens on, the least that vendors
    cache. When nothing was answered it is zero, so that fruitless local attempts count against us.
    The baseline is `routing.frontier`, else the first remote target, else the reference model that
    the operator names, as "reference:..."; without any of them there is none, and nothing is saved.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from shortstop.config import Config, UpstreamConfig
from shortstop.ledger import energy
from shortstop.ledger.grid import local_grid, remote_grid
from shortstop.ledger.hardware import MachineCost
from shortstop.ledger.prices import Entry, PriceSheet, Tiered, price_sheet
from shortstop.money import PICO
from shortstop.ports import Clock
from shortstop.tokens import prompt_tokens
from shortstop.types import Attempt, Bill, Request, Span, Target, Usage
from shortstop.types.answer import BATCH

ZERO = Decimal(0)
MIN_CACHED_TOKENS = 1024
"""The shortest prefix that vendors cache."""
DENSE_BYTES_PER_TOKEN = 2.0
LARGE_IMAGE_TOKENS = 3000
UNBOUNDED_ANSWER_TOKENS = 8192
"""Tokens of an answer whose length neither the client nor the target bounds."""
NOTHING = Span()


class Meter(Protocol):
    """Measures the machine's power."""

    def watts(self) -> float | None:
        """Power drawn now, or None when unknown."""


@dataclass(frozen=True, slots=True)
class _BilledModel:
    """What billing needs of a remote model. `entry` None: its price is unknown."""

    name: str
    entry: Entry | None
    line: energy.Line
    max_output: int | None = None
    in_batches: Decimal = Decimal(1)
    """What is answered in a batch costs of the usual price, where that has no tariff."""

    def cost(self, usage: Usage, at: float) -> Decimal | None:
        """None: it has no price, or none for how it was served."""
        if self.entry is None:
            return None
        if usage.batched and (self.entry.own or not self.entry.serves(BATCH)):
            served = tuple([word for word in usage.served if word != BATCH])
            usual = self.entry.cost(replace(usage, served=served), at)
            return None if usual is None else usual * self.in_batches
        return self.entry.cost(usage, at)

    def as_asked(self, usage: Usage, request: Request) -> Usage:
        """An estimate of what nobody told, served as the client asked where that has a tariff."""
        served = tuple([w for w in request.tariff if self.entry and self.entry.serves(w)])
        return replace(usage, served=served) if served and not usage.served else usage


class _Tally:
    """Money and energy of several attempts."""

    __slots__ = ("joules", "unpriced", "usd")

    def __init__(self) -> None:
        self.usd = ZERO
        self.joules = NOTHING
        self.unpriced: list[str] = []

    def add(self, target: str, usd: Decimal | None, joules: Span) -> None:
        self.joules = energy.plus(self.joules, joules)
        if usd is None:
            self.unpriced.append(target)
        else:
            self.usd += usd


class Books:
    """Bills requests under one configuration. Implements ports.Accountant.

    Prices are resolved once for each target. `slots` is how many requests each local model serves
    at once (default: `models.*.slots`, else one, which overstates the local cost). `meter` measures
    watts where the machine can. Raises ConfigError for a grid's region that nobody knows.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        config: Config,
        *,
        slots: Mapping[str, int] | None = None,
        sheet: PriceSheet | None = None,
        meter: Meter | None = None,
        clock: Clock = time,
    ) -> None:
        self._sheet = sheet or price_sheet(config.prices)
        self._clock = clock
        self._meter = meter
        self._machine = MachineCost(config.hardware)
        self._here, self._there = local_grid(config.hardware), remote_grid(config.ledger)
        configured = {name: model.slots or 1 for name, model in config.models.items()}
        self._slots = configured | dict(slots or {})
        upstreams = {m: (n, u) for n, u in config.upstreams.items() for m in u.models}
        self._remotes = {
            target.name: self._remote(target, *upstreams.get(target.name, (None, None)))
            for target in targets.values()
            if not target.local
        }
        self._baseline = self._choose_baseline(config)

    @property
    def baseline(self) -> str | None:
        """Whose price every counterfactual uses; None where nobody else could be asked."""
        return self._baseline.name if self._baseline else None

    @property
    def machine(self) -> MachineCost:
        """What the local machine costs."""
        return self._machine

    def unpriced(self) -> tuple[str, ...]:
        """Names of the remote targets without a known price, for a warning at the start."""
        return tuple(name for name, remote in self._remotes.items() if remote.entry is None)

    def _remote(
        self, target: Target, upstream: str | None, config: UpstreamConfig | None
    ) -> _BilledModel:
        url = config.base_url if config else None
        find = self._sheet.entry
        entry = (
            find(target.price)
            if target.price
            else find(target.name, provider=upstream, url=url)
            or find(target.model, provider=upstream, url=url)
        )
        line, off = _line(entry, target.model), config.batch_discount if config else 0
        in_batches = 1 - Decimal(repr(off))
        return _BilledModel(target.name, entry, line, target.max_output, in_batches)

    def _choose_baseline(self, config: Config) -> _BilledModel | None:
        frontier = config.routing.frontier
        if frontier is not None and frontier in self._remotes:
            return self._remotes[frontier]
        if self._remotes:
            return next(iter(self._remotes.values()))
        name = config.ledger.reference_model
        if name is None:
            return None
        entry = self._sheet.entry(name)
        return _BilledModel(f"reference:{name}", entry, _line(entry, name))

    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        """Never raises: what cannot be priced leaves `cost` None and is named in `unpriced`."""
        at = self._clock.time()
        local, remote = _Tally(), _Tally()
        own: tuple[Decimal | None, Span] = ZERO, NOTHING
        for attempt in attempts:
            if attempt.local:
                local.add(attempt.target, *self._local_cost(attempt))
            elif attempt.usage is not None or attempt.outcome == "ok":
                cost = self._remote_cost(request, attempt, at)
                remote.add(attempt.target, *cost)
                own = cost if attempt is answered else own
        cost_local = local.usd.quantize(PICO) if local.usd else ZERO
        counterfactual, counterfactual_joules = self._counterfactual(answered, own, at)
        unpriced = remote.unpriced
        if counterfactual is None:
            unpriced = [*unpriced, self.baseline or ""]
        priced = not remote.unpriced
        return Bill(
            cost=cost_local + remote.usd if priced else None,
            cost_local=cost_local,
            cost_remote=remote.usd if priced else None,
            counterfactual=counterfactual,
            baseline=self.baseline,
            joules=energy.plus(local.joules, remote.joules),
            counterfactual_joules=counterfactual_joules,
            gco2=energy.plus(
                energy.carbon(local.joules, self._here.gco2_per_kwh(at)),
                energy.carbon(remote.joules, self._there.gco2_per_kwh(at)),
            ),
            unpriced=tuple(dict.fromkeys(unpriced)),
            prices=self._sheet.version,
        )

    def at_most(self, request: Request, plan: Iterable[str]) -> Decimal | None:
        """The most that a target of `plan` can cost, in US dollars; None: a price is unknown.

        Assumes two bytes a token (prose has about four), so that only text which is nearly all
        rare characters can cost more; local targets cost next to nothing and count as zero.
        """
        asked = prompt_tokens(request, DENSE_BYTES_PER_TOKEN, LARGE_IMAGE_TOKENS)
        costs = [self._at_most(r, request, asked) for r in map(self._remotes.get, plan) if r]
        if None in costs:
            return None
        return max((cost for cost in costs if cost is not None), default=ZERO)

    def _at_most(self, remote: _BilledModel, request: Request, asked: int) -> Decimal | None:
        """Prompt tokens cost most when they are written to a cache that lasts an hour; it may be
        served as asked or as usual, with all searches that are allowed."""
        sampling = request.sampling
        longest = sampling.max_tokens or remote.max_output or UNBOUNDED_ANSWER_TOKENS
        output = longest * sampling.n
        at = self._clock.time()
        searches = request.searches
        usual = (
            Usage(input=asked, output=output, searches=searches),
            Usage(cache_write_1h=asked, output=output, searches=searches),
        )
        asked_for = [remote.as_asked(usage, request) for usage in usual]
        costs = [remote.cost(usage, at) for usage in (*usual, *asked_for)]
        return None if None in costs else max(cost for cost in costs if cost is not None)

    def _local_cost(self, attempt: Attempt) -> tuple[Decimal, Span]:
        slots = self._slots.get(attempt.target, 1)
        watts = self._meter.watts() if self._meter is not None else None
        return (
            self._machine.cost(attempt.seconds, slots),
            self._machine.joules(attempt.seconds, slots, watts),
        )

    def _remote_cost(
        self, request: Request, attempt: Attempt, at: float
    ) -> tuple[Decimal | None, Span]:
        """An answer of unknown usage has no price either."""
        remote = self._remotes.get(attempt.target)
        if remote is None or attempt.usage is None:
            return None, NOTHING
        usage = attempt.usage
        if usage.estimated:
            usage = remote.as_asked(usage, request)
        return remote.cost(usage, at), energy.remote_joules(remote.line, usage)

    def _counterfactual(
        self, answer: Attempt | None, own: tuple[Decimal | None, Span], at: float
    ) -> tuple[Decimal | None, Span]:
        if answer is None or answer.usage is None or self._baseline is None:
            return ZERO, NOTHING
        if answer.target == self._baseline.name:
            return own
        usage = _at_a_vendor(answer.usage) if answer.local else answer.usage
        usage = replace(usage, served=(), searches=0)
        return (
            self._baseline.cost(usage, at),
            energy.remote_joules(self._baseline.line, usage),
        )


def _at_a_vendor(usage: Usage) -> Usage:
    """A local answer's usage as a vendor would have counted it."""
    if usage.cache_read >= MIN_CACHED_TOKENS:
        return usage
    return replace(usage, input=usage.input + usage.cache_read, cache_read=0)


def _line(entry: Entry | None, model: str) -> energy.Line:
    if entry is None:
        return energy.load().line((model,), None)
    rate = entry.periods[0].rates.output
    price = float(rate.base if isinstance(rate, Tiered) else rate)
    return energy.load().line((entry.model,), price)
