"""Several specialists of one task: who goes first, how often a canary does, and whose alarm."""

from __future__ import annotations

import msgspec
import pytest

from shortstop.config import Config, ContractConfig, RoutingConfig, TaskConfig
from shortstop.errors import NotFound
from shortstop.routing import LearnedRouter, Pair, State, UnlearnedRouter
from shortstop.routing.contract import Evidence
from shortstop.routing.directory import Directory
from shortstop.routing.lead import CANARY_SHARES, canary_share
from shortstop.types import Caller, Decision, Request, Target, TargetState, Text, ToolResult
from shortstop.types import Message as Turn
from tests.routing.test_constraints import BIG, OPEN, PINNED, SMALL, ask

ACME, RIVAL = Caller("acme", task="mail"), Caller("rival", task="mail")


def specialist(kind: str, state: TargetState = "live", number: int = 1) -> Target:
    name = f"{kind}-{number}"
    return Target(
        name, name, True, "shortstop", 32_768, frozenset({"json"}),
        tasks=frozenset({"mail"}), tenants=frozenset({"acme"}), state=state, specialist=kind,
    )  # fmt: skip


HEAD, COPY, CANARY = (
    specialist("label-head"), specialist("copy"), specialist("label-head", "canary", 2)
)  # fmt: skip


def router_of(
    *targets: Target, config: Config | None = None, state: State | None = None, **routing: float
) -> LearnedRouter:
    settings = RoutingConfig(landmarks=16, **{"exploration": 0.0, **routing})  # type: ignore[arg-type]
    named = {t.name: t for t in (*targets, BIG)}
    config = msgspec.structs.replace(config or Config(), routing=settings)
    return LearnedRouter(named, config, state)


def grant(
    router: LearnedRouter,
    target: Target,
    *,
    pairs: int = 30,
    loss: float = 0.0,
    owner: str = "acme",
) -> Evidence:
    """Evidence as if so many pairs had been seen."""
    evidence = router.state.evidence_for(owner, f"mail|{target.name}={target.model}")
    evidence.pairs, evidence.recent = pairs, loss
    return evidence


def question(number: int) -> Request:
    return msgspec.structs.replace(ask(f"handle this, number {number}"), id=f"r{number}")


def decide(router: LearnedRouter, number: int = 1, caller: Caller = ACME) -> Decision:
    return router.decide(question(number), OPEN, caller)


def test_specialists_come_first_in_their_order() -> None:
    targets = {t.name: t for t in (SMALL, CANARY, HEAD, BIG, COPY)}
    assert list(Directory(targets).serving("acme")) == [
        "label-head-2", "label-head-1", "copy-1", "small", "big",
    ]  # fmt: skip
    assert list(Directory(targets).serving("rival")) == ["small", "big"]


def test_all_that_are_supported_are_asked_before_the_frontier_and_the_general_model() -> None:
    router = router_of(SMALL, HEAD, COPY)
    grant(router, COPY)
    grant(router, HEAD)
    decision = decide(router)
    assert decision.plan == ("label-head-1", "copy-1", "big", "small")
    assert decision.reasons == ("specialist", "estimate", "cold-start", "audit")
    assert (decision.propensity, decision.verify, decision.score) == (1.0, True, 1.0)


def test_one_without_pairs_or_with_bad_ones_is_asked_unseen() -> None:
    router = router_of(HEAD, COPY)
    grant(router, COPY, loss=0.3)
    decision = decide(router)
    assert decision.plan == ("big", "label-head-1", "copy-1"), "they stand in where it fails"
    assert decision.shadow == ("label-head-1", "copy-1")
    assert decision.audited == ()


def test_pairs_that_were_seen_unseen_count_when_it_goes_live() -> None:
    state = router_of(specialist("copy", "shadow")).state
    router = router_of(specialist("copy", "shadow"), state=state)
    for number in range(20):
        assert decide(router, number).shadow == ("copy-1",)
        assert router.pair(Pair(f"r{number}", "big", "copy-1", 1.0))
    assert decide(router_of(COPY, state=state), 99).plan[0] == "copy-1"


def test_where_nothing_may_stay_without_proof_only_a_certificate_supports_it() -> None:
    strict = Config(contract=ContractConfig(uncertified="escalate"))
    router = router_of(HEAD, config=strict)
    evidence = grant(router, HEAD)
    assert decide(router).plan[0] == "big"
    evidence.certified, evidence.balance = 1.0, 20.0
    decision = decide(router, 2)
    assert decision.plan == ("label-head-1", "big")
    assert decision.reasons[:2] == ("specialist", "contract")
    evidence.balance = 0.0
    assert decide(router, 3).plan[0] == "big", "its account covers no bad answer"


def test_an_alarm_takes_it_out_of_every_plan_at_once() -> None:
    router = router_of(HEAD, COPY)
    grant(router, HEAD).alarmed = True
    grant(router, COPY)
    assert decide(router).plan == ("copy-1", "big")
    assert router.alarmed() == [(HEAD, "mail")]


def test_a_canary_answers_its_share_and_the_odds_are_logged() -> None:
    router = router_of(CANARY)
    evidence = grant(router, CANARY, pairs=60)
    for audited, share in ((0, 0.05), (20, 0.25)):
        evidence.audited = audited
        decisions = [decide(router, number) for number in range(3000)]
        served = [d for d in decisions if d.plan[0] == CANARY.name]
        assert len(served) / 3000 == pytest.approx(share, abs=0.02)
        assert {d.propensity for d in served} == {share}
        assert {d.propensity for d in decisions if d.plan[0] == "big"} == {1 - share}
        assert all("canary" in d.reasons for d in served)


def test_beside_its_predecessor_a_canary_takes_its_share_of_it() -> None:
    router = router_of(CANARY, HEAD)
    for target in (CANARY, HEAD):
        grant(router, target, pairs=60)
    plans = [decide(router, number).plan for number in range(400)]
    assert set(plans) == {
        ("label-head-2", "label-head-1", "big"), ("label-head-1", "big", "label-head-2")
    }  # fmt: skip


def test_the_shares_grow_with_what_was_served_and_compared() -> None:
    assert [canary_share(Evidence(audited=n)) for n in (0, 19, 20, 500)] == [0.05, 0.05, 0.25, 0.25]
    assert [least for least, _ in CANARY_SHARES] == [20, 0]


def test_for_another_tenant_it_does_not_exist() -> None:
    router = router_of(SMALL, HEAD)
    for owner in ("acme", "rival"):
        grant(router, HEAD, owner=owner)
    assert decide(router, caller=RIVAL).plan == ("big", "small")
    named = ask(model=HEAD.name)
    assert router.decide(named, OPEN, ACME).plan == (HEAD.name,)
    with pytest.raises(NotFound) as caught:
        router.decide(named, OPEN, RIVAL)
    assert HEAD.name not in caught.value.hint
    with pytest.raises(NotFound):
        UnlearnedRouter({t.name: t for t in (HEAD, BIG)}).decide(named, OPEN, RIVAL)


def test_a_pinned_request_may_be_answered_by_it() -> None:
    decision = router_of(SMALL, HEAD, COPY).decide(question(1), PINNED, ACME)
    assert decision.plan == ("label-head-1", "copy-1", "small")
    assert decision.shadow == decision.audited == ()


@pytest.mark.parametrize(
    ("route", "plan"),
    [("local", ("label-head-1", "small", "big")), ("frontier", ("big", "label-head-1", "small"))],
)
def test_a_task_s_rule_overrules_it(route: str, plan: tuple[str, ...]) -> None:
    config = Config(tasks={"mail": TaskConfig(route=route)})  # type: ignore[arg-type]
    assert decide(router_of(SMALL, HEAD, config=config)).plan == plan


def test_what_a_tool_said_goes_to_no_specialist_because_it_had_called_the_tool() -> None:
    router = router_of(SMALL, specialist("tools"))
    router.state.conversations["acme/c1"] = "tools-1"
    result = Turn("tool", (ToolResult("c", (Text("12"),)),))
    request = msgspec.structs.replace(ask(), messages=(*ask().messages, result))
    caller = Caller("acme", conversation="c1", task="mail")
    assert router.decide(request, OPEN, caller).plan[0] == "big"


def test_whoever_of_several_answers_is_the_one_that_is_audited() -> None:
    router = router_of(HEAD, COPY)
    for target in (HEAD, COPY):
        grant(router, target, pairs=60)
    rates = dict.fromkeys(("label-head-1", "copy-1"), 0)
    for number in range(2000):
        decision = decide(router, number)
        assert (decision.shadow == ("big",)) == bool(decision.audited)
        for name in decision.audited:
            rates[name] += 1
    for count in rates.values():
        assert count / 2000 == pytest.approx(0.25, abs=0.03), "draws of their own"


def test_a_request_counts_once_for_the_promise_over_everything() -> None:
    router = router_of(SMALL, HEAD, COPY)
    decide(router)
    for name in ("small", "label-head-1", "copy-1"):
        router.pair(Pair("r1", "big", name, 1.0))
    assert router.overall()["acme"].pairs == 1


def test_where_answers_pay_for_themselves_whoever_answered_pays() -> None:
    answers = Config(contract=ContractConfig(scope="answers"))
    router = router_of(HEAD, COPY, config=answers)
    accounts = [grant(router, target) for target in (HEAD, COPY)]
    decide(router)
    assert [one.balance for one in accounts] == [0.0, 0.0]
