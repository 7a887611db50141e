"""The decision: task, hard constraints, specialists, value of asking, contract, exploration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from shortstop.config import Config, TaskConfig
from shortstop.routing.constraints import Field, addressed, comparable, eligible
from shortstop.routing.directory import Directory
from shortstop.routing.estimates import Estimate, Estimator
from shortstop.routing.features import PromptFeatures, prompt_features, prompt_text
from shortstop.routing.lead import Lead, Precedence
from shortstop.routing.learner import Learner
from shortstop.routing.looks import LearnedCheck
from shortstop.routing.model import Projection, project
from shortstop.routing.pairing import Drawn, Pairing
from shortstop.routing.policies import TaskPolicies, task_name
from shortstop.routing.prior import Prior, blank
from shortstop.routing.recognise import FREE, TaskRecognition
from shortstop.routing.reports import PromiseReports
from shortstop.routing.rulings import NO_WAITS, Ruling, Rulings, Situation, Waits
from shortstop.routing.state import PendingOutcome, State
from shortstop.types import Caller, Clearance, Decision, Reach, Request, Target

ROUTER = "brain-3"
"""The version of the rules, as it is logged with every decision."""


UNDRAWN = Drawn([])
"""Nobody's answer is compared."""


class _Preliminary(NamedTuple):
    """A decision, before it is drawn whose answers are compared."""

    situation: Situation
    ruling: Ruling
    lead: Lead
    plan: tuple[str, ...]
    propensity: float
    explored: bool
    longest: int | None


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
        waits: Waits = NO_WAITS,
    ) -> None:
        self._policies = TaskPolicies(targets, config)
        self._directory = Directory(targets)
        self._config = config
        self._prior = prior or blank()
        self.state = state or State(config.routing.seed, config.routing.landmarks)
        self._index, clusters = self.state.prepare(self._prior)
        self._tasks = TaskRecognition(config.tasks, clusters)
        self._estimator = Estimator(self.state, self._index)
        self._pairing = Pairing(self.state, self._policies)
        self._rulings = Rulings(self.state, self._policies, self._pairing.chance, waits)
        self._precedence = Precedence(self.state, self._policies, self._pairing.chance)
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
        self.promises = reports.lines

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
        whom = addressed(request, clearance, self._directory.serving(caller.tenant), caller)
        declared, settings = self._tasks.declared(request, caller)
        if whom.explicit:
            field = eligible(whom, declared, request, caller)
            self.state.decided += 1
            return self._obeyed(field, declared), None
        features = prompt_features(prompt_text(request), self._prior.embedder)
        unit = features.dense[: self._prior.embedder.width]
        task, cluster = self._tasks.nearest(declared, unit, more=not whom.pinned)
        field = eligible(whom, task, request, caller)
        self.state.decided += 1
        if declared == FREE and not field.pinned:
            self._tasks.count(unit, cluster)
        self._learner.tool_failed(request, caller)
        settings = self._policies.settings(task, caller.tenant, settings)
        prompt = project(features, self._index)
        weighed = self._weigh(request, caller, task, settings, field, prompt)
        drawn = self._drawn(weighed, prompt)
        pending = None
        if drawn.candidates:
            pending = _pending(task, drawn, features, caller)
            self.state.remember(request.id, pending)
        return _decision(weighed, drawn), pending

    def foresee(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """What `decide` would say now, but for whose answers are compared. Changes nothing: lots
        are drawn and put back. Raises as `decide` does."""
        whom = addressed(request, clearance, self._directory.serving(caller.tenant), caller)
        declared, settings = self._tasks.declared(request, caller)
        if whom.explicit:
            return self._obeyed(eligible(whom, declared, request, caller), declared)
        features = prompt_features(prompt_text(request), self._prior.embedder)
        unit = features.dense[: self._prior.embedder.width]
        task, _ = self._tasks.nearest(declared, unit, more=not whom.pinned)
        settings = self._policies.settings(task, caller.tenant, settings)
        field, draws = eligible(whom, task, request, caller), self.state.draws
        try:
            prompt = project(features, self._index)
            return _decision(self._weigh(request, caller, task, settings, field, prompt), UNDRAWN)
        finally:
            self.state.draws = draws

    def estimates(
        self, request: Request, clearance: Clearance, caller: Caller
    ) -> tuple[str, list[tuple[Estimate, float, float]]]:
        """The task, and of each target what is expected: its estimate, US dollars and seconds.
        Changes nothing."""
        declared, _ = self._tasks.declared(request, caller)
        features = prompt_features(prompt_text(request), self._prior.embedder)
        unit = features.dense[: self._prior.embedder.width]
        task, _ = self._tasks.nearest(declared, unit, more=clearance.reach < Reach.LOCAL_ONLY)
        serving = tuple(self._directory.serving(caller.tenant).values())
        found = []
        for estimate in self._estimates(serving, project(features, self._index), task, caller):
            option = self._rulings.option(estimate.target, estimate.gap, request.party)
            found.append((estimate, option.usd, option.seconds))
        return task, found

    def _weigh(
        self,
        request: Request,
        caller: Caller,
        task: str,
        settings: TaskConfig,
        field: Field,
        prompt: Projection,
    ) -> _Preliminary:
        remote = self._remote(field)
        estimates = self._estimates(field.local, prompt, task, caller)
        specialists = [e for e in estimates if e.target.specialist is not None]
        local = [e for e in estimates if e.target.specialist is None]
        situation = Situation(
            request, caller, task, settings, field,
            _trusted(specialists, alone=not (local or remote)),
            self._rulings.ranked(local, remote, request.party), remote,
        )  # fmt: skip
        ruling, propensity, explored = self._rulings.rule(situation)
        lead = self._lead(situation, ruling)
        plan = _plan(situation, ruling, lead)
        longest = self.state.longest(task_name(self._policies.owner(task, caller.tenant), task))
        return _Preliminary(
            situation, ruling, lead, plan, propensity * lead.propensity, explored, longest
        )

    def _estimates(
        self, targets: Sequence[Target], prompt: Projection, task: str, caller: Caller
    ) -> list[Estimate]:
        owner = self._policies.owner(task, caller.tenant)
        return [self._estimator.estimate(target, prompt, task, owner) for target in targets]

    def _lead(self, situation: Situation, ruling: Ruling) -> Lead:
        """The specialists that go first."""
        if not situation.specialists or ruling.only:
            return Lead()
        route = situation.declared.route
        if not situation.remote or route == "local":
            return self._precedence.all_of(situation.specialists)
        if route == "frontier":
            return Lead()
        tenant = situation.caller.tenant
        return self._precedence.draw(situation.specialists, situation.task, tenant)

    def _drawn(self, weighed: _Preliminary, prompt: Projection) -> Drawn:
        """Whose answers may be compared, and who is asked unseen for it."""
        situation, plan = weighed.situation, weighed.plan
        if situation.field.pinned:
            return UNDRAWN  # nothing of a pinned request is kept, not even its hashes
        task, request, caller = situation.task, situation.request, situation.caller
        unseen = self._directory.shadow(caller.tenant)
        shadow = comparable(unseen, task, request, caller)
        reference = situation.remote[0].name if situation.remote else None
        before = tuple(takewhile(lambda name: self._policies.targets[name].local, plan))
        live = [*situation.specialists, *situation.local]
        shown = self._estimates(shadow, prompt, task, caller)
        return self._pairing.draw(task, before, reference, live, shown)

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

    def _remote(self, field: Field) -> tuple[Target, ...]:
        """The frontier first; the others follow for when it fails."""
        frontier, remote = self._config.routing.frontier, field.remote
        if len(remote) < 2:
            return remote
        return tuple(sorted(remote, key=lambda target: target.name != frontier))

    def apply_remote_decision(self, request_id: str, pending: PendingOutcome) -> None:
        """A decision that another worker of this machine made. Hearing it twice changes nothing."""
        if self._learner.adopt(request_id, pending):
            dense = np.frombuffer(pending.dense, np.float32)
            self._tasks.count_elsewhere(pending.task, dense[: self._prior.embedder.width])

    def alarmed(self) -> list[tuple[Target, str]]:
        """The serving specialists whose contract's alarm stands, each with the task it is about."""
        return [
            (target, task)
            for target in self._policies.targets.values()
            if target.specialist is not None and target.serves
            for task in target.tasks
            for tenant in target.tenants
            if self._estimator.evidence(target, task, self._policies.owner(task, tenant)).standing
            == "alarm"
        ]


def _decision(weighed: _Preliminary, drawn: Drawn) -> Decision:
    lead, ruling = weighed.lead, weighed.ruling
    reasons = (*lead.reasons, *ruling.reasons)
    first = (*lead.estimates, *weighed.situation.local)[:1]
    return Decision(
        plan=weighed.plan,
        task=weighed.situation.task,
        score=first[0].score if first else 0.0,
        threshold=lead.threshold if lead.estimates else ruling.threshold,
        propensity=weighed.propensity,
        router=ROUTER,
        reasons=tuple(dict.fromkeys((*reasons, "audit") if drawn.audited else reasons)),
        verify=ruling.verify,
        explored=weighed.explored,
        shadow=drawn.asked,
        audited=drawn.audited,
        longest=weighed.longest,
    )


def _trusted(specialists: list[Estimate], *, alone: bool) -> list[Estimate]:
    """Without those whose contract's alarm stands, unless there is nobody else."""
    sound = [e for e in specialists if e.evidence.standing != "alarm"]
    return sound or (specialists if alone else [])


def _plan(situation: Situation, ruling: Ruling, lead: Lead) -> tuple[str, ...]:
    """The specialists that do not lead are asked where the frontier has failed."""
    if ruling.only:
        return ruling.only
    local = tuple([estimate.target.name for estimate in situation.local])
    remote = _names(situation.remote)
    specialists = tuple([e.target.name for e in situation.specialists])
    others = tuple([name for name in specialists if name not in lead.names])
    if ruling.local_first:
        return (*lead.names, *local, *remote, *others)
    return (*lead.names, *remote, *others, *local)


def _names(targets: tuple[Target, ...]) -> tuple[str, ...]:
    return tuple([target.name for target in targets])


def _pending(task: str, drawn: Drawn, features: PromptFeatures, caller: Caller) -> PendingOutcome:
    return PendingOutcome(
        task,
        drawn.candidates,
        grams=features.grams.tobytes(),
        counts=features.counts.tobytes(),
        dense=features.dense.tobytes(),
        tenant=caller.tenant,
        credited=drawn.credited,
    )
