"""A look keeps what shows itself good, and asks again only where that could turn the verdict."""

from __future__ import annotations

import msgspec
import pytest

from shortstop.config import Config, RoutingConfig
from shortstop.routing import State
from shortstop.routing.estimates import KNOWN_PAIRS
from shortstop.routing.looks import ACCEPT_SLACK, MIN_LOGPROB_P10, LearnedCheck
from shortstop.routing.policies import TaskPolicies, key_of
from shortstop.types import Decision, Look, Signals
from tests.routing.test_constraints import SMALL, ask
from tests.routing.test_scorer import taught

GOOD = Signals(40, 200, -1.1, -0.1, finish="stop")
BAD = Signals(40, 200, -3.0, -2.0, finish="stop")
SURE = Decision(("small", "big"), "mail", 0.5, 0.5, 1.0, "t")


def check(answers: int, *, second_answer: bool = True) -> LearnedCheck:
    """After so many answers of SMALL, whose low probabilities meant a bad one."""
    state = State()
    if answers:
        (state.scorers[key_of(SMALL)],) = taught(answers).levels
    config = Config(routing=RoutingConfig(second_answer=second_answer))
    return LearnedCheck(state, TaskPolicies({"small": SMALL}, config))


def look(signals: Signals, decision: Decision = SURE) -> Look:
    return Look(ask(), decision, "small", signals, "")


def test_what_shows_itself_good_is_kept_and_the_other_is_not() -> None:
    learned = check(200)
    assert learned.accept(look(GOOD))
    assert not learned.accept(look(BAD))


@pytest.mark.parametrize("answers", [0, KNOWN_PAIRS - 1])
def test_before_enough_was_learned_only_the_unsure_are_sent_away(answers: int) -> None:
    young = check(answers)
    assert young.accept(look(BAD))
    lost = msgspec.structs.replace(BAD, logprob_p10=MIN_LOGPROB_P10 - 0.1)
    assert not young.accept(look(lost))
    assert young.accept(look(Signals())), "without probabilities nothing can be said"


def test_an_answer_may_fall_a_little_short_of_what_its_prompt_promised() -> None:
    learned = check(200)
    quality = learned._quality(look(GOOD))
    assert quality is not None

    def at(score: float, threshold: float) -> Decision:
        return msgspec.structs.replace(SURE, score=score, threshold=threshold)

    high = 0.99
    after = learned._quality(look(BAD, at(high, high)))
    assert after is not None
    assert after < high - ACCEPT_SLACK
    assert not learned.accept(look(BAD, at(high, high)))
    assert learned.accept(look(BAD, at(high, after))), "where the threshold is low it is kept"


def test_a_second_answer_is_asked_for_only_in_doubt() -> None:
    learned = check(200)
    middle = Signals(40, 200, -2.0, -1.0, finish="stop")
    quality = learned._quality(look(middle))
    assert quality is not None
    for distance, doubtful in ((0.0, True), (0.1, True), (-0.1, True), (0.3, False), (-0.4, False)):
        threshold = quality + ACCEPT_SLACK + distance
        decision = msgspec.structs.replace(SURE, score=0.5, threshold=threshold)
        least = min(threshold, 0.5) - ACCEPT_SLACK
        assert learned.doubts(look(middle, decision)) is (abs(quality - least) <= 0.15)
        if threshold <= 0.5:
            assert learned.doubts(look(middle, decision)) is doubtful


def test_there_is_no_third_answer_and_none_where_it_was_not_wanted() -> None:
    agreed = msgspec.structs.replace(GOOD, agreement=0.5)
    close = msgspec.structs.replace(SURE, threshold=0.5)
    assert not check(200).doubts(look(agreed, close))
    assert not check(0).doubts(look(GOOD, close)), "nothing is known yet"
    quiet = check(200, second_answer=False)
    for threshold in (0.1, 0.5, 0.9):
        assert not quiet.doubts(look(GOOD, msgspec.structs.replace(SURE, threshold=threshold)))
