"""The look at a local answer: whether it is kept, and whether a second one would help."""

from __future__ import annotations

from shortstop.routing.estimates import KNOWN_PAIRS
from shortstop.routing.features import prompt_text
from shortstop.routing.policies import EVERYBODY, TaskPolicies, key_of, task_name
from shortstop.routing.scorer import answer_features, text_marks
from shortstop.routing.state import State
from shortstop.types import Look

ACCEPT_SLACK = 0.05
"""Expected quality that an answer may fall short of what its prompt promised, and be kept."""
DOUBT_MARGIN = 0.15
"""Distance of the expected quality from the threshold within which a second answer may turn it."""
MIN_LOGPROB_P10 = -2.5
"""Tenth percentile of token log-probabilities, in nats, below which an answer is not kept while
its scorer has learned too little."""


class LearnedCheck:
    """Implements ports.AnswerCheck by the scorers in `state`, which it only reads."""

    def __init__(self, state: State, policies: TaskPolicies) -> None:
        self._state = state
        self._policies = policies

    def accept(self, look: Look) -> bool:
        """Whether a local answer is good enough to be kept. A specialist's gate has said so."""
        if self._policies.targets[look.target].specialist is not None:
            return True
        quality = self._quality(look)
        if quality is None:
            p10 = look.signals.logprob_p10
            return p10 is None or p10 >= MIN_LOGPROB_P10
        return quality >= self._least(look)

    def doubts(self, look: Look) -> bool:
        """Whether a second local answer is worth its price: where it could turn the verdict."""
        routing = self._policies.config.routing
        wanted = routing.second_answer or routing.second_model not in (None, look.target)
        if not wanted or look.signals.agreement is not None:
            return False
        if self._policies.targets[look.target].specialist is not None:
            return False  # its gate has spoken
        quality = self._quality(look)
        return quality is not None and abs(quality - self._least(look)) <= DOUBT_MARGIN

    def _quality(self, look: Look) -> float | None:
        """Expected after the look; None while the scorer has learned too little."""
        key = key_of(self._policies.targets[look.target])
        scorer = self._state.scorers.get(key)
        if scorer is None or scorer.rows < KNOWN_PAIRS:
            return None
        expected = self._expected(look)
        marks = text_marks(look.text, len(prompt_text(look.request)))
        pooled = self._state.scorers_of(key, self._task(look))
        return pooled.expect(expected, answer_features(expected, look.signals, marks))

    def _task(self, look: Look) -> str:
        """The task's name with its owner, as it was learned."""
        pending, task = self._state.pending.get(look.request.id), look.decision.task
        tenant = pending.tenant if pending is not None else EVERYBODY
        return task_name(self._policies.owner(task, tenant), task)

    def _expected(self, look: Look) -> float:
        """What its prompt promised of this very target; the decision's score is the first one's."""
        if look.target == look.decision.plan[0]:
            return look.decision.score
        pending = self._state.pending.get(look.request.id)
        candidate = pending.candidate(look.target) if pending is not None else None
        return candidate.score if candidate is not None else look.decision.score

    def _least(self, look: Look) -> float:
        """The expected quality after the look from which on an answer is kept."""
        return min(look.decision.threshold, self._expected(look)) - ACCEPT_SLACK
