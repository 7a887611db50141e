"""The decision: task, hard constraints, value of asking, contract, exploration. In this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from shortstop.config import Config, TaskConfig
from shortstop.routing.clusters import PREFIX
from shortstop.routing.constraints import Field, addressed, comparable, eligible
from shortstop.routing.estimates import Estimate, Estimator
from shortstop.routing.expected_cost import Option, PricedChoice, QualityPrice, choose
from shortstop.routing.features import PromptFeatures, prompt_features, prompt_text
from shortstop.routing.learner import Learner
from shortstop.routing.looks import LearnedCheck
from shortstop.routing.model import Projection, project
from shortstop.routing.pairing import Pairing
from shortstop.routing.policies import TaskPolicies, evidence_name, key_of
from shortstop.routing.prior import Prior, blank
from shortstop.routing.reports import PromiseReports
from shortstop.routing.state import Candidate, Costs, PendingOutcome, State
from shortstop.routing.sticky import Stickiness, dialogue
from shortstop.routing.task import OPEN, system_prompt, task_of
from shortstop.types import Caller, Clearance, Decision, Request, Target

ROUTER = "brain-3"
"""The version of the rules, as it is logged with every decision."""
UNDECLARED = TaskConfig()
"""What holds for a task that the operator did not configure."""
UNKNOWN_COSTS = Costs()
UNKNOWN_USD = {True: 0.00005, False: 0.005}
"""US dollars of a call to a local (True) or remote target whose price was never seen."""
UNKNOWN_SECONDS = {True: 1.0, False: 2.0}


class _Situation(NamedTuple):
    """A request with everything that is known of it when it is weighed."""

    request: Request
    caller: Caller
    task: str
    declared: TaskConfig
    field: Field
    local: list[Estimate]
    remote: tuple[Target, ...]


class _Ruling(NamedTuple):
    """Before exploration: who goes first, with which threshold, and why."""

    local_first: bool
    threshold: float
    reasons: tuple[str, ...]
    explorable: bool = False
    verify: bool = True
    only: tuple[str, ...] = ()


class LearnedRouter:
    """Implements ports.Router. Not shared between threads.

    Raises StateUnfit when `state` was learned from other features than those of `prior`.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        config: Config,
        state: State | None = None,
        prior: Prior | None = None,
    ) -> None:
        self._policies = TaskPolicies(targets, config)
        self._serving = {name: t for name, t in targets.items() if t.serves}
        self._shadow = [t for t in targets.values() if t.state == "shadow"]
        self._config = config
        self._price = QualityPrice(config.routing.usd_per_point, config.routing.usd_per_second)
        self._prior = prior or blank()
        self.state = state or State(config.routing.seed, config.routing.landmarks)
        self._index, self._clusters = self.state.prepare(self._prior)
        self._estimator = Estimator(self.state, self._index)
        self._pairing = Pairing(self.state, self._policies)
        self._sticky = Stickiness(self.state, self._policies.targets)
        self._learner = Learner(self.state, self._index, self._policies, self._prior)
        self.observe = self._learner.observe
        self.pair = self._learner.pair
        self.lost = self._learner.lost
        self.feedback = self._learner.feedback
        self.grader = self._policies.grader
        check = LearnedCheck(self.state, self._policies)
        self.accept, self.doubts = check.accept, check.doubts
        reports = PromiseReports(self.state, config)
        self.contracts, self.overall = reports.contracts, reports.overall

    # ------------------------------------------------------------ deciding

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """Choose. Raises a RequestError when no configured target can serve the request."""
        return self.decide_with_pending(request, clearance, caller)[0]

    def decide_with_pending(
        self, request: Request, clearance: Clearance, caller: Caller
    ) -> tuple[Decision, PendingOutcome | None]:
        """Choose, and tell what is remembered of the request until its outcome comes.

        None: nothing will be learned from it. Raises as `decide` does.
        """
        whom = addressed(request, clearance, self._serving)
        task, declared = self._task(request, caller)
        if whom.explicit:
            field = eligible(whom, task, request, caller)
            self.state.decided += 1
            return self._obeyed(field, task), None
        features = prompt_features(prompt_text(request), self._prior.embedder)
        free = task == OPEN
        if free:
            unit = features.dense[: self._prior.embedder.width]
            cluster = self._clusters.nearest(unit)
            task = self._clusters.task(cluster, more=not whom.pinned) or OPEN
        field = eligible(whom, task, request, caller)
        self.state.decided += 1
        if free and not field.pinned:
            self._clusters.count(unit, cluster)
        self._learner.tool_failed(dialogue(request, caller), request.messages)
        return self._weigh(request, caller, task, declared, field, features)

    def _weigh(
        self,
        request: Request,
        caller: Caller,
        task: str,
        declared: TaskConfig,
        field: Field,
        features: PromptFeatures,
    ) -> tuple[Decision, PendingOutcome | None]:
        prompt = project(features, self._index)
        owner = self._policies.owner(task, caller.tenant)
        local = [self._estimator.estimate(t, prompt, task, owner) for t in field.local]
        remote = self._remote(field)
        if len(local) > 1:
            local.sort(key=lambda e: self._rank(e, remote))
        situation = _Situation(request, caller, task, declared, field, local, remote)
        ruling, propensity, explored = self._explored(
            self._fixed(situation) or self._judged(situation)
        )
        plan = _plan(situation, ruling)
        candidates, asked = self._drawn(situation, plan[0], prompt)
        pending = None
        if candidates:
            pending = _pending(task, candidates, features, caller)
            self.state.remember(request.id, pending)
        audited = bool(candidates) and candidates[0].audit and candidates[0].drawn
        decision = Decision(
            plan=plan,
            task=task,
            score=local[0].score if local else 0.0,
            threshold=ruling.threshold,
            propensity=propensity,
            router=ROUTER,
            reasons=(*ruling.reasons, "audit") if audited else ruling.reasons,
            verify=ruling.verify,
            explored=explored,
            shadow=asked,
        )
        return decision, pending

    def _drawn(
        self, situation: _Situation, first: str, prompt: Projection
    ) -> tuple[list[Candidate], tuple[str, ...]]:
        """Whose answers may be compared, and who is asked unseen for it."""
        if situation.field.pinned:
            return [], ()  # nothing of a pinned request is kept, not even its hashes
        task, shadow = situation.task, []
        if self._shadow:
            targets = comparable(self._shadow, task, situation.request, situation.caller)
            owner = self._policies.owner(task, situation.caller.tenant)
            shadow = [self._estimator.estimate(t, prompt, task, owner) for t in targets]
        reference = situation.remote[0].name if situation.remote else None
        first_target = self._policies.targets[first]
        return self._pairing.draw(task, first_target, reference, situation.local, shadow)

    def _obeyed(self, field: Field, task: str) -> Decision:
        """The client named its model: nothing is estimated, nothing is learned."""
        return Decision(
            plan=tuple([t.name for t in (*field.local, *self._remote(field))]),
            task=task,
            score=0.0,
            threshold=0.0,
            propensity=1.0,
            router=ROUTER,
            reasons=("pinned" if field.pinned else "explicit-model",),
            verify=False,
        )

    def _task(self, request: Request, caller: Caller) -> tuple[str, TaskConfig]:
        """The task by name or template, and what is configured for it."""
        tasks = self._config.tasks
        if caller.task is not None:
            declared = tasks.get(caller.task)
            if declared is not None:
                return caller.task, declared
        elif tasks:
            system = system_prompt(request)
            for name, declared in tasks.items():
                if declared.match is not None and declared.match in system:
                    return name, declared
        return task_of(request, caller), UNDECLARED

    def _remote(self, field: Field) -> tuple[Target, ...]:
        """The frontier first; the others follow for when it fails."""
        frontier, remote = self._config.routing.frontier, field.remote
        if len(remote) < 2:
            return remote
        return tuple(sorted(remote, key=lambda target: target.name != frontier))

    def _fixed(self, situation: _Situation) -> _Ruling | None:
        """What is decided without weighing anything."""
        least = self._config.routing.min_score
        if not situation.remote:
            return _Ruling(True, least, ("pinned" if situation.field.pinned else "no-frontier",))
        if not situation.local:
            return _Ruling(False, least, ("no-local",))
        if situation.declared.route != "auto":
            local_first = situation.declared.route == "local"
            return _Ruling(local_first, least, ("task-rule",), verify=False)
        bound = self._sticky.bound(situation.request, situation.caller, situation.field.targets)
        if bound is None:
            return None
        if bound.maker is None:
            return _Ruling(False, least, ("sticky",), only=_names(situation.remote))
        maker = bound.maker
        return _Ruling(maker.local, least, ("sticky",), verify=False, only=(maker.name,))

    def _judged(self, situation: _Situation) -> _Ruling:
        """By the evidence of the best local model, else by what is expected of it."""
        best = situation.local[0]
        evidence = best.evidence
        if evidence.standing == "alarm":
            return _Ruling(False, 1.0, ("alarm",))
        if evidence.certified is not None:
            return self._certified(situation, best, evidence.certified)
        if self._policies.contract(situation.task).uncertified == "escalate":
            return _Ruling(False, 1.0, ("uncertified",))
        owner = self._policies.overall_owner(situation.caller.tenant)
        if self.state.overall_of(owner).standing == "alarm":
            return _Ruling(False, 1.0, ("overall-alarm",))
        return self._estimated(situation, best)

    def _certified(self, situation: _Situation, best: Estimate, tau: float) -> _Ruling:
        local = best.evidence.keeps(best.score, self._policies.promise(situation.task))
        stays = self._sticky.stays(situation.request, situation.caller, best.score - tau)
        if stays is not None and (stays is False or local):
            return _Ruling(stays, tau, ("contract", "sticky"))
        return _Ruling(local, tau, ("contract",), explorable=local)

    def _estimated(self, situation: _Situation, best: Estimate) -> _Ruling:
        least = self._config.routing.min_score
        if not best.known:
            why = "out-of-domain" if best.evidence.pairs else "cold-start"
            return _Ruling(False, least, (why,))
        stays = self._sticky.stays(situation.request, situation.caller, best.score - least)
        if stays is not None:
            return _Ruling(stays, least, ("estimate", "sticky"))
        choice = self._choice(best, situation.remote)
        local = best.score >= least and choice.way != "ask-frontier"
        return _Ruling(local, least, ("estimate",), explorable=True)

    def _rank(
        self, estimate: Estimate, remote: tuple[Target, ...]
    ) -> tuple[bool, bool, bool, float, float]:
        """Of several local models: the preferred one, those under a certificate, those believed
        good enough by what they cost, the others by how good they are."""
        routing = self._config.routing
        good = estimate.known and estimate.score >= routing.min_score and bool(remote)
        return (
            estimate.target.name != routing.local,
            estimate.evidence.certified is None,
            not good,
            self._choice(estimate, remote).cost if good else 0.0,
            estimate.gap,
        )

    def _choice(self, estimate: Estimate, remote: tuple[Target, ...]) -> PricedChoice:
        return choose(
            [self._option(estimate.target, estimate.gap)],
            [self._option(target, 0.0) for target in remote],
            self._price,
        )

    def _option(self, target: Target, gap: float) -> Option:
        cost = self.state.costs.get(key_of(target), UNKNOWN_COSTS)
        usd = self._config.routing.usd_per_call.get(target.name, cost.usd)
        return Option(
            target.name,
            gap,
            UNKNOWN_USD[target.local] if usd is None else usd,
            UNKNOWN_SECONDS[target.local] if cost.seconds is None else cost.seconds,
        )

    def _explored(self, ruling: _Ruling) -> tuple[_Ruling, float, bool]:
        """The ruling or, as drawn, its opposite; the probability of this, and whether it was."""
        epsilon = self._config.routing.exploration
        if not ruling.explorable or epsilon <= 0:
            return ruling, 1.0, False
        if self._pairing.chance() >= epsilon:
            return ruling, 1.0 - epsilon, False
        reasons = (*ruling.reasons, "exploration")
        return _Ruling(not ruling.local_first, ruling.threshold, reasons), epsilon, True

    def apply_remote_decision(self, request_id: str, pending: PendingOutcome) -> None:
        """A decision that another worker of this machine made. Hearing it twice changes nothing."""
        candidates = [c for c in pending.candidates if c.target in self._policies.targets]
        if request_id in self.state.pending or not candidates:
            return
        pending.candidates = candidates
        self.state.remember(request_id, pending)
        if pending.task.startswith(PREFIX):
            dense = np.frombuffer(pending.dense, np.float32)
            self._clusters.add(dense[: self._prior.embedder.width])
        first = candidates[0]
        name = evidence_name(pending.task, self._policies.key(first.target))
        owner = self._policies.owner(pending.task, pending.tenant)
        evidence = self.state.evidence_of(owner, name)
        if evidence is not None:
            evidence.credit(self._policies.promise(pending.task), kept=first.audit)


def _plan(situation: _Situation, ruling: _Ruling) -> tuple[str, ...]:
    if ruling.only:
        return ruling.only
    local = tuple([estimate.target.name for estimate in situation.local])
    remote = _names(situation.remote)
    return local + remote if ruling.local_first else remote + local


def _names(targets: tuple[Target, ...]) -> tuple[str, ...]:
    return tuple([target.name for target in targets])


def _pending(
    task: str, candidates: list[Candidate], features: PromptFeatures, caller: Caller
) -> PendingOutcome:
    return PendingOutcome(
        task,
        candidates,
        grams=features.grams.tobytes(),
        counts=features.counts.tobytes(),
        dense=features.dense.tobytes(),
        tenant=caller.tenant,
    )
