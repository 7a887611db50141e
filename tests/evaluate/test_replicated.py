"""Three machines that hear of each other late keep the promise as one does."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.evaluate.contract_stress import run
from shortstop.evaluate.figures import binomial_lower
from shortstop.evaluate.histories import poisoned, synthetic
from shortstop.evaluate.replicated import broken, lost_by_replicas
from shortstop.routing import Promise

PROMISE = Promise(max_loss=0.05)
LOG = synthetic(2000)


@pytest.mark.parametrize("scenario", ["iid", "drift", "adversary", "poisoned"])
def test_the_promise_holds_over_machines(scenario: str) -> None:
    seeds = [np.random.default_rng([7, number]) for number in range(20)]
    assert binomial_lower(broken(scenario, LOG, PROMISE, seeds, 1500), 20, 0.025) <= 0.05


def test_without_delay_three_are_as_good_as_one() -> None:
    """As much stays local, where one machine that learned alone from a third would be behind."""
    scores, losses = np.full(3000, 0.9), np.zeros(3000)
    draws = np.random.default_rng(1)
    lost, local = lost_by_replicas((scores, losses), PROMISE, draws, replicas=3, lag=0)
    alone = run(scores, losses, PROMISE, np.random.default_rng(1)).local
    third = run(scores[:1000], losses[:1000], PROMISE, np.random.default_rng(1)).local
    assert lost == 0.0
    assert local == pytest.approx(alone, abs=0.1)
    assert local > third + 0.1


def test_evidence_that_a_rival_shares_breaks_it() -> None:
    """Else the scenario with a rival would show nothing."""
    strict = Promise(max_loss=0.02)

    def broken_of_six(*, shared: bool) -> int:
        count = 0
        for seed in range(6):
            draws = np.random.default_rng(seed)
            history = poisoned(*LOG, 2000, draws)
            lost, _ = lost_by_replicas(
                history, strict, draws, replicas=3, lag=50, rival_share=0.9, shared=shared
            )
            count += lost > strict.max_loss
        return count

    assert broken_of_six(shared=False) == 0
    assert broken_of_six(shared=True) >= 3
