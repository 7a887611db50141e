"""The stress test breaks what can be broken, and finds the contract unbroken."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.evaluate.contract_stress import StressResult, replay, run
from shortstop.evaluate.figures import binomial_lower
from shortstop.evaluate.histories import (
    SCENARIOS,
    adversary,
    biased,
    drift,
    iid,
    mix,
    poisoned,
    synthetic,
)
from shortstop.routing import Promise

PROMISE, STRICT = Promise(max_loss=0.05), Promise(max_loss=0.02)
SCORES, LOSSES = synthetic(2000)


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_history_is_made_of_the_log_and_of_its_draws_alone(scenario: str) -> None:
    make = SCENARIOS[scenario]
    scores, losses = make(SCORES, LOSSES, 500, draws())
    again = make(SCORES, LOSSES, 500, draws())
    assert scores.shape == losses.shape == (500,)
    assert np.array_equal(scores, again[0])
    assert np.array_equal(losses, again[1])
    assert set(losses) <= {-1.0, 0.0, 1.0}
    assert ((scores >= 0) & (scores <= 1)).all()


def test_drift_turns_worse_and_never_better() -> None:
    for seed in range(20):
        _, before = iid(SCORES, LOSSES, 1000, draws(seed))
        _, after = drift(SCORES, LOSSES, 1000, draws(seed))
        assert (after >= before).all()
        assert after[-200:].mean() > before[-200:].mean()


def test_the_mixture_moves_from_easy_to_hard() -> None:
    _, lost = mix(SCORES, LOSSES, 4000, draws())
    assert lost[-1000:].mean() > lost[:1000].mean() + 0.01


def test_praise_lifts_the_scores_and_changes_no_answer() -> None:
    scores, losses = biased(SCORES, LOSSES, 1000, draws())
    plain, same = iid(SCORES, LOSSES, 1000, draws())
    assert np.array_equal(losses, same)
    assert (scores >= plain).all()
    assert scores[-1] == pytest.approx(1.0)


def test_the_adversary_keeps_the_bad_answers_for_the_end() -> None:
    _, lost = adversary(SCORES, LOSSES, 1000, draws())
    assert (np.diff(lost) >= 0).all()


def test_before_a_certificate_nothing_is_kept_and_nothing_lost() -> None:
    outcome = run(np.full(200, 0.9), np.ones(200), PROMISE, draws())
    assert (outcome.local, outcome.lost, outcome.certified) == (0, 0, False)


def test_a_good_model_earns_its_traffic() -> None:
    outcome = run(np.full(3000, 0.9), np.zeros(3000), PROMISE, draws())
    assert outcome.certified
    assert outcome.local > 0.5
    assert outcome.alarms == 0


def test_a_rival_s_trivial_requests_prove_nothing_for_the_victim() -> None:
    """And where the evidence is shared they would: the scenario has teeth."""
    own, shared = [], []
    for seed in range(10):
        history = poisoned(SCORES, LOSSES, 2000, draws(seed))
        own.append(run(*history, STRICT, draws(seed), rival_share=0.9).lost)
        shared.append(run(*history, STRICT, draws(seed), rival_share=0.9, shared=True).lost)
    assert sum(lost > STRICT.max_loss for lost in own) == 0
    assert sum(lost > STRICT.max_loss for lost in shared) >= 5


def test_a_verdict_is_the_count_of_broken_histories_with_its_exact_interval() -> None:
    (result,) = replay(SCORES, LOSSES, PROMISE, replays=10, length=600, scenarios=["iid"])
    assert result.replays == 10
    assert result.rate == result.broken / 10
    assert result.low == binomial_lower(result.broken, 10, 0.025)
    assert 0 <= result.local_share <= 1


@pytest.mark.parametrize(("broken", "held"), [(0, True), (5, True), (60, False)])
def test_it_holds_where_chance_explains_what_broke(broken: int, held: bool) -> None:
    low = binomial_lower(broken, 100, 0.025)
    result = StressResult("x", 100, broken, broken / 100, low, 1.0, 0, 0, 0, 0, 0)
    assert result.held is held


def test_without_the_account_drift_would_break_the_promise() -> None:
    """The scenarios have teeth: keeping everything local loses far more than was promised."""
    broken = sum(
        drift(SCORES, LOSSES, 1500, draws(seed))[1].mean() > PROMISE.max_loss for seed in range(20)
    )
    assert broken > 10


def test_the_simulated_log_is_nearly_as_good_as_the_frontier() -> None:
    scores, losses = synthetic(20_000, good=0.97)
    assert losses.mean() == pytest.approx(0.02, abs=0.01)
    better = scores > np.median(scores)
    assert losses[better].mean() < losses[~better].mean()
