"""How outcomes come back: pairs, grades, and what clients do next. Each counts once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from shortstop.routing.features import PromptFeatures
from shortstop.routing.graders import grade
from shortstop.routing.learning import Feedback, Pair, PairSource, Subject
from shortstop.routing.lengths import served_tokens
from shortstop.routing.model import Head, Projection, PromptIndex, project
from shortstop.routing.overall import Overall
from shortstop.routing.pairing import pair_weight
from shortstop.routing.policies import EVERYBODY, TaskPolicies, evidence_name, task_name
from shortstop.routing.prior import Prior
from shortstop.routing.scorer import NO_MARKS, Vector, answer_features
from shortstop.routing.state import Candidate, Costs, PendingOutcome, State
from shortstop.routing.sticky import dialogue, run_thread
from shortstop.types import Attempt, Caller, Reach, Request, Signals, ToolResult, Trace

OUTSIDE: Mapping[str, PairSource] = {"judge": "judge", "human": "reviewer"}
"""The source of the grades, by the name of a grader that does not compare with the reference's
answer (`[tasks.NAME] grader`)."""
RETRY_SECONDS = 300.0
"""Seconds within which the same words from the same tenant mean that the answer was not good."""
MAX_RETRIES = 2
"""A question that was asked more often within that time comes from a program that repeats it."""
PAIRED = "pair:"


class Learner:
    """Everything the router learns from. Owns no state: it teaches `state`.

    `index` is the state's. Raises nothing: what cannot be learned from is not counted.
    """

    def __init__(
        self, state: State, index: PromptIndex, policies: TaskPolicies, prior: Prior
    ) -> None:
        self._state = state
        self._index = index
        self._policies = policies
        self._prior = prior

    # ------------------------------------------------------------ what happened

    def observe(self, trace: Trace) -> None:
        """Learn from a finished request. Cheap: runs on the street."""
        for attempt in trace.attempts:
            late = attempt.usage is not None and attempt.usage.batched
            if attempt.outcome in ("ok", "rejected") and not late:
                cost = self._state.costs.setdefault(self._policies.key(attempt.target), Costs())
                cost.add(attempt.seconds, _usd(trace, attempt))
        if trace.target and trace.outcome == "ok":
            for name in _dialogues(trace):
                self._state.record_turn(name, trace.target, trace.id)
        if trace.decision is not None and (tokens := served_tokens(trace)):
            self._note_length(trace, trace.decision.task, tokens)
        pending = self._state.pending.get(trace.id)
        if pending is None or trace.decision is None:
            return
        if trace.target and trace.outcome == "ok":
            pending.answered = trace.target
            self._credit_answer(pending)
            self._asked_again(trace)
        for attempt in trace.attempts:
            failed = not all(check.passed for check in attempt.checks)
            if failed and pending.candidate(attempt.target) is not None:
                self._grade(pending, attempt.target, 0.0, "client")

    def _note_length(self, trace: Trace, task: str, tokens: int) -> None:
        """Nothing of a pinned request is kept."""
        if trace.clearance.reach < Reach.LOCAL_ONLY:
            owner = self._policies.owner(task, trace.tenant)
            self._state.note_length(task_name(owner, task), tokens)

    def _asked_again(self, trace: Trace) -> None:
        """The same question soon after its answer: the answer did not satisfy."""
        earlier = self._state.note_repeat(f"{trace.tenant}/{trace.digest}", trace.id, trace.at)
        if earlier is None or earlier.times > MAX_RETRIES:
            return
        if trace.at - earlier.at <= RETRY_SECONDS:
            self._implicit(earlier.request_id)

    def _credit_answer(self, pending: PendingOutcome) -> None:
        """Where the promise is about local answers alone, each pays into its own account."""
        promise = self._policies.promise(pending.task)
        answered = pending.candidate(pending.answered)
        if promise.per_answer and answered is not None and answered.audit:
            self._credit(pending, answered.target, kept=True)

    def _credit(self, pending: PendingOutcome, target: str, *, kept: bool) -> None:
        name = evidence_name(pending.task, self._policies.key(target))
        evidence = self._state.evidence_of(self._owner(pending), name)
        if evidence is not None:
            evidence.credit(self._policies.promise(pending.task), kept=kept)

    def adopt(self, request_id: str, pending: PendingOutcome) -> bool:
        """Take a decision of another worker over; False where it is known or says nothing here."""
        pending.candidates = [c for c in pending.candidates if c.target in self._policies.targets]
        if request_id in self._state.pending or not pending.candidates:
            return False
        self._state.remember(request_id, pending)
        if pending.credited:
            self._credit(pending, pending.credited, kept=False)
        return True

    def tool_failed(self, request: Request, caller: Caller) -> None:
        """Where a client reports that the tool which the last answer called has failed, count it
        against that answer."""
        last = request.messages[-1].parts if request.messages else ()
        if any(isinstance(part, ToolResult) and part.is_error for part in last):
            self._implicit(self._state.last_in(dialogue(request, caller)))

    def _implicit(self, request_id: str) -> None:
        pending = self._state.pending.get(request_id)
        if pending is not None and pending.answered:
            self._grade(pending, pending.answered, 0.0, "client")

    # ------------------------------------------------------------ pairs

    def pair(self, pair: Pair, signals: Signals | None = None) -> bool:
        """Learn from a comparison; `signals` are the candidate's.

        False: the request is unknown, the pair was counted before, the reference is not a remote
        target, or the task's answers are for another source to grade.
        """
        pending = self._state.pending.get(pair.trace)
        reference = self._policies.targets.get(pair.reference)
        if pending is None or reference is None or reference.local:
            return False
        candidate = pending.candidate(pair.candidate)
        wanted = OUTSIDE.get(self._policies.grader(pending.task) or "")
        if candidate is None or wanted not in (None, pair.source):
            return False
        return self._count(pending, candidate, pair, signals)

    def lost(self, request_id: str, candidate: str) -> bool:
        """A drawn pair gave nothing to compare; False where that changes nothing.

        What an audited local answer lost is not known then, so its account is charged the most.
        """
        pending = self._state.pending.get(request_id)
        one = pending.candidate(candidate) if pending is not None else None
        if pending is None or one is None or not (one.drawn and one.audit):
            return False
        if not _first(pending, PAIRED + candidate):
            return False
        name = evidence_name(pending.task, self._policies.key(candidate))
        evidence = self._state.evidence_of(self._owner(pending), name)
        if evidence is not None:
            evidence.miss(one.inclusion)
        return True

    def _owner(self, pending: PendingOutcome) -> str:
        return self._policies.owner(pending.task, pending.tenant)

    def _count(
        self, pending: PendingOutcome, candidate: Candidate, pair: Pair, signals: Signals | None
    ) -> bool:
        target = candidate.target
        repeated = any(mark.startswith(PAIRED) for mark in pending.heard)
        if target not in self._policies.targets or not _first(pending, PAIRED + target):
            return False
        key = self._policies.key(target)
        prompt, features = self._projection(pending)
        if not repeated:
            self._index.add(features)
        if self._policies.targets[target].specialist is None:
            self._learn_gap(pending, key, prompt, pair.gap)
            if signals is not None:
                self._train_scorer(pending, candidate, signals, pair)
        if candidate.drawn:
            self._add_evidence(pending, candidate, key, pair.gap)
        return True

    def _learn_gap(self, pending: PendingOutcome, key: str, prompt: Projection, gap: float) -> None:
        """Of general models only: a specialist's gate tells its requests apart."""
        head = self._state.gaps.get(key)
        if head is None:
            head = self._state.gaps[key] = self._prior.fresh_gap(self._state.landmarks)
        task = task_name(self._owner(pending), pending.task)
        head.learn(prompt, task, gap, self._index)

    def _train_scorer(
        self, pending: PendingOutcome, candidate: Candidate, signals: Signals, pair: Pair
    ) -> None:
        marks: Vector = np.array(pair.marks, np.float32) if pair.marks else NO_MARKS
        task = task_name(self._owner(pending), pending.task)
        scorer = self._state.scorers_for(self._policies.key(candidate.target), task)
        features = answer_features(candidate.score, signals, marks)
        scorer.learn(candidate.score, features, 1.0 - pair.gap)

    def _add_evidence(
        self, pending: PendingOutcome, candidate: Candidate, key: str, gap: float
    ) -> None:
        """Only pairs drawn with known odds are evidence."""
        promise = self._policies.promise(pending.task)
        name = evidence_name(pending.task, key)
        evidence = self._state.evidence_for(self._owner(pending), name)
        odds, rate = candidate.inclusion, self._policies.config.routing.shadow_rate
        weight = pair_weight(evidence, promise, rate, odds)
        evidence.pair(
            candidate.score, gap, promise, odds=odds, weight=weight, audit=candidate.audit
        )
        if candidate.shadow or not (candidate.audit or candidate is pending.unserved):
            return
        promised = self._policies.overall
        least = min(odds, promised.audit_rate, rate or 1.0)
        loss = gap if candidate.audit else None
        owner = self._policies.overall_owner(pending.tenant)
        overall = self._state.overall.setdefault(owner, Overall())
        overall.pair(loss, promised, weight=least / odds if odds > 0 else 1.0)

    # ------------------------------------------------------------ grades

    def feedback(self, feedback: Feedback) -> Subject | None:
        """Learn from a grade from outside.

        Returns what it is about; None where it does not count: the request is unknown, another
        tenant's, or graded by this source before, or the feedback says nothing.

        It moves the estimates. It is not evidence for the contract, for whoever gives feedback is
        not a fair draw; except where the task's grader is this source and the request was drawn for
        pairing.
        """
        pending = self._state.pending.get(feedback.request_id)
        quality = _quality(feedback)
        if pending is None or quality is None or feedback.tenant not in (None, pending.tenant):
            return None
        target = feedback.target or pending.subject
        candidate = pending.candidate(target)
        awaited = OUTSIDE.get(self._policies.grader(pending.task) or "")
        if awaited == feedback.source and candidate is not None and candidate.drawn:
            pair = Pair(feedback.request_id, "", target, quality, source=awaited)
            counted = self._count(pending, candidate, pair, None)
        else:
            counted = self._grade(pending, target, quality, feedback.source)
        return Subject(target, pending.tenant) if counted else None

    def _grade(self, pending: PendingOutcome, target: str, quality: float, source: str) -> bool:
        if target not in self._policies.targets or not _first(pending, f"{source}:{target}"):
            return False
        prompt, _ = self._projection(pending)
        key = self._policies.key(target)
        head = self._state.heads.get(key)
        if head is None:
            head = self._state.heads[key] = Head(self._state.landmarks)
        owner = self._owner(pending)
        task = task_name(owner, pending.task)
        if owner == EVERYBODY or head.hears(owner):
            head.learn(prompt, task, quality, self._index)
        else:
            head.learn_task(prompt, task, quality)
        return True

    def _projection(self, pending: PendingOutcome) -> tuple[Projection, PromptFeatures]:
        """What was seen of a request when it was decided."""
        features = PromptFeatures(
            np.frombuffer(pending.grams, np.int64),
            np.frombuffer(pending.counts, np.float32),
            np.frombuffer(pending.dense, np.float32),
        )
        return project(features, self._index), features


def _dialogues(trace: Trace) -> Iterator[str]:
    """What the request belongs to, by the names of `sticky.dialogue`."""
    if trace.conversation:
        yield f"{trace.tenant}/{trace.conversation}"
    if trace.run:
        yield run_thread(trace.tenant, trace.run)


def _first(pending: PendingOutcome, mark: str) -> bool:
    """Whether an outcome arrives for the first time; it has by now."""
    if mark in pending.heard:
        return False
    pending.heard.append(mark)
    return True


def _usd(trace: Trace, attempt: Attempt) -> float | None:
    """The attempt's share of the bill, evenly among the calls of its side."""
    if trace.bill is None:
        return None
    calls = [a for a in trace.attempts if a.local == attempt.local]
    whole = trace.bill.cost_local if attempt.local else trace.bill.cost_remote
    return None if whole is None else float(whole) / len(calls)


def _quality(feedback: Feedback) -> float | None:
    if feedback.score is not None:
        return min(1.0, max(0.0, feedback.score))
    if feedback.label is not None:
        return float(feedback.label)
    if feedback.correction is not None:
        return grade(None, feedback.answer or "", feedback.correction)
    return None
