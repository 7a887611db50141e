"""Nobody teaches for others: what one tenant shows, says or spoils moves nobody else's promise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.config import Config, ContractConfig, RoutingConfig, TaskConfig
from shortstop.routing import Feedback, LearnedRouter, State, dump_state, load_state, packaged
from shortstop.routing.model import MIN_VOICE, Head
from shortstop.routing.state import MAX_EVIDENCE
from shortstop.types import Caller, Decision
from tests.routing.test_constraints import OPEN
from tests.routing.test_router import TARGETS, asked, graded
from tests.routing.test_snapshot import earlier

VICTIM, RIVAL = Caller(tenant="victim", task="mail"), Caller(tenant="rival", task="mail")


def router_of(contract: ContractConfig | None = None, **tasks: TaskConfig) -> LearnedRouter:
    config = Config(
        routing=RoutingConfig(landmarks=64, exploration=0.0),
        contract=contract or ContractConfig(),
        tasks=tasks,
    )
    return LearnedRouter(TARGETS, config, None, packaged())


def serve(router: LearnedRouter, caller: Caller, number: int, value: float) -> Decision:
    """One request, and its comparison if one was drawn; `value` is the local answer's grade."""
    request = asked(number, f"sort mail number {number}")
    decision = router.decide(request, OPEN, caller)
    if decision.shadow:
        router.pair(graded(request.id, value))
    return decision


def test_a_certificate_is_its_tenant_s_alone() -> None:
    router = router_of()
    for number in range(600):
        serve(router, RIVAL, number, 1.0)
    assert serve(router, RIVAL, 1000, 1.0).reasons[0] == "contract"
    assert serve(router, VICTIM, 1001, 1.0).reasons[0] == "cold-start"


def test_what_spoils_one_tenant_s_promise_spoils_no_other() -> None:
    router = router_of()
    for number in range(600):
        serve(router, VICTIM, number, 1.0)
    for number in range(600, 1600):
        serve(router, RIVAL, number, 1.0 if number < 1200 else 0.0)
    assert serve(router, RIVAL, 2000, 0.0).plan[0] == "big"
    assert router.contracts()["mail@victim|small=smol-135"].mean_loss == 0
    assert router.overall()["victim"].alarms == 0
    decision = serve(router, VICTIM, 2001, 1.0)
    assert (decision.plan[0], decision.reasons[0]) == ("small", "contract")


def test_tenants_that_trust_each_other_prove_together() -> None:
    router = router_of(ContractConfig(evidence="shared"))
    for number in range(600):
        serve(router, RIVAL, number, 1.0)
    assert serve(router, VICTIM, 1001, 1.0).reasons[0] == "contract"


def test_one_task_may_be_shared_where_others_are_not() -> None:
    router = router_of(mail=TaskConfig(contract=ContractConfig(evidence="shared")))
    for number in range(100):
        serve(router, RIVAL, number, 1.0)
        serve(router, Caller(tenant="rival", task="prose"), 500 + number, 1.0)
    assert list(router.contracts()) == ["mail|small=smol-135", "prose@rival|small=smol-135"]


@pytest.mark.parametrize("label", [True, False])
def test_what_a_rival_says_hardly_moves_what_is_expected_for_others(label: bool) -> None:
    router, other = router_of(), router_of()
    for number in range(60):
        for one in (router, other):
            serve(one, VICTIM, number, 1.0)
    for number in range(2000, 3000):
        request = asked(number, f"sort mail number {number}")
        other.decide(request, OPEN, RIVAL)
        assert other.feedback(Feedback(request.id, label=label, tenant="rival"))
    request = asked(5000, "sort mail number 5000")
    alone = router.decide(request, OPEN, VICTIM).score
    beside = other.decide(request, OPEN, VICTIM).score
    assert beside == pytest.approx(alone, abs=0.12)
    assert (
        other.decide(asked(5001, "sort mail number 5001"), OPEN, VICTIM).plan[0]
        == (router.decide(asked(5001, "sort mail number 5001"), OPEN, VICTIM).plan[0])
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "a", "a", "b", "c"]), max_size=400))
def test_as_soon_as_there_are_others_nobody_has_more_than_half_a_say(words: list[str]) -> None:
    head = Head(4)
    for tenant in words:
        others = head.rows - head.voices.get(tenant, 0.0)
        if head.hears(tenant):
            head.rows += 1.0
            assert not others or head.voices[tenant] <= others + MIN_VOICE + 1
    assert sum(head.voices.values()) == head.rows


def test_alone_a_tenant_is_heard_without_end() -> None:
    head = Head(4)
    for _ in range(500):
        assert head.hears("only")
        head.rows += 1.0


def test_names_without_end_do_not_fill_the_memory() -> None:
    state = State()
    state.evidence_for("victim", "mail|small").pairs = 1
    for number in range(MAX_EVIDENCE + 50):
        state.evidence_for("rival", f"t-{number}|small").pairs = 1 + number
    assert len(state.evidence["rival"]) == MAX_EVIDENCE
    assert state.evidence_of("rival", "t-0|small") is None, "it had the fewest pairs"
    assert state.evidence_of("victim", "mail|small") is not None


def test_who_was_heard_outlives_a_restart() -> None:
    router = router_of()
    serve(router, RIVAL, 1, 1.0)
    assert router.feedback(Feedback("r1", label=True, tenant="rival"))
    state = load_state(dump_state(router.state))
    assert [head.voices for head in state.heads.values()] == [{"rival": 1.0}]


def test_pooled_evidence_of_an_earlier_version_proves_nothing_for_several_tenants() -> None:
    state = load_state(earlier())
    assert list(state.evidence) == ["default"], "there was one tenant: it is its own"
