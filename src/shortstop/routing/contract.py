"""The promise per task and its running evidence.

Statement. Let a pair be a request that both a candidate (a local model) and the reference (the
frontier) answered, chosen for pairing by a draw that does not look at the answers, and its loss the
reference's grade minus the candidate's. For a task with a certificate at score tau, letting the
candidate answer what scores tau or more loses at most `max_quality_loss` on the mean, unless an
event of probability 1 - `confidence` has happened. The mean is over the task's traffic, where what
escalates loses nothing (`scope = "traffic"`), or over what the candidate answers alone
(`scope = "answers"`). Each proof attempt spends its own part of that probability (the k-th one
1/(k(k+1))), and the evidence may be looked at after every pair. It is assumed that, within one
attempt, the mean loss given the past stays on one side of the limit. The watch over certified
traffic is there for when it does not: it bets on every pair that the loss is above the limit,
forgets a good past, and when its wealth passes 1/(1 - confidence) the traffic goes back to the
frontier and the proof starts over, from new pairs alone.

A second account assumes nothing about the order of requests. Every request of the task pays in
`max_quality_loss`; every audited local answer takes out its loss divided by the probability of its
audit, which is on the mean what all local answers lost. Audits are drawn with probability
STRIKES / slack, slack being the balance less what chance may have hidden (Bernstein's variance term
at the contract's confidence), so the slack can be lost unseen with probability about exp(-STRIKES),
and nothing stays local while the slack would not cover one more bad answer.
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

SETUP_PAIRS = 50
"""Pairs whose scores fix an attempt's thresholds; they count for nothing else."""
LOCAL_SHARES: Floats = np.arange(0.1, 1.001, 0.05)
"""Shares of the traffic, strict to loose, whose thresholds an attempt tests."""
MIN_WATCHED_PAIRS = 8
"""Pairs before the watch may withdraw a certificate: one bad answer is not an alarm."""
RECENT_RATE = 0.02
"""Least weight of the newest pair in the running mean of the losses."""
STRIKES = 6.0
"""Audited losses in a row that empty the account to 1/e."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the operator asks for.

    `max_loss` is the limit of the mean loss and `confidence` the probability with which it holds,
    both in (0, 1); `audit_rate` is the least share of local answers that are audited. `per_answer`
    takes the mean over local answers instead of over the task's traffic.
    """

    max_loss: float = 0.02
    confidence: float = 0.95
    audit_rate: float = 0.05
    per_answer: bool = False

    @property
    def delta(self) -> float:
        return 1.0 - self.confidence


class Evidence(Struct):
    """What one candidate's pairs in one task support.

    Plain lists, so that it can be saved as it is. `thresholds` are the attempt's scores from strict
    to loose; `kept` (pairs at or above each) and `wealth` (log wealth of each stake, in nats) have
    one row per threshold. `certified` is the lowest threshold proven so far. `balance` and `spread`
    are the account and its variance term. `watch` is the log wealth of the opposite bets. `recent`
    is the running mean of the losses, of about the last 50 pairs; `audited` of them were served.
    """

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
    recent: float = 0.0
    audited: int = 0

    # ------------------------------------------------------------ serving

    def keeps(self, score: float, promise: Promise) -> bool:
        """Whether a request with this score may stay local under the promise."""
        proven = self.certified is not None and score >= self.certified
        return proven and self.slack(promise) >= 1.0

    def slack(self, promise: Promise) -> float:
        """The balance less what chance may have hidden from the audits, in units of loss."""
        return self.balance - sqrt(2.0 * self.spread * -log(promise.delta))

    def credit(self, promise: Promise, *, kept: bool) -> None:
        """Pay in for one decided request of the task; `kept`: the local answer is served."""
        if kept or not promise.per_answer:
            self.balance += promise.max_loss

    def miss(self, odds: float) -> None:
        """Charge the largest loss for an audit, drawn with probability `odds`, that was lost."""
        self.balance -= 1.0 / odds

    def audit_odds(self, promise: Promise) -> float:
        """The probability, in (0, 1], with which a local answer is audited now."""
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
        """Count one pair, drawn with probability `odds`; `audit`: the local answer was served.

        `weight` is the least probability of being drawn at that time divided by this pair's.
        """
        loss = min(1.0, max(-1.0, loss))
        if audit:
            self.audited += 1
            self.balance -= loss / odds
            self.spread += loss * loss * (1.0 - odds) / (odds * odds)
        self.pairs += 1
        self.recent += (loss - self.recent) * max(RECENT_RATE, 1.0 / self.pairs)
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
        if len(self.scores) < SETUP_PAIRS:
            return
        ordered = np.sort(np.array(self.scores))[::-1]
        places = np.minimum((LOCAL_SHARES * len(ordered)).astype(int), len(ordered) - 1)
        self.thresholds = sorted({float(score) for score in ordered[places]}, reverse=True)
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
        lowest = self.certified
        evidence = mixed_rows(np.array(self.wealth)).tolist()
        for threshold, value in zip(self.thresholds, evidence, strict=True):
            if value < needed:
                break
            lowest = threshold if lowest is None else min(lowest, threshold)
        if lowest is not None and lowest != self.certified:
            self.certified = lowest
            self.alarmed = False
            self.watch, self.watched = [0.0] * len(STAKES), 0

    def _watch(self, loss: float, promise: Promise, weight: float) -> None:
        step: Floats = log_alarms(np.array([loss]), promise.max_loss, weight)[:, 0]
        self.watch = [max(w, 0.0) + s for w, s in zip(self.watch, step.tolist(), strict=True)]
        self.watched += 1
        doubt = mixed(np.array(self.watch))
        if self.watched >= MIN_WATCHED_PAIRS and doubt >= -log(promise.delta):
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
    if pairs < SETUP_PAIRS:
        mean, square = 0.0, 0.0
    needed = labels_for_proof(mean, square, alpha, delta)
    if needed == float("inf"):
        return None
    return max(1, round(needed) - max(0, pairs - SETUP_PAIRS))


class ContractReport(Struct, frozen=True):
    """One line of `shortstop contract`.

    `certified_share` is the share of the attempt's pairs at or above `threshold`. `evidence` is the
    best wealth, which proves from `needed` on. `must_escalate` is the least share that has to be
    escalated for the mean over local answers, `must_escalate_traffic` for the mean over traffic.
    """

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
