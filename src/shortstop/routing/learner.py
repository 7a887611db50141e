"""How outcomes come home: pairs, grades, and what clients do next. Each counts once."""

from __future__ import annotations

import numpy as np

from shortstop.routing.contract import Evidence
from shortstop.routing.features import PromptFeatures
from shortstop.routing.graders import grade
from shortstop.routing.learning import Feedback, Pair
from shortstop.routing.model import Head, Projection, project
from shortstop.routing.policies import TaskPolicies
from shortstop.routing.prior import Prior
from shortstop.routing.scorer import NO_MARKS, AnswerScorer, Vector, answer_features
from shortstop.routing.state import Costs, Pending, State
from shortstop.types import Attempt, Message, Signals, ToolResult, Trace

OUTSIDE = ("judge", "human")
"""Graders that answer beside the frontier's answer, not by comparing with it."""
RETRY_SECONDS = 300.0
"""Within which the same words from the same tenant say that the answer was no good."""
AGAIN = 2
"""Asked more often than that within the time, it is a program that repeats itself."""


class Learner:
    """Everything the brain learns from. Owns no state: it teaches `state`."""

    def __init__(self, state: State, terms: TaskPolicies, prior: Prior) -> None:
        self._state = state
        self._terms = terms
        self._prior = prior
        assert state.index is not None
        self._index = state.index

    # ------------------------------------------------------------ what happened

    def observe(self, trace: Trace) -> None:
        """Learn from a finished request. Cheap: runs on the street."""
        for attempt in trace.attempts:
            if attempt.outcome in ("ok", "rejected"):
                cost = self._state.costs.setdefault(self._terms.key(attempt.target), Costs())
                cost.add(attempt.seconds, _usd(trace, attempt))
        if trace.conversation and trace.target and trace.outcome == "ok":
            dialogue = f"{trace.tenant}/{trace.conversation}"
            self._state.record_turn(dialogue, trace.target, trace.id)
        pending = self._state.pending.get(trace.id)
        if pending is None or trace.decision is None:
            return
        if trace.target and trace.outcome == "ok":
            pending.answered = trace.target
            self._asked_again(trace)
        for attempt in trace.attempts:
            failed = not all(check.passed for check in attempt.checks)
            if attempt.target == pending.local and failed:
                self._grade(pending, pending.local, 0.0, "implicit")

    def _asked_again(self, trace: Trace) -> None:
        """The same question soon after its answer: a person was not content with it."""
        earlier = self._state.note_repeat(f"{trace.tenant}/{trace.digest}", trace.id, trace.at)
        if earlier is None or earlier.times > AGAIN or trace.at - earlier.at > RETRY_SECONDS:
            return
        self._implicit(earlier.request_id)

    def tool_failed(self, dialogue: str, messages: tuple[Message, ...]) -> None:
        """A client reports that the call which the last answer made has failed."""
        last = messages[-1].parts if messages else ()
        if any(isinstance(part, ToolResult) and part.is_error for part in last):
            self._implicit(self._state.last_in(dialogue))

    def _implicit(self, request_id: str) -> None:
        pending = self._state.pending.get(request_id)
        if pending is not None and pending.answered:
            self._grade(pending, pending.answered, 0.0, "implicit")

    # ------------------------------------------------------------ pairs

    def pair(self, pair: Pair, signals: Signals | None = None) -> bool:
        """Both answers to one request were compared.

        False: unknown, counted already, or the task's answers are for somebody else to grade.
        """
        pending = self._state.pending.get(pair.request_id)
        if pending is None:
            return False
        wanted = self._terms.grader(pending.task)
        if wanted in OUTSIDE and wanted != pair.source:
            return False
        return self._count(pair, pending, signals)

    def lost(self, request_id: str) -> bool:
        """The other side of a drawn pair gave nothing to compare with.

        Nobody knows what an audited local answer lost then, so the account is charged the most.
        """
        pending = self._state.pending.get(request_id)
        if pending is None or not (pending.shadowed and pending.audit) or "pair" in pending.heard:
            return False
        pending.heard.append("pair")
        evidence = self._state.evidence.get(_name(pending.task, self._terms.key(pending.local)))
        if evidence is not None:
            evidence.miss(pending.inclusion)
        return True

    def _count(self, pair: Pair, pending: Pending, signals: Signals | None) -> bool:
        if "pair" in pending.heard or pending.local not in self._terms.targets:
            return False
        pending.heard.append("pair")
        key = self._terms.key(pending.local)
        at, seen = self._projection(pending)
        gap = pair.frontier - pair.local
        self._index.add(seen)
        head = self._state.gaps.get(key)
        if head is None:
            head = self._state.gaps[key] = self._prior.fresh_gap(self._state.landmarks)
        head.learn(at, pending.task, gap, self._index)
        if signals is not None:
            self._train_scorer(key, pending, signals, pair, gap)
        if pending.shadowed:
            self._add_evidence(pending, key, gap)
        return True

    def _train_scorer(
        self, key: str, pending: Pending, signals: Signals, pair: Pair, gap: float
    ) -> None:
        marks: Vector = np.array(pair.marks, np.float32) if pair.marks else NO_MARKS
        gate = self._state.gates.setdefault(key, AnswerScorer())
        gate.learn(pending.score, answer_features(pending.score, signals, marks), 1.0 - gap)

    def _add_evidence(self, pending: Pending, key: str, gap: float) -> None:
        """Only pairs drawn with known odds are evidence."""
        promise = self._terms.promise(pending.task)
        evidence = self._state.evidence.setdefault(_name(pending.task, key), Evidence())
        odds = least = pending.inclusion
        rate = self._terms.config.routing.shadow_rate
        if evidence.certified is not None:
            least = min(odds, evidence.audit_odds(promise), rate)
        weight = least / odds if least > 0 else 1.0
        evidence.pair(pending.score, gap, promise, odds=odds, weight=weight, audit=pending.audit)
        promised = self._terms.overall
        least = min(odds, promised.audit_rate, rate or 1.0)
        loss = gap if pending.audit else None
        self._state.overall.pair(loss, promised, weight=least / odds if odds > 0 else 1.0)

    # ------------------------------------------------------------ grades

    def feedback(self, said: Feedback) -> bool:
        """A grade from outside. False: the request is unknown, or this source has spoken.

        It moves the estimates. It is no evidence for the contract, for who speaks up is no fair
        draw; except where the task's grader is this source and the request was drawn for pairing.
        """
        pending = self._state.pending.get(said.request_id)
        quality = _quality(said)
        if pending is None or quality is None or said.tenant not in (None, pending.tenant):
            return False
        named = said.target or pending.local
        drawn = pending.shadowed and named == pending.local
        wanted = self._terms.grader(pending.task)
        if drawn and said.source in OUTSIDE and said.source == wanted:
            return self._count(Pair(said.request_id, quality), pending, None)
        return self._grade(pending, named, quality, said.source)

    def _grade(self, pending: Pending, target: str, quality: float, source: str) -> bool:
        mark = f"{source}:{target}"
        if mark in pending.heard or target not in self._terms.targets:
            return False
        pending.heard.append(mark)
        at, _ = self._projection(pending)
        key = self._terms.key(target)
        head = self._state.heads.get(key)
        if head is None:
            head = self._state.heads[key] = Head(self._state.landmarks)
        head.learn(at, pending.task, quality, self._index)
        return True

    def _projection(self, pending: Pending) -> tuple[Projection, PromptFeatures]:
        """What was seen of a request when it was decided."""
        seen = PromptFeatures(
            np.frombuffer(pending.grams, np.int64),
            np.frombuffer(pending.counts, np.float32),
            np.frombuffer(pending.dense, np.float32),
        )
        return project(seen, self._index), seen


def _name(task: str, key: str) -> str:
    return f"{task}|{key}"


def _usd(trace: Trace, attempt: Attempt) -> float | None:
    if trace.bill is None:
        return None
    calls = [a for a in trace.attempts if a.local == attempt.local]
    whole = trace.bill.cost_local if attempt.local else trace.bill.cost_remote
    return None if whole is None else float(whole) / len(calls)


def _quality(said: Feedback) -> float | None:
    if said.score is not None:
        return min(1.0, max(0.0, said.score))
    if said.label is not None:
        return float(said.label)
    if said.correction is not None:
        return grade(None, said.answer or "", said.correction)
    return None
