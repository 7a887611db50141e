"""The look at a local answer: whether it is kept, and whether a second one would help."""

from __future__ import annotations

from shortstop.routing.estimates import KNOWN_PAIRS
from shortstop.routing.features import prompt_text
from shortstop.routing.policies import TaskPolicies, key_of
from shortstop.routing.scorer import answer_features, text_marks
from shortstop.routing.state import State
from shortstop.types import Decision, Look

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
        """Whether a local answer is good enough to be kept."""
        quality = self._quality(look)
        if quality is None:
            p10 = look.signals.logprob_p10
            return p10 is None or p10 >= MIN_LOGPROB_P10
        return quality >= _least(look.decision)

    def doubts(self, look: Look) -> bool:
        """Whether a second local answer is worth its price: where it could turn the verdict."""
        wanted = self._policies.config.routing.second_answer
        if not wanted or look.signals.agreement is not None:
            return False
        quality = self._quality(look)
        return quality is not None and abs(quality - _least(look.decision)) <= DOUBT_MARGIN

    def _quality(self, look: Look) -> float | None:
        """Expected after the look; None while the scorer has learned too little."""
        scorer = self._state.scorers.get(key_of(self._policies.targets[look.target]))
        if scorer is None or scorer.rows < KNOWN_PAIRS:
            return None
        expected = look.decision.score
        marks = text_marks(look.text, len(prompt_text(look.request)))
        return scorer.expect(expected, answer_features(expected, look.signals, marks))


def _least(decision: Decision) -> float:
    """The expected quality after the look from which on an answer is kept."""
    return min(decision.threshold, decision.score) - ACCEPT_SLACK
