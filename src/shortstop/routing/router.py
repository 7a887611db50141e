"""The decision: hard constraints, task, value of asking, contract, exploration. In this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from shortstop.config import Config, TaskConfig
from shortstop.routing.chance import draw
from shortstop.routing.clusters import PREFIX
from shortstop.routing.constraints import Field, eligible, tokens
from shortstop.routing.contract import SETUP_PAIRS, ContractReport, Evidence
from shortstop.routing.expected_cost import Option, PricedChoice, QualityPrice, choose
from shortstop.routing.features import PromptFeatures, prompt_features, prompt_text
from shortstop.routing.learner import Learner
from shortstop.routing.learning import Feedback, Pair
from shortstop.routing.model import Projection, project
from shortstop.routing.overall import OverallReport
from shortstop.routing.policies import TaskPolicies, key_of
from shortstop.routing.prior import Prior, blank
from shortstop.routing.scorer import answer_features, text_marks
from shortstop.routing.state import Costs, Pending, State
from shortstop.routing.task import OPEN, task_of
from shortstop.types import (
    Caller,
    Clearance,
    Decision,
    Look,
    Message,
    Request,
    Signals,
    Target,
    Thinking,
    ToolResult,
    Trace,
)

ROUTER = "brain-3"
KNOWN_PAIRS = 20
"""Pairs of a local model in a task, or near a prompt, before its estimates are believed."""
KERNEL_KNOWN = 0.6
"""Kernel with the nearest landmark below which a prompt of no known task is unknown territory."""
SLACK = 0.05
DOUBT = 0.15
"""Distance of the expected quality from the threshold within which a second answer may turn it."""
LOGPROB_FLOOR = -2.5
UNKNOWN_USD = {True: 0.00005, False: 0.005}
UNKNOWN_SECONDS = {True: 1.0, False: 2.0}
COLD_CACHE_TOKENS = 2000
"""Tokens in a conversation beyond which leaving its model must pay for itself."""


class _Estimate(NamedTuple):
    """One local model on one request."""

    target: Target
    key: str
    gap: float
    known: bool
    evidence: Evidence

    @property
    def score(self) -> float:
        return min(1.0, max(0.0, 1.0 - self.gap))


class _Ruling(NamedTuple):
    """Before exploration: who goes first, with which threshold, and why."""

    local_first: bool
    threshold: float
    reasons: tuple[str, ...]
    explorable: bool = False
    verify: bool = True
    only: tuple[str, ...] = ()


class LearnedRouter:
    """Implements ports.Router and ports.Learner. Not shared between threads."""

    def __init__(
        self,
        targets: Mapping[str, Target],
        config: Config,
        state: State | None = None,
        prior: Prior | None = None,
    ) -> None:
        self._terms = TaskPolicies(targets, config)
        self._targets = self._terms.targets
        self._config = config
        self._prior = prior or blank()
        self.state = state or State(config.routing.seed, config.routing.landmarks)
        self._index = self.state.prepare(self._prior)
        if self._index.places.shape[1] != self._prior.width:
            self.state = State(config.routing.seed, config.routing.landmarks)
            self._index = self.state.prepare(self._prior)
        self._school = Learner(self.state, self._terms, self._prior)

    def snapshot(self) -> bytes:
        return self.state.snapshot()

    # ------------------------------------------------------------ deciding

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """Choose. Raises a RequestError when no configured target can serve the request."""
        field = eligible(request, clearance, caller, self._targets)
        task, declared = self._task(request, caller)
        self.state.decided += 1
        if field.explicit:
            return self._obeyed(field, task)
        self._school.tool_failed(_dialogue(request, caller), request.messages)
        seen = prompt_features(prompt_text(request), self._prior.embedder)
        at = project(seen, self._index)
        if task == OPEN:
            task = self._kind(seen, note=not field.pinned) or OPEN
        estimates = [self._estimate(t, at, task) for t in field.local]
        if len(estimates) > 1:
            estimates.sort(key=lambda e: self._rank(e, field))
        remote = self._remote(field)
        verdict = self._fixed(field, declared, request, caller, estimates, remote)
        if verdict is None:
            verdict = self._weighed(task, estimates, field, request, caller)
        verdict, odds, explored = self._explored(verdict)
        local = tuple([e.target.name for e in estimates])
        plan = verdict.only or (local + remote if verdict.local_first else remote + local)
        shadow = None
        # Nothing of a pinned request is kept, not even its hashes.
        if estimates and not field.pinned:
            compared = _compared(estimates, plan[0], self._targets[plan[0]].local)
            pending = _pending(task, compared, seen, caller)
            self.state.remember(request.id, pending)
            if remote:
                shadow = self._paired(pending, compared, plan[0], remote[0])
        return Decision(
            plan=plan,
            task=task,
            score=estimates[0].score if estimates else 0.0,
            threshold=verdict.threshold,
            propensity=odds,
            router=ROUTER,
            reasons=(*verdict.reasons, "audit") if shadow in remote else verdict.reasons,
            verify=verdict.verify,
            explored=explored,
            shadow=shadow,
        )

    def _obeyed(self, field: Field, task: str) -> Decision:
        """The client named its model: nothing is estimated, nothing is learned."""
        local = tuple(t.name for t in field.local)
        return Decision(
            plan=local + self._remote(field),
            task=task,
            score=0.0,
            threshold=0.0,
            propensity=1.0,
            router=ROUTER,
            reasons=("pinned" if field.pinned else "explicit-model",),
            verify=False,
        )

    def _task(self, request: Request, caller: Caller) -> tuple[str, TaskConfig]:
        for name, config in self._config.tasks.items():
            if caller.task == name:
                return name, config
        if caller.task is None and self._config.tasks:
            system = "\n".join(
                m.text for m in request.messages if m.role in ("system", "developer")
            )
            for name, config in self._config.tasks.items():
                if config.match is not None and config.match in system:
                    return name, config
        return task_of(request, caller), TaskConfig()

    def _kind(self, seen: PromptFeatures, *, note: bool) -> str | None:
        """The task that a free request belongs to, as far as its like has been met often enough."""
        assert self.state.kinds is not None
        place = seen.dense[: self._prior.embedder.width]
        return self.state.kinds.add(place) if note else self.state.kinds.find(place)

    def _remote(self, field: Field) -> tuple[str, ...]:
        """The frontier first; the others stand behind it for when it fails."""
        return tuple(
            sorted((t.name for t in field.remote), key=lambda n: n != self._config.routing.frontier)
        )

    def _fixed(
        self,
        field: Field,
        declared: TaskConfig,
        request: Request,
        caller: Caller,
        estimates: list[_Estimate],
        remote: tuple[str, ...],
    ) -> _Ruling | None:
        """What is decided without weighing anything."""
        least = self._config.routing.min_score
        if not remote:
            return _Ruling(True, least, ("pinned" if field.pinned else "no-frontier",))
        if not estimates:
            return _Ruling(False, least, ("no-local",))
        if declared.route != "auto":
            return _Ruling(declared.route == "local", least, ("task-rule",), verify=False)
        return self._bound(field, request, caller, remote)

    def _bound(
        self, field: Field, request: Request, caller: Caller, remote: tuple[str, ...]
    ) -> _Ruling | None:
        """Signed thinking and open tool calls belong to the model that made them, and to no other.

        Where that model is not known, a signature is at least no local one.
        """
        least = self._config.routing.min_score
        signed = any(
            isinstance(p, Thinking) and (p.signature or p.redacted)
            for m in request.messages
            for p in m.parts
        )
        if not (signed or _in_tool_loop(request.messages)):
            return None
        maker = self.state.conversations.get(_dialogue(request, caller), "")
        known = next((t for t in field.targets if t.name == maker), None)
        if known is not None:
            return _Ruling(known.local, least, ("sticky",), verify=False, only=(maker,))
        return _Ruling(False, least, ("sticky",), only=remote) if signed else None

    def _weighed(
        self,
        task: str,
        estimates: list[_Estimate],
        field: Field,
        request: Request,
        caller: Caller,
    ) -> _Ruling:
        best = estimates[0]
        evidence = best.evidence
        least = self._config.routing.min_score
        if evidence.standing == "alarm":
            return _Ruling(False, 1.0, ("alarm",))
        if evidence.certified is not None:
            tau = evidence.certified
            local = evidence.keeps(best.score, self._terms.promise(task))
            stay = self._stays(request, caller, best.score - tau)
            if stay is not None and (stay is False or local):
                return _Ruling(stay, tau, ("contract", "sticky"), explorable=False)
            return _Ruling(local, tau, ("contract",), explorable=local)
        if self._terms.contract(task).uncertified == "escalate":
            return _Ruling(False, 1.0, ("uncertified",))
        if self.state.overall.standing == "alarm":
            return _Ruling(False, 1.0, ("overall-alarm",))
        if not best.known:
            why = "cold-start" if not evidence.pairs else "out-of-domain"
            return _Ruling(False, least, (why,))
        stay = self._stays(request, caller, best.score - least)
        if stay is not None:
            return _Ruling(stay, least, ("estimate", "sticky"))
        choice = self._choice(best, field)
        local = best.score >= least and choice.way != "ask-frontier"
        return _Ruling(local, least, ("estimate",), explorable=True)

    def _stays(self, request: Request, caller: Caller, margin: float) -> bool | None:
        """Whether a conversation under way stays local (True), remote (False), or is free (None).

        From local to the frontier only quality decides. Back to local it must be clearly good:
        the longer the conversation, the more of the frontier's cache a switch throws away.
        """
        if len(request.messages) < 3:
            return None
        known = self._targets.get(self.state.conversations.get(_dialogue(request, caller), ""))
        if known is None:
            return None
        if known.local:
            return True if margin >= 0 else None
        wanted = min(0.3, 0.1 * tokens(request) / COLD_CACHE_TOKENS)
        return False if margin < wanted else None

    def _rank(self, estimate: _Estimate, field: Field) -> tuple[bool, bool, bool, float, float]:
        """Of several local models: the preferred one, those under a certificate, those believed
        good enough by what they cost, the others by how good they are."""
        routing = self._config.routing
        good = estimate.known and estimate.score >= routing.min_score and bool(field.remote)
        return (
            estimate.target.name != routing.local,
            estimate.evidence.certified is None,
            not good,
            self._choice(estimate, field).cost if good else 0.0,
            estimate.gap,
        )

    def _choice(self, estimate: _Estimate, field: Field) -> PricedChoice:
        routing = self._config.routing
        return choose(
            [self._option(estimate.target, estimate.gap)],
            [self._option(t, 0.0) for t in field.remote],
            QualityPrice(routing.usd_per_point, routing.usd_per_second),
        )

    def _option(self, target: Target, gap: float) -> Option:
        cost = self.state.costs.get(key_of(target), Costs())
        usd = self._config.routing.usd_per_call.get(target.name, cost.usd)
        return Option(
            target.name,
            gap,
            UNKNOWN_USD[target.local] if usd is None else usd,
            UNKNOWN_SECONDS[target.local] if cost.seconds is None else cost.seconds,
        )

    def _explored(self, verdict: _Ruling) -> tuple[_Ruling, float, bool]:
        epsilon = self._config.routing.exploration
        if not verdict.explorable or epsilon <= 0:
            return verdict, 1.0, False
        if self._draw() >= epsilon:
            return verdict, 1.0 - epsilon, False
        reasons = (*verdict.reasons, "exploration")
        other = _Ruling(not verdict.local_first, verdict.threshold, reasons)
        return other, epsilon, True

    def _paired(self, pending: Pending, best: _Estimate, first: str, remote: str) -> str | None:
        """Who answers too, unseen, if anybody: shadow runs and audits, drawn blindly."""
        local_first = self._targets[first].local
        odds = self._pair_odds(pending.task, best.evidence, local_first)
        pending.audit = local_first
        pending.inclusion = odds
        if odds <= 0 or self._draw() >= odds:
            return None
        pending.shadowed = True
        return remote if local_first else best.target.name

    def apply_remote_decision(self, request_id: str, pending: Pending) -> None:
        """A decision that another worker of this machine made. Hearing it twice changes nothing."""
        if request_id in self.state.pending or pending.local not in self._targets:
            return
        self.state.remember(request_id, pending)
        if pending.task.startswith(PREFIX) and self.state.kinds is not None:
            dense = np.frombuffer(pending.dense, np.float32)
            self.state.kinds.add(dense[: self._prior.embedder.width])
        key = self._terms.key(pending.local)
        evidence = self.state.evidence.get(f"{pending.task}|{key}")
        if evidence is not None:
            evidence.credit(self._terms.promise(pending.task), kept=pending.audit)

    def _pair_odds(self, task: str, evidence: Evidence, local_first: bool) -> float:
        promise = self._terms.promise(task)
        evidence.credit(promise, kept=local_first)
        if local_first:
            return evidence.audit_odds(promise)
        rate = self._config.routing.shadow_rate
        return 1.0 if evidence.pairs < SETUP_PAIRS and rate > 0 else rate

    # ------------------------------------------------------------ the second look

    def accept(self, look: Look) -> bool:
        """Whether a local answer is good enough to be kept."""
        after = self._after(look)
        if after is None:
            p10 = look.signals.logprob_p10
            return p10 is None or p10 >= LOGPROB_FLOOR
        return after >= _least(look.decision)

    def doubts(self, look: Look) -> bool:
        """Whether a second local answer is worth its price: where it could turn the verdict."""
        if not self._config.routing.second_answer or look.signals.agreement is not None:
            return False
        after = self._after(look)
        return after is not None and abs(after - _least(look.decision)) <= DOUBT

    def _after(self, look: Look) -> float | None:
        """The expected quality after the look; None while the scorer has seen too few answers."""
        scorer = self.state.gates.get(key_of(self._targets[look.target]))
        if scorer is None or scorer.rows < KNOWN_PAIRS:
            return None
        expected = look.decision.score
        marks = text_marks(look.text, len(prompt_text(look.request)))
        return scorer.expect(expected, answer_features(expected, look.signals, marks))

    # ------------------------------------------------------------ learning (see `school`)

    def observe(self, trace: Trace) -> None:
        self._school.observe(trace)

    def pair(self, pair: Pair, signals: Signals | None = None) -> bool:
        return self._school.pair(pair, signals)

    def lost(self, request_id: str) -> bool:
        return self._school.lost(request_id)

    def feedback(self, said: Feedback) -> bool:
        return self._school.feedback(said)

    # ------------------------------------------------------------ reading

    def contracts(self) -> dict[str, ContractReport]:
        """By `task|target=model`: what is promised and how well it is supported."""
        return {
            name: evidence.report(self._terms.promise(name.split("|")[0]))
            for name, evidence in sorted(self.state.evidence.items())
        }

    def overall(self) -> OverallReport:
        """The same for all tasks together."""
        return self.state.overall.report(self._terms.overall)

    def grader(self, task: str) -> str | None:
        """How answers of the task are compared; None: by the reference's shape."""
        return self._terms.grader(task)

    # ------------------------------------------------------------ parts

    def _estimate(self, target: Target, at: Projection, task: str) -> _Estimate:
        key = key_of(target)
        head = self.state.gaps.get(key)
        evidence = self._evidence(task, key)
        if head is None:
            return _Estimate(target, key, 0.5, False, evidence)
        gap = head.expect(at, task)
        own = self.state.heads.get(key)
        if own is not None:
            # Grades from outside count as much as their number against the pairs.
            trust = own.rows / (own.rows + evidence.pairs + KNOWN_PAIRS)
            gap = (1 - trust) * gap + trust * (1.0 - own.expect(at, task))
        known = evidence.pairs >= KNOWN_PAIRS and (task != OPEN or self._near(at))
        return _Estimate(target, key, gap, known, evidence)

    def _near(self, at: Projection) -> bool:
        """Whether a prompt of no known task is like enough of what was met."""
        near = float(at.kernel[:-1].max()) if self._index.size else 0.0
        return near >= KERNEL_KNOWN and self._index.support(at.kernel) >= 3

    def _evidence(self, task: str, key: str) -> Evidence:
        return self.state.evidence.get(f"{task}|{key}") or Evidence()

    def _draw(self) -> float:
        self.state.draws += 1
        return draw(self.state.seed, self.state.draws)


def _compared(estimates: list[_Estimate], first: str, local_first: bool) -> _Estimate:
    """Whose answer is compared with the frontier's: the one that is served; else, unseen, that of
    the model with the fewest pairs until all have enough: a new one comes to know the task."""
    if local_first:
        return next((e for e in estimates if e.target.name == first), estimates[0])
    newest = min(estimates, key=lambda e: e.evidence.pairs)
    return newest if newest.evidence.pairs < SETUP_PAIRS else estimates[0]


def _pending(task: str, best: _Estimate, seen: PromptFeatures, caller: Caller) -> Pending:
    return Pending(
        task,
        best.target.name,
        best.score,
        grams=seen.grams.tobytes(),
        counts=seen.counts.tobytes(),
        dense=seen.dense.tobytes(),
        tenant=caller.tenant,
    )


def _least(decision: Decision) -> float:
    """The expected quality after the look from which on an answer is kept."""
    return min(decision.threshold, decision.score) - SLACK


def _dialogue(request: Request, caller: Caller) -> str:
    return f"{caller.tenant}/{caller.conversation or ''}"


def _in_tool_loop(messages: tuple[Message, ...]) -> bool:
    if not messages:
        return False
    return messages[-1].role == "tool" or any(isinstance(p, ToolResult) for p in messages[-1].parts)
