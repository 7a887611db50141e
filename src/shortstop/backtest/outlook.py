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

    def minus(self, amount: float) -> Interval:
        return Interval(self.value - amount, self.low - amount, self.high - amount)


@dataclass(frozen=True, slots=True)
class LocalShares:
    """The share of something that could go local, for each target: as it was examined,
    (len(TARGETS),), and as it may be, (len(TARGETS), DRAWS)."""

    value: Floats
    drawn: Floats

    def at(self, target: int) -> Interval:
        return _interval(float(self.value[target]), self.drawn[target])


@dataclass(frozen=True, slots=True)
class TaskDraws:
    """One task's shares of requests and of spend that could go local, without what is pinned, and
    the share of its requests that is: `pin` as it was judged, `pinned` as it may be, (DRAWS,)."""

    requests: LocalShares
    spend: LocalShares
    pin: float
    pinned: Floats


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
    requests = spend = LocalShares(np.zeros(len(TARGETS)), np.zeros((len(TARGETS), DRAWS)))
    if trial.kinds:
        counts, costs = np.array(trial.counts, np.float64), np.array(trial.costs)
        again = _again(len(counts), random)
        requests = _shares(trial, counts, again, tried)
        spend = _shares(trial, costs if costs.any() else counts, again, tried)
    hits = (tally.pinned_share or 0.0) * tally.judged + pinned_of_all
    rest = tally.judged + 1 - hits
    pinned = random.beta(max(hits, 1e-3), max(rest, 1e-3), DRAWS)
    pin = hits / (tally.judged + 1)
    return TaskDraws(requests, spend, pin, pinned)


def _shares(trial: Trial, weights: Floats, again: Floats, tried: float) -> LocalShares:
    """Of the texts by their `weights`; `tried` is the part of the traffic that they stand for."""
    values, drawn = np.zeros(len(TARGETS)), np.zeros((len(TARGETS), DRAWS))
    counts = np.array(trial.counts, np.float64)
    for target, row in enumerate(trial.served):
        served = np.array(row)
        if served.any():
            values[target] = tried * float(served @ weights / weights.sum())
            wide = _overdispersion(served, counts) ** 0.5
            shares = _drawn(again, served, weights) * tried
            drawn[target] = _spread(shares, values[target], wide)
    return LocalShares(values, drawn)


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
        self._requests = np.array([t.requests - t.local for t in tallies], np.float64)
        self._already = np.array([t.local for t in tallies], np.float64)
        self._costs = np.array([float(t.cost) for t in tallies])
        self._request_shares = [one.requests for one in drawn]
        self._spend_shares = [one.spend for one in drawn]
        self._pin = np.array([one.pin for one in drawn])
        self._pinned = np.array([one.pinned for one in drawn]).reshape(len(drawn), DRAWS)

    def local_share(self, assumed: Premise = Premise()) -> Interval:
        """Of requests, what is pinned and what was local before included."""
        requests = self._requests * self._volume(assumed)
        value, drawn = self._kept(self._request_shares, assumed.target)
        before = float(self._already.sum())
        whole = max(float((requests + self._already).sum()), 1.0)
        return _interval(
            (float(value @ requests) + before) / whole, (requests @ drawn + before) / whole
        )

    def pinned_share(self) -> Interval:
        whole = max(float(self._requests.sum()), 1.0)
        value = float(self._pin @ self._requests) / whole
        return _interval(value, self._requests @ self._pinned / whole)

    def bill(self, assumed: Premise = Premise()) -> float:
        """All that the log's requests cost, in US dollars."""
        return float(self._costs @ self._volume(assumed)) * assumed.price

    def avoided(self, assumed: Premise = Premise(), *, pinned: bool = True) -> Interval:
        """US dollars of the bill that local answers avoid, before comparing and the machine."""
        weights = self._costs * self._volume(assumed) * assumed.price
        value, drawn = self._kept(self._spend_shares, assumed.target, pinned=pinned)
        return _interval(float(value @ weights), weights @ drawn)

    def saved(self, assumed: Premise = Premise()) -> Interval:
        """US dollars over the log's time: what is avoided, less what comparing costs and the
        machine."""
        return self.avoided(assumed).times(1.0 - assumed.audited).minus(assumed.machine)

    def _volume(self, assumed: Premise) -> Floats:
        stay = np.array([one.value[assumed.target] == 0.0 for one in self._request_shares])
        return np.where(stay, assumed.hard, 1.0)

    def _kept(
        self, shares: Sequence[LocalShares], target: int, *, pinned: bool = True
    ) -> tuple[Floats, Floats]:
        """What stays here of each task: (tasks,), and (tasks, DRAWS)."""
        value = (1 - self._pin) * np.array([one.value[target] for one in shares])
        drawn = np.array([one.drawn[target] for one in shares]).reshape(len(shares), DRAWS)
        drawn = (1 - self._pinned) * drawn
        return (value + self._pin, drawn + self._pinned) if pinned else (value, drawn)


def _interval(value: float, drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, LEVEL) if drawn.size else (0.0, 0.0)
    return Interval(value, min(float(low), value), max(float(high), value))
