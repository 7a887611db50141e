"""The contract: no certificate without proof, traffic back on doubt, recovery by proof."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from shortstop.evaluate.contract_stress import replay
from shortstop.evaluate.histories import SCENARIOS, synthetic
from shortstop.routing.contract import SETUP_PAIRS, Evidence, Promise

PROMISE = Promise(max_loss=0.05)


def feed(evidence: Evidence, n: int, bad: float, seed: int, *, audit: bool = False) -> None:
    draws = np.random.default_rng(seed)
    for score, coin in zip(draws.random(n).tolist(), draws.random(n).tolist(), strict=True):
        kept = evidence.keeps(score, PROMISE)
        evidence.credit(PROMISE, kept=kept)
        evidence.pair(score, float(coin < bad), PROMISE, audit=audit and kept)


def test_no_evidence_no_certificate() -> None:
    fresh = Evidence()
    assert fresh.standing == "no-evidence"
    assert fresh.certified is None
    assert not fresh.keeps(1.0, PROMISE)
    assert fresh.report(PROMISE).audits_needed is not None


def test_a_good_model_is_certified_and_a_bad_one_hardly() -> None:
    good, bad = Evidence(), Evidence()
    feed(good, 600, 0.0, 1)
    feed(bad, 600, 0.6, 1)
    assert good.standing == "certified"
    assert good.report(PROMISE).certified_share > 0.9
    assert bad.report(PROMISE).certified_share < 0.2
    assert bad.report(PROMISE).must_escalate == pytest.approx(0.55 / 0.95, abs=0.06)


def test_the_pairs_that_fix_the_thresholds_are_no_proof() -> None:
    evidence = Evidence()
    feed(evidence, SETUP_PAIRS, 0.0, 2)
    assert evidence.counted == 0


def test_doubt_takes_traffic_back_and_proof_returns_it() -> None:
    evidence = Evidence()
    feed(evidence, 600, 0.0, 3, audit=True)
    assert evidence.certified is not None
    feed(evidence, 200, 0.8, 4, audit=True)
    assert evidence.standing == "alarm"
    assert not evidence.keeps(1.0, PROMISE)
    feed(evidence, 900, 0.0, 5)
    assert evidence.standing == "certified"
    assert evidence.attempt > 1


def test_each_attempt_needs_more_proof() -> None:
    again = Evidence(attempt=3)
    assert again.report(PROMISE).needed == pytest.approx(12 / 0.05)


def test_audits_are_dense_while_the_account_is_thin() -> None:
    thin, rich = Evidence(balance=2.0), Evidence(balance=1000.0)
    assert thin.audit_odds(PROMISE) == 1.0
    assert rich.audit_odds(PROMISE) == PROMISE.audit_rate


def test_nothing_stays_local_on_an_empty_account() -> None:
    evidence = Evidence(certified=0.5, balance=0.5)
    assert not evidence.keeps(0.9, PROMISE)


def test_evidence_travels() -> None:
    evidence = Evidence()
    feed(evidence, 300, 0.02, 6)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(evidence), type=Evidence)
    assert again == evidence


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_few_replays_of_every_scenario_hold(scenario: str) -> None:
    scores, losses = synthetic(2000)
    (verdict,) = replay(
        scores, losses, Promise(0.05), replays=25, length=1500, scenarios=[scenario]
    )
    assert verdict.held
    assert verdict.certified > 0.5
