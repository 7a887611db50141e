"""The promise over everything that `auto` decides, whatever the task."""

from __future__ import annotations

from math import exp, log

import numpy as np
from msgspec import Struct

from shortstop.routing.bounds import STAKES, log_alarms, log_bets, mixed
from shortstop.routing.contract import MIN_WATCHED_PAIRS, Promise, Standing


class Overall(Struct):
    """Evidence that the mean loss over all traffic, as it is routed, is below the limit.

    Every drawn pair counts: with its loss when the local answer was served, with none when the
    frontier's was. Two opposite bets run on the same pairs (`bounds`): one against "the mean loss
    is at least the limit", whose wealth of 1/delta is the certificate, and an e-CUSUM against "it
    is below", whose wealth of 1/delta is the alarm. An alarm ends the certificate and the proof
    starts over, the k-th one at delta / (k (k + 1)). Assumed as for a task: the mean given the past
    stays on one side of the limit within one attempt.
    """

    pairs: int = 0
    kept: int = 0
    loss: float = 0.0
    wealth: list[float] = []
    watch: list[float] = []
    attempt: int = 1
    certified: bool = False
    alarmed: bool = False
    alarms: int = 0

    def pair(self, loss: float | None, promise: Promise, *, weight: float = 1.0) -> None:
        """Count one pair; `loss` None: the frontier's answer was served. `weight` as in
        `Evidence`."""
        self.pairs += 1
        self.kept += loss is not None
        lost = min(1.0, max(-1.0, loss or 0.0))
        self.loss += lost
        self._bet(lost, promise, weight)
        needed = log(self.attempt * (self.attempt + 1) / promise.delta)
        if not self.certified and mixed(np.array(self.wealth)) >= needed:
            self.certified, self.alarmed = True, False

    def _bet(self, lost: float, promise: Promise, weight: float) -> None:
        self.wealth = self.wealth or [0.0] * len(STAKES)
        self.watch = self.watch or [0.0] * len(STAKES)
        losses = np.array([lost])
        gain = log_bets(losses, promise.max_loss, weight)[:, 0].tolist()
        doubt = log_alarms(losses, promise.max_loss, weight)[:, 0].tolist()
        self.wealth = [w + g for w, g in zip(self.wealth, gain, strict=True)]
        self.watch = [max(w, 0.0) + d for w, d in zip(self.watch, doubt, strict=True)]
        if self.pairs >= MIN_WATCHED_PAIRS and mixed(np.array(self.watch)) >= -log(promise.delta):
            self._withdraw()

    def _withdraw(self) -> None:
        self.alarms += 1
        self.attempt += 1
        self.certified, self.alarmed = False, True
        self.wealth, self.watch = [0.0] * len(STAKES), []

    @property
    def standing(self) -> Standing:
        if self.alarmed:
            return "alarm"
        if self.certified:
            return "certified"
        return "gathering" if self.pairs else "no-evidence"

    def report(self, promise: Promise) -> OverallReport:
        evidence = exp(min(mixed(np.array(self.wealth)), 700.0)) if self.wealth else 1.0
        return OverallReport(
            standing=self.standing,
            pairs=self.pairs,
            served_local=self.kept,
            mean_loss=self.loss / self.pairs if self.pairs else 0.0,
            evidence=evidence,
            needed=self.attempt * (self.attempt + 1) / promise.delta,
            alarms=self.alarms,
        )


class OverallReport(Struct, frozen=True):
    """The line of `shortstop contract` about all tasks together."""

    standing: Standing
    pairs: int
    served_local: int
    mean_loss: float
    evidence: float
    needed: float
    alarms: int
