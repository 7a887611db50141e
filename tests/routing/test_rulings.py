"""Who goes first of the general models and the frontier, and how the other choice is tried."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import Config, RoutingConfig, TaskConfig
from shortstop.routing import LearnedRouter
from shortstop.routing.rulings import DEAREST_TRIAL, trial_odds
from shortstop.types import Caller, Decision, Target
from tests.routing.test_constraints import BIG, MID, OPEN, SMALL, ask

MAIL = Caller(task="mail")


def decide(*targets: Target, caller: Caller = MAIL, **settings: object) -> Decision:
    config = Config(
        routing=RoutingConfig(landmarks=16, exploration=0.0, **settings),  # type: ignore[arg-type]
        tasks={"rule": TaskConfig(route="local"), "far": TaskConfig(route="frontier")},
    )
    return LearnedRouter({t.name: t for t in targets}, config).decide(ask(), OPEN, caller)


@pytest.mark.parametrize(
    ("targets", "plan", "reason"),
    [
        ((SMALL,), ("small",), "no-frontier"),
        ((BIG,), ("big",), "no-local"),
        ((SMALL, BIG), ("big", "small"), "cold-start"),
    ],
)
def test_one_side_only_needs_no_weighing(
    targets: tuple[Target, ...], plan: tuple[str, ...], reason: str
) -> None:
    decision = decide(*targets)
    assert (decision.plan, decision.reasons) == (plan, (reason,))


@pytest.mark.parametrize(("task", "first"), [("rule", "small"), ("far", "big")])
def test_a_declared_route_is_obeyed_and_not_checked(task: str, first: str) -> None:
    decision = decide(SMALL, BIG, caller=Caller(task=task))
    assert (decision.plan[0], decision.reasons[0]) == (first, "task-rule")
    assert not decision.verify


def test_without_a_local_model_a_route_to_it_is_no_rule() -> None:
    assert decide(BIG, caller=Caller(task="rule")).reasons == ("no-local",)


def test_the_preferred_local_model_is_asked_first() -> None:
    mid = msgspec.structs.replace(MID, local=True)
    for preferred, other in (("small", "mid"), ("mid", "small")):
        assert decide(SMALL, mid, local=preferred).plan == (preferred, other)


@given(
    st.floats(0.001, 0.5),
    st.floats(-1.0, 1.0),
)
def test_trying_never_costs_more_than_a_tenth_of_a_point(exploration: float, lost: float) -> None:
    odds = trial_odds(exploration, lost)
    assert 0 < odds <= exploration
    assert odds * lost <= DEAREST_TRIAL
    if lost <= 0:
        assert odds == exploration
