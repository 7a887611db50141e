"""Pairs are drawn blindly, with the odds that are logged; each request is credited once."""

from __future__ import annotations

import msgspec
import pytest

from shortstop.config import Config, RoutingConfig
from shortstop.routing import Promise, State
from shortstop.routing.contract import SETUP_PAIRS, Evidence
from shortstop.routing.estimates import Estimate
from shortstop.routing.pairing import Pairing, compared, hope, pair_odds, pair_weight
from shortstop.routing.policies import TaskPolicies, key_of
from shortstop.routing.state import Candidate
from shortstop.types import Target
from tests.routing.test_constraints import BIG, MID, SMALL

PROMISE = Promise(max_loss=0.02)
NEW = Target("new", "new", True, "x", 2048, state="shadow")


def estimate(target: Target, pairs: int = 0, gap: float = 0.1) -> Estimate:
    return Estimate(target, key_of(target), gap, True, Evidence(pairs=pairs))


def pairing(seed: int = 0, rate: float = 0.25) -> Pairing:
    config = Config(routing=RoutingConfig(shadow_rate=rate))
    return Pairing(State(seed), TaskPolicies({}, config))


def before(first: Target) -> tuple[str, ...]:
    return (first.name,) if first.local else ()


def draw(
    live: list[Estimate],
    shadow: list[Estimate],
    first: Target = BIG,
    reference: str | None = "big",
    rate: float = 0.25,
) -> tuple[list[Candidate], tuple[str, ...]]:
    drawn = pairing(rate=rate).draw("mail", before(first), reference, live, shadow)
    return drawn.candidates, drawn.asked


# ------------------------------------------------------------ odds


def test_a_new_candidate_is_compared_every_time_until_it_is_set_up() -> None:
    assert pair_odds(Evidence(), PROMISE, 0.25, served=False) == 1
    assert pair_odds(Evidence(pairs=SETUP_PAIRS), PROMISE, 0.25, served=False) == 0.25
    assert pair_odds(Evidence(), PROMISE, 0.0, served=False) == 0, "unless nobody is to be asked"


@pytest.mark.parametrize(
    ("recent", "part"), [(-0.2, 1.0), (0.5, 1.0), (0.75, 0.5), (0.9, 0.2), (1.0, 0.1)]
)
def test_who_always_loses_is_asked_unseen_less_often(recent: float, part: float) -> None:
    told = Estimate(SMALL, key_of(SMALL), 0.1, True, Evidence(pairs=SETUP_PAIRS, recent=recent))
    assert hope(told) == pytest.approx(part)
    for candidate in draw([told], [])[0]:
        assert candidate.inclusion == pytest.approx(0.25 * part)


def test_who_is_new_certified_or_a_specialist_is_asked_as_often_as_ever() -> None:
    lost = Evidence(pairs=SETUP_PAIRS, recent=1.0)
    for target, evidence in (
        (SMALL, Evidence(pairs=SETUP_PAIRS - 1, recent=1.0)),
        (SMALL, msgspec.structs.replace(lost, certified=0.5)),
        (msgspec.structs.replace(SMALL, specialist="label-head"), lost),
    ):
        assert hope(Estimate(target, key_of(target), 1.0, True, evidence)) == 1


def test_audits_follow_the_account() -> None:
    thin, rich = Evidence(balance=1.0), Evidence(balance=1000.0)
    assert pair_odds(thin, PROMISE, 0.0, served=True) == 1
    assert pair_odds(rich, PROMISE, 0.0, served=True) == PROMISE.audit_rate


@pytest.mark.parametrize("odds", [1.0, 0.25, 0.05])
def test_without_a_certificate_each_pair_counts_whole(odds: float) -> None:
    assert pair_weight(Evidence(pairs=100), PROMISE, 0.25, odds) == 1


def test_under_a_certificate_pairs_weigh_by_their_odds() -> None:
    """What was drawn rarely counts more: the weights make the sample that of the traffic."""
    certified = Evidence(certified=0.5, balance=1000.0)
    weights = {odds: pair_weight(certified, PROMISE, 0.25, odds) for odds in (0.05, 0.25, 1.0)}
    assert weights == {0.05: 1.0, 0.25: 0.2, 1.0: 0.05}
    assert len({odds * weight for odds, weight in weights.items()}) == 1


def test_where_nobody_is_asked_unseen_weights_are_still_defined() -> None:
    certified = Evidence(certified=0.5, balance=1000.0)
    assert pair_weight(certified, PROMISE, 0.0, 0.5) == 1


# ------------------------------------------------------------ who is compared


def test_what_is_served_is_what_is_compared() -> None:
    live = [estimate(SMALL), estimate(MID)]
    assert compared(live, ("small",)).target is SMALL
    assert compared(live, ("mid",)).target is MID


def test_where_the_frontier_is_served_the_newest_is_until_all_are_set_up() -> None:
    assert compared([estimate(SMALL, 10), estimate(MID, 3)], ()).target is MID
    assert compared([estimate(SMALL, 60), estimate(MID, 49)], ()).target is MID
    assert compared([estimate(SMALL, 60), estimate(MID, 50)], ()).target is SMALL


def test_a_shadow_run_asks_the_candidate() -> None:
    (candidate,), asked = draw([estimate(SMALL)], [])
    assert candidate == Candidate("small", 0.9, 1.0, audit=False, drawn=True)
    assert asked == ("small",)


def test_an_audit_asks_the_reference() -> None:
    (candidate,), asked = draw([estimate(SMALL)], [], first=SMALL)
    assert (candidate.target, candidate.audit, candidate.drawn) == ("small", True, True)
    assert asked == ("big",)


def test_a_target_in_shadow_has_a_draw_of_its_own() -> None:
    candidates, asked = draw([estimate(SMALL)], [estimate(NEW)])
    assert [c.shadow for c in candidates] == [False, True]
    assert asked == ("small", "new")


def test_behind_a_local_answer_it_brings_the_reference_along() -> None:
    served = estimate(SMALL)
    served.evidence.balance = 1000.0
    for seed in range(40):
        candidates, asked, *_ = pairing(seed).draw(
            "mail", ("small",), "big", [served], [estimate(NEW)]
        )
        assert candidates[1].drawn
        assert asked == ("big", "new")


def test_without_a_frontier_a_served_answer_is_not_audited() -> None:
    candidates, asked = draw([estimate(SMALL)], [estimate(NEW)], SMALL, None, rate=1.0)
    assert asked == ("new",)
    assert not candidates[0].drawn
    (alone,), asked = draw([estimate(SMALL)], [], SMALL, None)
    assert (alone.drawn, asked) == (False, ())


def test_nobody_to_compare_nobody_asked() -> None:
    assert draw([], []) == ([], ())


# ------------------------------------------------------------ blind, logged, reproducible


@pytest.mark.parametrize("first", [BIG, SMALL])
def test_the_logged_odds_are_those_of_the_draw(first: Target) -> None:
    live, shadow = estimate(SMALL, pairs=80), estimate(NEW, pairs=80)
    live.evidence.balance = 20.0
    drawn = {"small": 0, "new": 0}
    odds: dict[str, float] = {}
    pairs = pairing()
    for _ in range(4000):
        live.evidence.balance = 20.0
        candidates, *_ = pairs.draw("mail", before(first), "big", [live], [shadow])
        for candidate in candidates:
            drawn[candidate.target] += candidate.drawn
            odds[candidate.target] = candidate.inclusion
    assert odds == {"small": pytest.approx(0.3, abs=0.001) if first.local else 0.25, "new": 0.25}
    for name, count in drawn.items():
        assert count / 4000 == pytest.approx(odds[name], abs=0.025)


def test_draws_of_several_candidates_do_not_hang_together() -> None:
    live, shadow = estimate(SMALL, pairs=80), estimate(NEW, pairs=80)
    pairs, both = pairing(rate=0.5), 0
    for _ in range(2000):
        candidates, *_ = pairs.draw("mail", (), "big", [live], [shadow])
        both += all(candidate.drawn for candidate in candidates)
    assert both / 2000 == pytest.approx(0.25, abs=0.04)


def test_same_seed_same_draws() -> None:
    def story(seed: int) -> list[tuple[str, ...]]:
        live, pairs = estimate(SMALL, pairs=80), pairing(seed)
        return [pairs.draw("mail", (), "big", [live], [])[1] for _ in range(50)]

    assert story(1) == story(1) != story(2)


def test_what_is_surely_drawn_or_surely_not_uses_no_more_lots_than_needed() -> None:
    pairs = pairing(rate=0.0)
    pairs.draw("mail", (), "big", [estimate(SMALL)], [estimate(NEW)])
    assert pairs._state.draws == 0


# ------------------------------------------------------------ credit


def test_the_first_candidate_s_account_is_credited_and_no_other() -> None:
    live, shadow = estimate(SMALL), estimate(NEW)
    draw([live], [shadow])
    assert live.evidence.balance == pytest.approx(0.02)
    assert shadow.evidence.balance == 0
    draw([], [shadow])
    assert shadow.evidence.balance == pytest.approx(0.02)


def test_without_a_frontier_nothing_is_credited() -> None:
    live, shadow = estimate(SMALL), estimate(NEW)
    draw([live], [shadow], SMALL, None)
    draw([], [shadow], SMALL, None)
    assert live.evidence.balance == shadow.evidence.balance == 0
