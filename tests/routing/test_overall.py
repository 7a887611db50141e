"""The promise over all traffic: proven by bets, withdrawn by evidence."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.config import Config, RoutingConfig
from shortstop.evaluate.figures import binomial_upper
from shortstop.routing import LearnedRouter, Promise, dump_state, load_state, packaged
from shortstop.routing.overall import Overall
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import MAIL, TARGETS, asked, teach

PROMISE = Promise(max_loss=0.05, confidence=0.95)


def test_good_pairs_prove_and_bad_ones_withdraw() -> None:
    overall = Overall()
    for _ in range(400):
        overall.pair(0.0, PROMISE)
    assert overall.standing == "certified"
    for _ in range(60):
        overall.pair(1.0, PROMISE)
    assert overall.standing == "alarm"
    assert overall.alarms >= 1
    for _ in range(2000):
        overall.pair(None, PROMISE)
    assert overall.standing == "certified"
    assert overall.kept == 460


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_false_proof_is_as_rare_as_promised(weight: float) -> None:
    """At a true mean of the limit itself, a certificate at any time is an error."""
    draws = np.random.default_rng(7)
    wrong, runs = 0, 400
    for _ in range(runs):
        overall = Overall()
        for lost in (draws.random(300) < PROMISE.max_loss).tolist():
            overall.pair(float(lost), PROMISE, weight=weight)
            if overall.certified:
                wrong += 1
                break
    assert binomial_upper(wrong, runs, 0.95) <= 0.05


def test_the_router_keeps_it_over_restarts() -> None:
    config = Config(routing=RoutingConfig(landmarks=64))
    router = LearnedRouter(TARGETS, config, None, packaged())
    teach(router, 120, 1.0)
    assert router.overall()["default"].pairs > 50
    again = LearnedRouter(TARGETS, config, load_state(dump_state(router.state)), packaged())
    assert again.overall() == router.overall()


def test_an_overall_alarm_sends_uncertified_tasks_to_the_frontier() -> None:
    config = Config(routing=RoutingConfig(landmarks=64, exploration=0.0))
    router = LearnedRouter(TARGETS, config, None, packaged())
    teach(router, 60, 1.0)
    assert router.decide(asked(900, "sort mail number 900"), OPEN, MAIL).plan[0] == "small"
    router.state.overall["default"].alarmed = True
    decision = router.decide(asked(901, "sort mail number 901"), OPEN, MAIL)
    assert (decision.plan[0], decision.reasons[0]) == ("big", "overall-alarm")
