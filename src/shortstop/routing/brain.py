"""The decision: hard constraints, task, value of asking, contract, exploration. In this order."""

from __future__ import annotations

from collections.abc import Mapping

from shortstop.config import Config
from shortstop.types import Caller, Clearance, Decision, Request, Signals, Target, Trace

from .chance import draw
from .constraints import Field, eligible
from .state import State, Tally
from .task import task_of

ROUTER = "brain-1"
LOGPROB_FLOOR = -2.5


class Brain:
    """Implements ports.Router and ports.Learner. Not shared between threads."""

    def __init__(
        self, targets: Mapping[str, Target], config: Config, state: State | None = None
    ) -> None:
        self._targets = dict(targets)
        self._config = config
        self.state = state or State(seed=config.routing.seed)

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        """Choose. Raises a RequestError when no configured target can serve the request."""
        field = eligible(request, clearance, caller, self._targets)
        task = task_of(request, caller)
        self.state.decided += 1
        return self._chosen(field, task)

    def _chosen(self, field: Field, task: str) -> Decision:
        routing = self._config.routing
        local = self._ordered(field.local, routing.local)
        remote = self._ordered(field.remote, routing.frontier)
        score = self._score(task)
        if field.explicit:
            return self._decision(local + remote, task, score, ("explicit-model",), verify=False)
        if not remote:
            why = ("pinned",) if field.pinned else ("no-frontier",)
            return self._decision(local, task, score, why)
        if not local:
            return self._decision(remote, task, score, ("no-local",))
        tried = score >= routing.min_score
        why = ("cold-start",) if task not in self.state.tallies else ("estimate",)
        epsilon = routing.exploration
        explored = epsilon > 0 and self._draw() < epsilon
        return self._decision(
            local + remote if tried != explored else remote + local,
            task,
            score,
            (*why, "exploration") if explored else why,
            propensity=epsilon if explored else 1 - epsilon,
            explored=explored,
        )

    def accept(self, decision: Decision, target: str, signals: Signals) -> bool:
        """Whether a local answer with these signals is good enough to keep."""
        p10 = signals.logprob_p10
        return p10 is None or p10 >= LOGPROB_FLOOR

    def observe(self, trace: Trace) -> None:
        """Learn from a finished request. Cheap: runs on the street."""
        if trace.decision is None:
            return
        for attempt in trace.attempts:
            if attempt.local and attempt.checks:
                tally = self.state.tallies.setdefault(trace.decision.task, Tally())
                tally.seen += 1
                tally.good += all(check.passed for check in attempt.checks)

    def snapshot(self) -> bytes:
        return self.state.snapshot()

    # ------------------------------------------------------------

    def _decision(
        self,
        plan: tuple[str, ...],
        task: str,
        score: float,
        reasons: tuple[str, ...],
        *,
        propensity: float = 1.0,
        explored: bool = False,
        verify: bool = True,
    ) -> Decision:
        return Decision(
            plan=plan,
            task=task,
            score=score,
            threshold=self._config.routing.min_score,
            propensity=propensity,
            router=ROUTER,
            reasons=reasons,
            verify=verify,
            explored=explored,
        )

    def _ordered(self, targets: tuple[Target, ...], first: str | None) -> tuple[str, ...]:
        names = [t.name for t in targets]
        return tuple(sorted(names, key=lambda name: name != first))

    def _score(self, task: str) -> float:
        tally = self.state.tallies.get(task, Tally())
        return (tally.good + 2.0) / (tally.seen + 3.0)

    def _draw(self) -> float:
        self.state.draws += 1
        return draw(self.state.seed, self.state.draws)
