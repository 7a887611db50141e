"""A certified threshold keeps its promise, under simulation."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.evaluate.certificates import METHODS, certify, learn_then_test
from shortstop.evaluate.figures import binomial_lower


@pytest.mark.parametrize("net", [True, False])
@pytest.mark.parametrize("per_answer", [True, False])
def test_a_certified_threshold_keeps_its_promise(net: bool, per_answer: bool) -> None:
    draws = np.random.default_rng(3)
    broken = certified = 0
    for _ in range(300):
        scores = draws.random(1500)
        chance = 0.15 * (1 - scores)
        losses = (draws.random(1500) < chance).astype(float)
        tau = learn_then_test(scores, losses, 0.04, 0.05, net=net, per_answer=per_answer)
        if tau is None:
            continue
        certified += 1
        inside = 0.15 * (1 - (tau + 1) / 2)
        broken += (inside if per_answer else inside * (1 - tau)) > 0.04
    assert certified > 100
    assert binomial_lower(broken, 300, 0.025) <= 0.05


def test_paid_back_losses_certify_more() -> None:
    draws = np.random.default_rng(4)
    scores = draws.random(2000)
    losses = draws.choice([1.0, -1.0, 0.0], 2000, p=[0.08, 0.06, 0.86])
    net = learn_then_test(scores, losses, 0.05, 0.05, net=True)
    errors = learn_then_test(scores, losses, 0.05, 0.05, net=False)
    assert net is not None
    assert errors is None or net < errors


def test_nothing_is_certified_where_everything_is_lost() -> None:
    scores = np.linspace(0.0, 1.0, 500)
    for net in (True, False):
        assert learn_then_test(scores, np.ones(500), 0.05, 0.05, net=net) is None


def test_each_method_has_a_certificate_and_the_loose_one_keeps_more() -> None:
    draws = np.random.default_rng(5)
    difficulty = draws.random(3000)
    gap = (draws.random(3000) < 0.2 * difficulty).astype(float)
    by_method = {c.method: c for c in certify(difficulty, gap, labels=800, replays=20)}
    assert set(by_method) == {method.name for method in METHODS}
    traffic = by_method["net loss over traffic, betting"]
    answers = by_method["net loss per local answer, betting"]
    assert traffic.share.value > answers.share.value
    assert all(c.broken.value <= 0.2 and c.broken.n == 20 for c in by_method.values())
