"""What the tallies and trials come to: shares, money, and how far both may be off.

A task's local share is what its specialists served of the newest requests, times the part of the
traffic that could be tried at all; what privacy pins stays here on top. Intervals come from drawing
the examined texts again, 2,000 times, with half a text that was served and half a text that was not
added to each task, so that no small examination is sure of itself; and where shares move between
parts of the examined time more than chance explains, they are widened by that factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.backtest.tally import TaskTally
from shortstop.backtest.trial import TARGETS, Trial

Floats = NDArray[np.float64]
DRAWS = 2000
BLOCKS = 5
"""Consecutive parts of the examined time that are compared."""
FORECAST = len(TARGETS) // 2
LEVEL = (0.05, 0.95)
Z90 = 1.645
"""Standard errors to each side of a 90 % interval."""


class Interval(Struct, frozen=True):
    """A value with its 90 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        return Interval(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class TaskDraws:
    """One task's possible shares of requests and of spend that go local, and of requests that are
    pinned: for each target (len(TARGETS), DRAWS), and (DRAWS,)."""

    requests: Floats
    spend: Floats
    pinned: Floats
    shares: tuple[float, ...]
    spends: tuple[float, ...]
    pin: float


@dataclass(frozen=True, slots=True)
class Premise:
    """What may turn out otherwise: `price` is a factor on what models cost, `hard` one on the
    volume of tasks that stay, `target` an index into TARGETS, `audited` the share of local answers
    that are asked for again, `machine` what the machine costs over the log's time, in US dollars.
    """

    price: float = 1.0
    hard: float = 1.0
    target: int = FORECAST
    audited: float = 0.05
    machine: float = 0.0


def draws(tally: TaskTally, trial: Trial, pinned_of_all: float, seed: int) -> TaskDraws:
    """What may become of a task. What is pinned of all tasks stands for one more row of this."""
    random = np.random.default_rng(seed)
    tried = tally.learnable / max(tally.requests, 1)
    requests = np.zeros((len(TARGETS), DRAWS))
    spend = np.zeros((len(TARGETS), DRAWS))
    shares, spends = [0.0] * len(TARGETS), [0.0] * len(TARGETS)
    if trial.kinds:
        counts, costs = np.array(trial.counts, np.float64), np.array(trial.costs)
        if not costs.any():
            costs = counts
        again = _again(len(counts), random)
        for n in range(len(TARGETS)):
            served = np.array(trial.served[n])
            if not served.any():
                continue
            shares[n] = tried * float(served @ counts / counts.sum())
            spends[n] = tried * float(served @ costs / costs.sum())
            wide = _overdispersion(served, counts) ** 0.5
            requests[n] = _spread(_drawn(again, served, counts) * tried, shares[n], wide)
            spend[n] = _spread(_drawn(again, served, costs) * tried, spends[n], wide)
    hits = (tally.pinned_share or 0.0) * tally.judged + pinned_of_all
    rest = tally.judged + 1 - hits
    pinned = random.beta(max(hits, 1e-3), max(rest, 1e-3), DRAWS)
    pin = hits / (tally.judged + 1)
    return TaskDraws(requests, spend, pinned, tuple(shares), tuple(spends), pin)


def pinned_of_all(tallies: Sequence[TaskTally]) -> float:
    """The share of all rows that privacy would keep here."""
    weighed = sum(tally.weighed for tally in tallies)
    return sum(tally.pinned for tally in tallies) / weighed if weighed else 0.0


def _again(n: int, random: np.random.Generator) -> Floats:
    """How often each of n texts, and the half served and half unserved one, is drawn."""
    chances = np.full(n + 2, 1.0)
    chances[-2:] = 0.5
    drawn = random.multinomial(n + 1, chances / chances.sum(), size=DRAWS)
    return drawn.astype(np.float64)


def _drawn(again: Floats, served: Floats, weights: Floats) -> Floats:
    """Shares served, shape (DRAWS,)."""
    mean = weights.mean() if len(weights) else 1.0
    whole = np.append(weights, [mean, mean])
    part = np.append(served * weights, [mean, 0.0])
    total = again @ whole
    share: Floats = np.divide(again @ part, total, out=np.zeros_like(total), where=total > 0)
    return share


def _spread(values: Floats, centre: float, factor: float) -> Floats:
    wide: Floats = np.clip(centre + (values - values.mean()) * factor, 0.0, 1.0)
    return wide


def _overdispersion(served: Floats, counts: Floats) -> float:
    """How much more shares differ between parts of the time than chance makes them: at least 1."""
    if len(served) < 4 * BLOCKS:
        return 1.0
    parts = np.array_split(np.arange(len(served)), BLOCKS)
    mean = float(served @ counts / counts.sum())
    if not 0.0 < mean < 1.0:
        return 1.0
    ratios = []
    for part in parts:
        weight = counts[part]
        size = weight.sum() ** 2 / (weight**2).sum()
        share = float(served[part] @ weight / weight.sum())
        ratios.append((share - mean) ** 2 * size / (mean * (1 - mean)))
    return max(1.0, float(np.sum(ratios)) / (BLOCKS - 1))


class Outlook:
    """Of all tasks together."""

    def __init__(self, tallies: Sequence[TaskTally], drawn: Sequence[TaskDraws]) -> None:
        self._drawn = drawn
        self._requests = np.array([t.requests - t.local for t in tallies], np.float64)
        self._already = np.array([t.local for t in tallies], np.float64)
        self._costs = np.array([float(t.cost) for t in tallies])

    def local_share(self, assumed: Premise = Premise()) -> Interval:
        """Of requests, what is pinned and what was local before included."""
        volume = self._volume(assumed)
        drawn = self._kept_draws("requests", assumed.target)
        values = np.array([self._kept_value("requests", i, assumed.target) for i in self._rows()])
        whole = max(float((self._requests * volume + self._already).sum()), 1.0)
        before = float(self._already.sum())
        return _interval(
            (float(values @ (self._requests * volume)) + before) / whole,
            ((self._requests * volume) @ drawn + before) / whole,
        )

    def pinned_share(self) -> Interval:
        whole = max(float(self._requests.sum()), 1.0)
        pinned = np.array([one.pinned for one in self._drawn]).reshape(len(self._drawn), DRAWS)
        value = float(np.array([one.pin for one in self._drawn]) @ self._requests) / whole
        return _interval(value, self._requests @ pinned / whole)

    def bill(self, assumed: Premise = Premise()) -> float:
        """All that the log's requests cost, in US dollars."""
        return float(self._costs @ self._volume(assumed)) * assumed.price

    def avoided(self, assumed: Premise = Premise(), *, pinned: bool = True) -> Interval:
        """US dollars of the bill that local answers avoid, before comparing and the machine."""
        weights = self._costs * self._volume(assumed) * assumed.price
        target = assumed.target
        values = [self._kept_value("spend", i, target, pinned=pinned) for i in self._rows()]
        drawn = self._kept_draws("spend", target, pinned=pinned)
        return _interval(float(np.array(values) @ weights), weights @ drawn)

    def saved(self, assumed: Premise = Premise()) -> Interval:
        """US dollars over the log's time: what is avoided, less what comparing costs and the
        machine."""
        avoided, rest = self.avoided(assumed), 1.0 - assumed.audited
        return Interval(*(v * rest - assumed.machine for v in _values(avoided)))

    def _rows(self) -> range:
        return range(len(self._drawn))

    def _volume(self, assumed: Premise) -> Floats:
        stay = np.array([one.shares[assumed.target] == 0.0 for one in self._drawn])
        return np.where(stay, assumed.hard, 1.0)

    def _kept_value(self, what: str, i: int, target: int, *, pinned: bool = True) -> float:
        one = self._drawn[i]
        share = (one.shares if what == "requests" else one.spends)[target]
        return one.pin + (1 - one.pin) * share if pinned else (1 - one.pin) * share

    def _kept_draws(self, what: str, target: int, *, pinned: bool = True) -> Floats:
        rows = []
        for one in self._drawn:
            share = (one.requests if what == "requests" else one.spend)[target]
            kept = (1 - one.pinned) * share
            rows.append(one.pinned + kept if pinned else kept)
        return np.array(rows).reshape(len(rows), DRAWS)


def _interval(value: float, drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, LEVEL) if drawn.size else (0.0, 0.0)
    return Interval(value, min(float(low), value), max(float(high), value))


def _values(one: Interval) -> tuple[float, float, float]:
    return one.value, one.low, one.high


def task_interval(one: TaskDraws, target: int = FORECAST) -> Interval:
    """The share of a task's requests that could go local, without what is pinned."""
    return _interval(one.shares[target], one.requests[target])
