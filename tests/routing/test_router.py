"""The router's promises: honest cold start, learning, odds, stickiness, determinism, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from shortstop.config import Config, ContractConfig, RoutingConfig, TaskConfig
from shortstop.errors import StoreError
from shortstop.routing import (
    Feedback,
    LearnedRouter,
    Pair,
    Prior,
    State,
    dump_state,
    load_state,
    packaged,
)
from shortstop.types import (
    Attempt,
    Caller,
    Clearance,
    Decision,
    Look,
    Message,
    Party,
    Request,
    Signals,
    Text,
    Thinking,
    Tier,
    ToolResult,
    Trace,
)
from tests.routing.test_constraints import BIG, OPEN, PINNED, SMALL, ask

TARGETS = {"small": SMALL, "big": BIG}
MAIL = Caller(task="mail")


@pytest.fixture(scope="module")
def prior() -> Prior:
    return packaged()


def make(prior: Prior, state: State | None = None, **routing: object) -> LearnedRouter:
    config = Config(routing=msgspec.structs.replace(RoutingConfig(landmarks=64), **routing))
    return LearnedRouter(TARGETS, config, state, prior)


def asked(number: int, text: str) -> Request:
    return msgspec.structs.replace(ask(text), id=f"r{number}")


def graded(request_id: str, value: float, candidate: str = "small", **more: Any) -> Pair:
    """A candidate's answer beside that of the frontier."""
    return Pair(request_id, "big", candidate, value, **more)


def teach(
    router: LearnedRouter, n: int, quality: float, start: int = 0, text: str = "sort mail"
) -> None:
    for i in range(start, start + n):
        request = asked(i, f"{text} number {i}")
        if router.decide(request, OPEN, MAIL).shadow:
            compared = router.state.pending[request.id].candidates[0].target
            router.pair(graded(request.id, quality, compared))


def test_the_first_request_of_a_task_escalates_and_is_shadowed(prior: Prior) -> None:
    decision = make(prior).decide(ask(), OPEN, MAIL)
    assert decision.plan[0] == "big"
    assert decision.reasons == ("cold-start",)
    assert decision.shadow == ("small",)


def test_a_model_that_agrees_gets_the_task(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    teach(router, 60, 1.0)
    decision = router.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan == ("small", "big")
    assert decision.score > 0.8


def waiting(seconds: dict[str, float]) -> Callable[[str, Party], float]:
    return lambda name, party: seconds[name]


@pytest.mark.parametrize(("rounds", "reason"), [(60, "estimate"), (1400, "contract")])
def test_a_good_local_answer_is_not_worth_any_queue(prior: Prior, rounds: int, reason: str) -> None:
    """Waiting is charged at the operator's price, under a certificate as well."""
    first = make(prior, exploration=0.0)
    teach(first, rounds, 1.0)
    request = asked(9999, "sort mail number 9999")
    for seconds, target in ((0.0, "small"), (1.0, "small"), (600.0, "big")):
        config = Config(routing=RoutingConfig(landmarks=64, exploration=0.0))
        waits = {"small": seconds, "big": 0.0}
        router = LearnedRouter(TARGETS, config, first.state, prior, waiting(waits))
        decision = router.decide(request, OPEN, MAIL)
        assert (decision.plan[0], decision.reasons[0]) == (target, reason), seconds


def test_a_model_that_disagrees_does_not(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    teach(router, 60, 0.0)
    decision = router.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan[0] == "big"
    assert decision.score < 0.5


def test_without_a_frontier_all_stays_and_says_how_sure(prior: Prior) -> None:
    decision = LearnedRouter({"small": SMALL}, Config(), None, prior).decide(ask(), OPEN, MAIL)
    assert decision.plan == ("small",)
    assert decision.reasons == ("no-frontier",)
    assert 0 <= decision.score <= 1


def test_strict_contract_keeps_nothing_local_before_proof(prior: Prior) -> None:
    contract = ContractConfig(uncertified="escalate", max_quality_loss=0.05)
    config = Config(contract=contract, routing=RoutingConfig(landmarks=64, exploration=0.1))
    router = LearnedRouter(TARGETS, config, None, prior)
    firsts = set()
    for i in range(80):
        request = asked(i, f"sort mail {i}")
        decision = router.decide(request, OPEN, MAIL)
        firsts.add(decision.plan[0])
        router.pair(graded(request.id, 1.0))
    assert firsts == {"big"}
    for i in range(80, 1400):
        request = asked(i, f"sort mail {i}")
        router.decide(request, OPEN, MAIL)
        router.pair(graded(request.id, 1.0))
    decision = router.decide(asked(5000, "sort mail 5000"), OPEN, MAIL)
    assert "contract" in decision.reasons
    assert next(iter(router.contracts().values())).standing == "certified"


@pytest.mark.parametrize(("route", "first"), [("local", "small"), ("frontier", "big")])
def test_a_declared_task_may_be_ruled(prior: Prior, route: str, first: str) -> None:
    task = msgspec.convert({"route": route, "match": "triage"}, TaskConfig)
    router = LearnedRouter(TARGETS, Config(tasks={"mail": task}), None, prior)
    assert router.decide(ask(), OPEN, MAIL).plan[0] == first
    system = Message("system", (Text("You triage mail."),))
    request = ask(messages=(system, Message("user", (Text("hello"),))))
    assert router.decide(request, OPEN, Caller()).task == "mail"


def test_the_odds_of_all_plans_sum_to_one(prior: Prior) -> None:
    base = make(prior, exploration=0.0)
    teach(base, 60, 1.0)
    saved = dump_state(base.state)
    seen: dict[tuple[str, ...], float] = {}
    counts: dict[tuple[str, ...], int] = {}
    for seed in range(400):
        state = load_state(saved)
        state.seed = seed
        router = make(prior, state, exploration=0.2)
        decision = router.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
        seen[decision.plan] = decision.propensity
        counts[decision.plan] = counts.get(decision.plan, 0) + 1
    assert sum(seen.values()) == pytest.approx(1.0)
    for plan, odds in seen.items():
        assert counts[plan] / 400 == pytest.approx(odds, abs=0.07)


def test_a_model_that_always_loses_is_hardly_ever_tried_on_a_client(prior: Prior) -> None:
    router = make(prior, exploration=0.3)
    teach(router, 80, 0.0)
    requests = [asked(1_000 + i, f"sort mail {i}") for i in range(1_500)]
    tried = [router.decide(request, OPEN, MAIL).plan[0] == "small" for request in requests]
    assert sum(tried) <= 6, "0.1 % of 1,500, where 30 % would be 450"


def test_same_seed_and_order_same_decisions(prior: Prior) -> None:
    def story() -> list[Decision]:
        router = make(prior, exploration=0.3)
        found = []
        for i in range(120):
            request = asked(i, f"question {i % 7} about mail")
            found.append(router.decide(request, OPEN, MAIL))
            router.pair(graded(request.id, float(i % 3 > 0)))
        return found

    assert story() == story()


def test_a_restart_forgets_nothing(prior: Prior) -> None:
    router = make(prior, exploration=0.3)
    teach(router, 90, 0.9)
    again = make(prior, load_state(dump_state(router.state)), exploration=0.3)
    assert dump_state(again.state) == dump_state(router.state)
    for i in range(200, 260):
        request = asked(i, f"sort mail {i}")
        assert again.decide(request, OPEN, MAIL) == router.decide(request, OPEN, MAIL)
        assert again.pair(graded(request.id, 1.0)) == router.pair(graded(request.id, 1.0))
    assert dump_state(again.state) == dump_state(router.state)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"shortstop-brain-2\n\xff\x00"])
def test_a_damaged_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError):
        load_state(data)


def test_duplicates_and_strangers_do_not_count(prior: Prior) -> None:
    router = make(prior)
    router.decide(ask(), OPEN, MAIL)
    assert router.pair(graded("r1", 1.0))
    assert not router.pair(graded("r1", 0.0))
    assert not router.pair(graded("nobody", 1.0))
    assert router.feedback(Feedback("r1", label=False))
    assert not router.feedback(Feedback("r1", label=True)), "one voice a source"
    assert router.feedback(Feedback("r1", score=0.9, source="reviewer"))
    assert not router.feedback(Feedback("nobody", label=True))
    assert not router.feedback(Feedback("r1", source="judge")), "says nothing"


def test_feedback_moves_estimates_and_is_no_evidence(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    teach(router, 60, 1.0)
    pairs = next(iter(router.contracts().values())).pairs
    before = router.decide(asked(900, "sort mail number 900"), OPEN, MAIL).score
    for i in range(901, 1000):
        router.decide(asked(i, f"sort mail number {i}"), OPEN, MAIL)
        router.feedback(Feedback(f"r{i}", label=False))
    after = router.decide(asked(1001, "sort mail number 1001"), OPEN, MAIL).score
    assert after < before - 0.2
    assert next(iter(router.contracts().values())).pairs == pairs


def test_where_people_grade_only_their_word_is_evidence(prior: Prior) -> None:
    task = msgspec.convert({"grader": "human"}, TaskConfig)
    router = LearnedRouter(TARGETS, Config(tasks={"mail": task}), None, prior)
    router.decide(ask(), OPEN, MAIL)
    assert not router.pair(graded("r1", 1.0)), "a program's likeness does not count here"
    assert router.feedback(Feedback("r1", label=True, source="user"))
    assert not router.contracts()
    assert router.feedback(Feedback("r1", label=True, source="reviewer"))
    assert next(iter(router.contracts().values())).pairs == 1


def test_nothing_of_a_pinned_request_is_kept(prior: Prior) -> None:
    router = make(prior)
    before = dump_state(router.state)
    router.decide(ask("my card number is secret"), PINNED, MAIL)
    router.decide(ask("my card number is secret"), PINNED, Caller())
    assert not router.state.pending
    assert router.state.clusters is not None
    assert not router.state.clusters.names, "no embedding of it either"
    assert len(dump_state(router.state)) <= len(before) + 8


def test_another_model_behind_the_same_name_starts_anew(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    teach(router, 60, 1.0)
    swapped = {"small": msgspec.structs.replace(SMALL, model="other"), "big": BIG}
    new = LearnedRouter(swapped, Config(), router.state, prior)
    decision = new.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan[0] == "big"
    assert decision.reasons == ("cold-start",)


OTHER = msgspec.structs.replace(SMALL, name="other", model="other")


def two(prior: Prior, state: State | None = None, **routing: object) -> LearnedRouter:
    """A router with two local models."""
    config = Config(routing=msgspec.structs.replace(RoutingConfig(landmarks=64), **routing))
    return LearnedRouter({"small": SMALL, "other": OTHER, "big": BIG}, config, state, prior)


def test_a_second_local_model_comes_to_know_the_task_unseen(prior: Prior) -> None:
    router = two(prior, exploration=0.0)
    asked_of: set[str] = set()
    for i in range(140):
        request = asked(i, f"sort mail number {i}")
        decision = router.decide(request, OPEN, MAIL)
        asked_of.update(decision.shadow)
        if decision.shadow:
            # The first model is bad at it, the second good.
            assert decision.plan[0] == "big" or decision.shadow == ("big",)
            who = router.state.pending[request.id].candidates[0].target
            router.pair(graded(request.id, float(who == "other"), who))
    assert {"small", "other"} <= asked_of
    decision = router.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan[0] == "other"


def test_of_two_good_local_models_the_cheaper_goes_first(prior: Prior) -> None:
    def first(usd: dict[str, float]) -> str:
        """Exploration lets both become known, whoever was first to be trusted."""
        state = two(prior).state
        teach(two(prior, state, exploration=0.2), 400, 1.0)
        router = two(prior, state, exploration=0.0, usd_per_call=usd)
        return router.decide(asked(999, "sort mail number 999"), OPEN, MAIL).plan[0]

    assert first({"small": 0.0001, "other": 0.00001}) == "other"
    assert first({"small": 0.00001, "other": 0.0001}) == "small"


def test_what_a_conversation_s_own_model_answers_counts_for_it(prior: Prior) -> None:
    """Also where another local model would have been first."""
    router = two(prior, local="small", exploration=0.0)
    teach(router, 200, 1.0)
    served(router, "other")
    loop = (Message("user", (Text("go"),)), Message("tool", (ToolResult("c", (Text("done"),)),)))
    caller = Caller(task="mail", conversation="c1")
    decision = router.decide(ask(messages=loop), OPEN, caller)
    assert decision.plan == ("other",)
    assert router.state.pending["r1"].candidates[0].target == "other"


def test_feedback_may_come_late_and_after_a_restart(prior: Prior) -> None:
    router = make(prior)
    first = asked(1, "sort mail")
    router.decide(first, OPEN, MAIL)
    teach(router, 60, 1.0, start=2)
    again = make(prior, load_state(dump_state(router.state)))
    assert again.feedback(Feedback(first.id, label=False))
    assert again.pair(graded(first.id, 0.0))
    late = make(prior, load_state(dump_state(again.state)))
    assert not late.feedback(Feedback(first.id, label=True)), "it has spoken"
    assert not late.pair(graded(first.id, 1.0)), "it was compared"


def served(router: LearnedRouter, target: str) -> None:
    """The conversation c1 was answered by `target`."""
    router.observe(
        Trace(
            id="t",
            at=0.0,
            tenant="default",
            dialect="openai.chat",
            model="auto",
            outcome="ok",
            status=200,
            stream=False,
            seconds=1.0,
            clearance=Clearance(Tier.S0, OPEN.reach),
            target=target,
            conversation="c1",
            attempts=(Attempt(target, target == "small", "ok", 1.0),),
        )
    )


@pytest.mark.parametrize("target", ["small", "big"])
def test_an_open_tool_loop_is_not_broken(prior: Prior, target: str) -> None:
    router = make(prior)
    served(router, target)
    loop = (
        Message("user", (Text("book it"),)),
        Message("assistant", (Text("calling"),)),
        Message("tool", (ToolResult("c", (Text("done"),)),)),
    )
    caller = Caller(task="mail", conversation="c1")
    decision = router.decide(ask(messages=loop), OPEN, caller)
    assert decision.plan == (target,)
    assert decision.reasons[0] == "sticky"


def test_signed_thinking_goes_back_to_a_frontier(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    teach(router, 60, 1.0)
    turns = (
        Message("user", (Text("sort mail"),)),
        Message("assistant", (Thinking("hm", signature="s"), Text("ok"))),
        Message("user", (Text("go on"),)),
    )
    decision = router.decide(ask(messages=turns), OPEN, MAIL)
    assert decision.plan == ("big",)
    assert decision.reasons == ("sticky",)


def test_the_second_look_learns_what_bad_answers_look_like(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    sure = Signals(40, 200, -0.5, -0.1, -0.01, -0.05, 0.05, finish="stop")
    unsure = Signals(40, 200, -6.0, -2.0, -0.6, -0.9, 1.2, finish="stop")
    draws = np.random.default_rng(0)
    for i in range(200):
        request = asked(i, f"sort mail {i}")
        router.decide(request, OPEN, MAIL)
        good = bool(draws.random() < 0.5)
        router.pair(graded(request.id, float(good)), sure if good else unsure)
    decision = Decision(("small", "big"), "mail", 0.6, 0.5, 1.0, "t")
    assert router.accept(Look(ask(), decision, "small", sure, ""))
    assert not router.accept(Look(ask(), decision, "small", unsure, ""))


def test_memory_is_bounded(prior: Prior) -> None:
    router = make(prior)
    for i in range(5000):
        router.state.conversations[str(i)] = "small"
        router.decide(asked(i, f"mail {i}"), OPEN, Caller(task="mail"))
    assert len(router.state.pending) <= 4096


def test_foreseeing_says_what_is_decided_then_and_changes_nothing(prior: Prior) -> None:
    """Learned rows, lots and accounts are as before, however often somebody asks why."""
    router = make(prior, exploration=0.5, shadow_rate=0.5)
    for number in range(30):
        request = asked(number, f"Which team handles refund {number}?")
        router.decide(request, OPEN, MAIL)
        router.pair(graded(request.id, 1.0))
    told: list[tuple[str, ...]] = []
    for number in range(100, 130):
        request = asked(number, f"Which team handles refund {number}?")
        before = dump_state(router.state), len(router.state.recent)
        foreseen = [router.foresee(request, OPEN, MAIL) for _ in range(3)]
        assert (dump_state(router.state), len(router.state.recent)) == before
        decided = router.decide(request, OPEN, MAIL)
        for one in foreseen:
            assert (one.plan, one.score, one.propensity, one.explored) == (
                decided.plan, decided.score, decided.propensity, decided.explored,
            )  # fmt: skip
            assert (one.shadow, one.audited) == ((), ())
        told.append(decided.plan)
    assert len(set(told)) > 1, "lots were drawn"
