"""A specialist is one more target: asked unseen on its task, measured, certified, then chosen."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from shortstop.config import Config, ContractConfig, RoutingConfig
from shortstop.errors import InvalidRequest, NotFound, PrivacyRefused
from shortstop.routing import LearnedRouter, Pair, PendingOutcome, Prior, State, packaged
from shortstop.types import Caller, Clearance, Decision, Request, Target, TargetState
from tests.routing.test_constraints import BIG, OPEN, PINNED, SMALL, ask

MAIL, PROSE = Caller(task="mail"), Caller(task="prose")
MAILER = Target(
    "mailer", "mailer-1", True, "embedded", 2048, frozenset({"json"}), tasks=frozenset({"mail"})
)
QUALITY = {("mail", "small"): 0.0, ("prose", "small"): 1.0, ("mail", "mailer"): 1.0}
"""How good each model is: the general one cannot sort mail."""


@pytest.fixture(scope="module")
def prior() -> Prior:
    return packaged()


CONFIG = Config(
    routing=RoutingConfig(landmarks=64, exploration=0.0),
    contract=ContractConfig(max_quality_loss=0.1, uncertified="escalate"),
)


def router_of(prior: Prior, mailer: TargetState, state: State | None = None) -> LearnedRouter:
    targets = {"small": SMALL, "mailer": msgspec.structs.replace(MAILER, state=mailer), "big": BIG}
    return LearnedRouter(targets, CONFIG, state, prior)


def question(number: int) -> Request:
    return msgspec.structs.replace(ask(f"please handle this, number {number}"), id=f"r{number}")


def serve(router: LearnedRouter, number: int, caller: Caller) -> Decision:
    """Decide, and compare with the frontier's whatever answers are there: served or unseen."""
    decision = router.decide(question(number), OPEN, caller)
    answers = {decision.plan[0], *decision.shadow}
    for target in answers - {"big"} if "big" in answers else ():
        router.pair(Pair(f"r{number}", "big", target, QUALITY[decision.task, target]))
    return decision


def run(router: LearnedRouter, start: int, n: int) -> dict[str, list[Decision]]:
    """Mail and prose in turns; the decisions by task."""
    decisions: dict[str, list[Decision]] = {"mail": [], "prose": []}
    for i in range(start, start + n):
        decision = serve(router, i, MAIL if i % 2 else PROSE)
        decisions[decision.task].append(decision)
    return decisions


def test_it_is_asked_unseen_on_its_task_only_and_gathers_its_own_evidence(prior: Prior) -> None:
    router = router_of(prior, "shadow")
    decisions = run(router, 0, 1400)
    for decision in decisions["mail"] + decisions["prose"]:
        assert "mailer" not in decision.plan
    assert all("mailer" not in d.shadow for d in decisions["prose"])
    assert all("mailer" in d.shadow for d in decisions["mail"][:50]), "until it is set up, always"
    later = ["mailer" in d.shadow for d in decisions["mail"][50:]]
    assert 0.2 < sum(later) / len(later) < 0.3, "then at shadow_rate"
    reports = router.contracts()
    asked = sum("mailer" in d.shadow for d in decisions["mail"])
    assert set(reports) == {"mail|small=smol-135", "prose|small=smol-135", "mail|mailer=mailer-1"}
    own = reports["mail|mailer=mailer-1"]
    assert (own.standing, own.pairs, own.mean_loss) == ("certified", asked, 0.0)
    assert reports["mail|small=smol-135"].certified_share < 0.1
    assert reports["prose|small=smol-135"].standing == "certified"


def test_once_live_it_is_chosen_where_certified_and_on_no_other_task(prior: Prior) -> None:
    state = router_of(prior, "shadow").state
    run(router_of(prior, "shadow", state), 0, 1400)
    router = router_of(prior, "live", state)
    decisions = run(router, 2000, 300)
    assert all("mailer" not in (*d.plan, *d.shadow) for d in decisions["prose"])
    mail = decisions["mail"]
    assert all(d.plan[0] == "mailer" for d in mail), "while it was unseen requests paid in for it"
    assert all(d.reasons[0] == "contract" for d in mail)
    assert any("audit" in d.reasons and d.shadow == ("big",) for d in mail), "and it is audited"


def test_an_uncertified_specialist_is_not_chosen(prior: Prior) -> None:
    router = router_of(prior, "live")
    assert all(d.plan[0] == "big" for d in run(router, 0, 100)["mail"])


def test_where_a_local_model_is_served_the_frontier_is_asked_as_well(prior: Prior) -> None:
    """There is nothing else to measure the specialist by; what is served is then compared too."""
    state = router_of(prior, "candidate").state
    run(router_of(prior, "candidate", state), 0, 1400)
    writer = msgspec.structs.replace(MAILER, tasks=frozenset({"prose"}), state="shadow")
    targets = {"small": SMALL, "mailer": writer, "big": BIG}
    router = LearnedRouter(targets, CONFIG, state, prior)
    asked: Counter[tuple[str, ...]] = Counter()
    for i in range(3000, 3040):
        decision = router.decide(question(i), OPEN, PROSE)
        if decision.plan[0] == "small":
            asked[decision.shadow] += 1
    assert set(asked) == {("big", "mailer")}
    assert sum(asked.values()) > 20


def test_of_a_pinned_request_it_sees_nothing(prior: Prior) -> None:
    decision = router_of(prior, "shadow").decide(ask(), PINNED, MAIL)
    assert decision.plan == ("small",)
    assert decision.shadow == ()


@pytest.mark.parametrize("state", ["candidate", "retired"])
def test_a_candidate_and_a_retired_target_are_never_asked(prior: Prior, state: TargetState) -> None:
    router = router_of(prior, state)
    for decision in run(router, 0, 100)["mail"]:
        assert "mailer" not in (*decision.plan, *decision.shadow)
    with pytest.raises(NotFound):
        router.decide(ask(model="mailer"), OPEN, MAIL)


def test_a_canary_serves_like_a_live_one(prior: Prior) -> None:
    state = router_of(prior, "shadow").state
    run(router_of(prior, "shadow", state), 0, 1400)
    mail = run(router_of(prior, "canary", state), 2000, 300)["mail"]
    assert mail[-1].plan[0] == "mailer"


def test_a_shadow_target_does_not_exist_for_clients(prior: Prior) -> None:
    with pytest.raises(NotFound) as caught:
        router_of(prior, "shadow").decide(ask(model="mailer"), OPEN, MAIL)
    assert "mailer" not in caught.value.hint


def test_a_specialist_named_for_another_task_says_which_it_answers(prior: Prior) -> None:
    router = router_of(prior, "live")
    assert router.decide(ask(model="mailer"), OPEN, MAIL).plan == ("mailer",)
    with pytest.raises(InvalidRequest, match="'prose', only: mail"):
        router.decide(ask(model="mailer"), OPEN, PROSE)


@pytest.mark.parametrize("clearance", [OPEN, PINNED])
def test_specialists_alone_answer_nothing_else(prior: Prior, clearance: Clearance) -> None:
    router = LearnedRouter({"mailer": MAILER}, Config(), None, prior)
    assert router.decide(ask(), clearance, MAIL).plan == ("mailer",)
    with pytest.raises(PrivacyRefused if clearance is PINNED else InvalidRequest):
        router.decide(ask(), clearance, PROSE)


def test_nobody_serves_says_so(prior: Prior) -> None:
    waiting = msgspec.structs.replace(MAILER, state="candidate")
    with pytest.raises(NotFound, match="No model is configured"):
        LearnedRouter({"mailer": waiting}, Config(), None, prior).decide(ask(), OPEN, MAIL)


def test_a_key_that_may_not_use_it_does_not_show_it_its_requests(prior: Prior) -> None:
    caller = Caller(task="mail", targets=frozenset({"small", "big"}))
    assert "mailer" not in router_of(prior, "shadow").decide(ask(), OPEN, caller).shadow


def test_what_is_addressed_to_the_local_models_is_shown_to_no_remote_one(prior: Prior) -> None:
    remote = msgspec.structs.replace(BIG, name="next", model="next", state="shadow")
    routing = RoutingConfig(landmarks=64, shadow_rate=1.0)
    targets = {"small": SMALL, "next": remote, "big": BIG}
    router = LearnedRouter(targets, Config(routing=routing), None, prior)
    assert "next" in router.decide(ask(), OPEN, MAIL).shadow
    assert router.decide(ask(model="local"), OPEN, MAIL).shadow == ()


def test_without_a_frontier_it_is_compared_with_what_was_served_and_proves_nothing(
    prior: Prior,
) -> None:
    shadow = msgspec.structs.replace(MAILER, state="shadow")
    routing = RoutingConfig(landmarks=64, shadow_rate=1.0)
    router = LearnedRouter({"small": SMALL, "mailer": shadow}, Config(routing=routing), None, prior)
    decision = router.decide(question(1), OPEN, MAIL)
    assert (decision.plan, decision.shadow) == (("small",), ("mailer",))
    assert not router.pair(Pair("r1", "small", "mailer", 1.0))
    assert not router.contracts()


def test_the_overall_promise_speaks_of_what_was_served(prior: Prior) -> None:
    """A specialist's unseen answers are no part of it, however bad they are."""
    router = router_of(prior, "shadow")
    for i in range(200):
        decision = router.decide(question(i), OPEN, MAIL)
        for target in decision.shadow:
            router.pair(Pair(f"r{i}", "big", target, float(target == "small")))
    assert router.overall()["default"].mean_loss == 0
    assert router.contracts()["mail|mailer=mailer-1"].mean_loss == 1


def test_requests_are_credited_to_one_account_each(prior: Prior) -> None:
    router = router_of(prior, "shadow")
    run(router, 0, 300)
    evidence = router.state.evidence["default"]
    accounts = [evidence[f"mail|{name}"].balance for name in ("small=smol-135", "mailer=mailer-1")]
    assert min(accounts) > 0
    assert sum(accounts) <= 150 * 0.1, "each of 150 requests of mail once"


def test_alone_with_the_frontier_it_is_the_one_that_is_credited(prior: Prior) -> None:
    shadow = msgspec.structs.replace(MAILER, state="shadow")
    config = Config(routing=RoutingConfig(landmarks=64, exploration=0.0))
    router = LearnedRouter({"mailer": shadow, "big": BIG}, config, None, prior)
    for i in range(100):
        decision = serve(router, i, MAIL)
        assert (decision.plan, decision.reasons) == (("big",), ("no-local",))
    (evidence,) = router.state.evidence["default"].values()
    assert evidence.pairs >= 50
    assert evidence.balance == pytest.approx(99 * 0.02), "every request after its first pair"


def test_what_another_worker_drew_is_learned_from_here_too(prior: Prior) -> None:
    one, two = router_of(prior, "shadow"), router_of(prior, "shadow")
    for i in range(60):
        _, pending = one.decide_with_pending(question(i), OPEN, MAIL)
        assert pending is not None
        sent = msgspec.msgpack.encode(pending)
        two.apply_remote_decision(f"r{i}", msgspec.msgpack.decode(sent, type=PendingOutcome))
        for candidate in pending.candidates:
            pair = Pair(f"r{i}", "big", candidate.target, 1.0)
            assert one.pair(pair) == two.pair(pair) is True
    assert one.contracts() == two.contracts()
