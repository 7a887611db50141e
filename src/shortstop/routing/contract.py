"""The promise per task and its running evidence.

Statement. Let a pair be a request that both the local model and the frontier answered, chosen for
pairing by a draw that does not look at the answers, and its loss the frontier's grade minus the
local one's. For a task with a certificate at score tau: the mean loss of the task's requests with
score >= tau is at most `max_quality_loss`, unless an event of probability 1 - `confidence` has
happened. Each proof attempt spends its own part of that probability (the k-th one 1/(k(k+1))), and
the evidence may be looked at after every pair. It is assumed that, within one attempt, the mean
loss given the past stays on one side of the limit. The watch over certified traffic is there for
when it does not: it bets on every audit that the loss is above the limit, forgets a good past, and
when its wealth passes 1/(1 - confidence) the traffic goes back to the frontier and the proof starts
anew, from new pairs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import Literal

import numpy as np
from msgspec import Struct

from .bounds import STAKES, Floats, labels_for_proof, log_alarms, log_bets, mixed, must_escalate

Standing = Literal["no-evidence", "gathering", "certified", "alarm"]

SETTING_UP = 50
"""Scores that fix an attempt's thresholds before its first pair is counted."""
SHARES = np.arange(0.1, 1.001, 0.05)
PAIRS_TO_DOUBT = 8
"""Audits before the watch may speak: one bad answer is no alarm."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the operator asks for."""

    max_loss: float = 0.02
    confidence: float = 0.95
    audit_rate: float = 0.05

    @property
    def delta(self) -> float:
        return 1.0 - self.confidence


class Evidence(Struct):
    """One task's account. Plain lists, so that it travels; rows follow `thresholds`."""

    attempt: int = 1
    alarmed: bool = False
    scores: list[float] = []
    thresholds: list[float] = []
    kept: list[int] = []
    wealth: list[list[float]] = []
    certified: float | None = None
    watch: list[float] = []
    watched: int = 0
    pairs: int = 0
    loss: float = 0.0
    square: float = 0.0
    local_error: float = 0.0
    alarms: int = 0

    # ------------------------------------------------------------ learning

    def pair(
        self, score: float, loss: float, promise: Promise, *, weight: float = 1.0, audit: bool
    ) -> None:
        """Count one pair. `weight` is the least inclusion probability divided by this pair's."""
        loss = min(1.0, max(-1.0, loss))
        self.pairs += 1
        self.loss += loss
        self.square += loss * loss
        self.local_error += max(0.0, loss)
        if audit and self.certified is not None and score >= self.certified:
            self._watch(loss, promise)
        if not self.thresholds:
            self._set_up(score)
            return
        if self.certified is None or not self.alarmed:
            self._bet(score, loss, promise, weight)
        self._judge(promise)

    def _set_up(self, score: float) -> None:
        self.scores.append(score)
        if len(self.scores) < SETTING_UP:
            return
        ordered = np.sort(np.array(self.scores))[::-1]
        at = np.minimum((SHARES * len(ordered)).astype(int), len(ordered) - 1)
        self.thresholds = sorted({float(v) for v in ordered[at]}, reverse=True)
        self.kept = [0] * len(self.thresholds)
        self.wealth = [[0.0] * len(STAKES) for _ in self.thresholds]
        self.scores = []

    def _bet(self, score: float, loss: float, promise: Promise, weight: float) -> None:
        gain = log_bets(np.array([loss]), promise.max_loss, weight)[:, 0].tolist()
        for i, threshold in enumerate(self.thresholds):
            if score >= threshold:
                self.kept[i] += 1
                self.wealth[i] = [w + g for w, g in zip(self.wealth[i], gain, strict=True)]

    def _judge(self, promise: Promise) -> None:
        """Fixed sequence from strict to loose, at the attempt's own level."""
        needed = log(self.attempt * (self.attempt + 1) / promise.delta)
        found = self.certified
        for threshold, row in zip(self.thresholds, self.wealth, strict=True):
            if mixed(np.array(row)) < needed:
                break
            found = threshold if found is None else min(found, threshold)
        if found is not None and found != self.certified:
            self.certified = found
            self.alarmed = False
            self.watch, self.watched = [0.0] * len(STAKES), 0

    def _watch(self, loss: float, promise: Promise) -> None:
        step: Floats = log_alarms(np.array([loss]), promise.max_loss)[:, 0]
        self.watch = [max(w, 0.0) + s for w, s in zip(self.watch, step.tolist(), strict=True)]
        self.watched += 1
        doubt = mixed(np.array(self.watch))
        if self.watched >= PAIRS_TO_DOUBT and doubt >= -log(promise.delta):
            self._withdraw()

    def _withdraw(self) -> None:
        """Take the traffic back; only new pairs count for the next attempt."""
        self.alarms += 1
        self.attempt += 1
        self.alarmed = True
        self.certified = None
        self.thresholds, self.kept, self.wealth, self.scores = [], [], [], []
        self.watch, self.watched = [], 0

    # ------------------------------------------------------------ reading

    @property
    def standing(self) -> Standing:
        if self.alarmed:
            return "alarm"
        if self.certified is not None:
            return "certified"
        return "gathering" if self.pairs else "no-evidence"

    def report(self, promise: Promise) -> Report:
        mean = self.loss / self.pairs if self.pairs else 0.0
        square = self.square / self.pairs if self.pairs else 0.0
        mu = self.local_error / self.pairs if self.pairs else 0.0
        best = max((mixed(np.array(row)) for row in self.wealth), default=0.0)
        needed = self.attempt * (self.attempt + 1) / promise.delta
        share = 0.0
        if self.certified is not None and self.kept:
            loosest = max(self.kept) or 1
            share = self.kept[self.thresholds.index(self.certified)] / loosest
        labels = None
        if self.certified is None:
            labels = _labels(mean, square, promise.max_loss, 1.0 / needed, self.pairs)
        return Report(
            standing=self.standing,
            certified_share=share,
            threshold=self.certified,
            pairs=self.pairs,
            mean_loss=mean,
            evidence=exp(min(best, 700.0)),
            needed=needed,
            must_escalate=must_escalate(mu, promise.max_loss) if self.pairs else None,
            audits_needed=labels,
            alarms=self.alarms,
            attempt=self.attempt,
        )


def _labels(mean: float, square: float, alpha: float, delta: float, pairs: int) -> int | None:
    """None: at this loss no number of pairs proves all traffic; a stricter share may be proven."""
    if pairs < SETTING_UP:
        mean, square = 0.0, 0.0
    needed = labels_for_proof(mean, square, alpha, delta)
    if needed == float("inf"):
        return None
    return max(1, round(needed) - max(0, pairs - SETTING_UP))


class Report(Struct, frozen=True):
    """One line of `shortstop contract`."""

    standing: Standing
    certified_share: float
    threshold: float | None
    pairs: int
    mean_loss: float
    evidence: float
    needed: float
    must_escalate: float | None
    audits_needed: int | None
    alarms: int
    attempt: int
