"""The promise per task and its running evidence.

Statement. Let a pair be a request that both the local model and the frontier answered, chosen for
pairing by a draw that does not look at the answers, and its loss the frontier's grade minus the
local one's. For a task with a certificate at score tau, keeping what scores tau or more local
loses at most `max_quality_loss` on the mean, unless an event of probability 1 - `confidence` has
happened. The mean is over the task's traffic, where what escalates loses nothing
(`scope = "traffic"`), or over what stays local alone (`scope = "answers"`). Each proof attempt
spends its own part of that probability (the k-th one 1/(k(k+1))), and the evidence may be looked
at after every pair. It is assumed that, within one attempt, the mean loss given the past stays on
one side of the limit. The watch over certified traffic is there for when it does not: it bets on
every pair that the loss is above the limit, forgets a good past, and when its wealth passes
1/(1 - confidence) the traffic goes back to the frontier and the proof starts anew, from new pairs
alone.

Beside it stands an account that assumes nothing about the order of requests. Every request of the
task pays in `max_quality_loss`; every audited local answer takes out its loss divided by the
probability of its audit, which is on the mean what all local answers lost. Audits are drawn with
probability STRIKES / slack, slack being the balance less what chance may have hidden (Bernstein's
variance term at the contract's confidence), so the slack can be lost unseen with probability about
exp(-STRIKES), and nothing stays local while the slack would not cover one more bad answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

import numpy as np
from msgspec import Struct

from shortstop.routing.bounds import (
    STAKES,
    Floats,
    labels_for_proof,
    log_alarms,
    log_bets,
    mixed,
    mixed_rows,
    must_escalate,
)

Standing = Literal["no-evidence", "gathering", "certified", "alarm"]

SETTING_UP = 50
"""Scores that fix an attempt's thresholds before its first pair is counted."""
SHARES = np.arange(0.1, 1.001, 0.05)
PAIRS_TO_DOUBT = 8
"""Audits before the watch may speak: one bad answer is no alarm."""
STRIKES = 6.0
"""Audited losses in a row that empty the account to 1/e."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the operator asks for."""

    max_loss: float = 0.02
    confidence: float = 0.95
    audit_rate: float = 0.05
    per_answer: bool = False

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
    counted: int = 0
    wealth: list[list[float]] = []
    certified: float | None = None
    balance: float = 0.0
    spread: float = 0.0
    watch: list[float] = []
    watched: int = 0
    pairs: int = 0
    loss: float = 0.0
    square: float = 0.0
    local_error: float = 0.0
    alarms: int = 0

    # ------------------------------------------------------------ serving

    def keeps(self, score: float, promise: Promise) -> bool:
        """Whether a request with this score may stay local under the promise."""
        known = self.certified is not None and score >= self.certified
        return known and self.slack(promise) >= 1.0

    def slack(self, promise: Promise) -> float:
        """The balance less what chance may have hidden from the audits."""
        return self.balance - sqrt(2.0 * self.spread * -log(promise.delta))

    def pay_in(self, promise: Promise, *, kept: bool) -> None:
        """A request of the task was decided."""
        if kept or not promise.per_answer:
            self.balance += promise.max_loss

    def miss(self, odds: float) -> None:
        """An audited local answer could not be compared: the account is charged the most."""
        self.balance -= 1.0 / odds

    def audit_odds(self, promise: Promise) -> float:
        """With which probability a local answer is audited now."""
        return min(1.0, max(promise.audit_rate, STRIKES / max(self.slack(promise), STRIKES)))

    # ------------------------------------------------------------ learning

    def pair(
        self,
        score: float,
        loss: float,
        promise: Promise,
        *,
        odds: float = 1.0,
        weight: float = 1.0,
        audit: bool,
    ) -> None:
        """Count one pair, drawn with probability `odds`.

        `weight` is the least probability of being drawn at that time divided by this pair's.
        """
        loss = min(1.0, max(-1.0, loss))
        if audit:
            self.balance -= loss / odds
            self.spread += loss * loss * (1.0 - odds) / (odds * odds)
        self.pairs += 1
        self.loss += loss
        self.square += loss * loss
        self.local_error += max(0.0, loss)
        if self.certified is not None and (audit or not promise.per_answer):
            kept = score >= self.certified
            if kept or not promise.per_answer:
                self._watch(loss if kept else 0.0, promise, weight)
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
        gain, idle = log_bets(np.array([loss, 0.0]), promise.max_loss, weight).T
        self.counted += 1
        kept = [score >= threshold for threshold in self.thresholds]
        self.kept = [n + k for n, k in zip(self.kept, kept, strict=True)]
        rest = 0.0 if promise.per_answer else idle
        steps = np.where(np.array(kept)[:, None], gain, rest)
        self.wealth = (np.array(self.wealth) + steps).tolist()

    def _judge(self, promise: Promise) -> None:
        """Fixed sequence from strict to loose, at the attempt's own level."""
        needed = log(self.attempt * (self.attempt + 1) / promise.delta)
        found = self.certified
        evidence = mixed_rows(np.array(self.wealth)).tolist()
        for threshold, value in zip(self.thresholds, evidence, strict=True):
            if value < needed:
                break
            found = threshold if found is None else min(found, threshold)
        if found is not None and found != self.certified:
            self.certified = found
            self.alarmed = False
            self.watch, self.watched = [0.0] * len(STAKES), 0

    def _watch(self, loss: float, promise: Promise, weight: float) -> None:
        step: Floats = log_alarms(np.array([loss]), promise.max_loss, weight)[:, 0]
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
        self.counted = 0
        self.watch, self.watched = [], 0

    # ------------------------------------------------------------ reading

    @property
    def standing(self) -> Standing:
        if self.alarmed:
            return "alarm"
        if self.certified is not None:
            return "certified"
        return "gathering" if self.pairs else "no-evidence"

    def report(self, promise: Promise) -> ContractReport:
        mean = self.loss / self.pairs if self.pairs else 0.0
        square = self.square / self.pairs if self.pairs else 0.0
        mu = self.local_error / self.pairs if self.pairs else 0.0
        best = max((mixed(np.array(row)) for row in self.wealth), default=0.0)
        needed = self.attempt * (self.attempt + 1) / promise.delta
        share = 0.0
        if self.certified is not None and self.counted:
            share = self.kept[self.thresholds.index(self.certified)] / self.counted
        labels = None
        if self.certified is None:
            labels = _labels(mean, square, promise.max_loss, 1.0 / needed, self.pairs)
        return ContractReport(
            standing=self.standing,
            certified_share=share,
            threshold=self.certified,
            pairs=self.pairs,
            mean_loss=mean,
            evidence=exp(min(best, 700.0)),
            needed=needed,
            must_escalate=must_escalate(mu, promise.max_loss) if self.pairs else None,
            must_escalate_traffic=max(0.0, mu - promise.max_loss) if self.pairs else None,
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


class ContractReport(Struct, frozen=True):
    """One line of `shortstop contract`."""

    standing: Standing
    certified_share: float
    threshold: float | None
    pairs: int
    mean_loss: float
    evidence: float
    needed: float
    must_escalate: float | None
    must_escalate_traffic: float | None
    audits_needed: int | None
    alarms: int
    attempt: int
