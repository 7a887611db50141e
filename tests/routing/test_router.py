"""The brain's promises: honest cold start, learning, odds, stickiness, determinism, memory."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from shortstop.config import Config, ContractConfig, RoutingConfig, TaskConfig
from shortstop.errors import StoreError
from shortstop.routing import Feedback, LearnedRouter, Pair, Prior, State, packaged
from shortstop.types import (
    Attempt,
    Caller,
    Clearance,
    Decision,
    Look,
    Message,
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


def teach(
    brain: LearnedRouter, n: int, quality: float, start: int = 0, text: str = "sort mail"
) -> None:
    for i in range(start, start + n):
        request = asked(i, f"{text} number {i}")
        if brain.decide(request, OPEN, MAIL).shadow is not None:
            brain.pair(Pair(request.id, quality))


def test_the_first_request_of_a_task_escalates_and_is_shadowed(prior: Prior) -> None:
    decision = make(prior).decide(ask(), OPEN, MAIL)
    assert decision.plan[0] == "big"
    assert decision.reasons == ("cold-start",)
    assert decision.shadow == "small"


def test_a_model_that_agrees_gets_the_task(prior: Prior) -> None:
    brain = make(prior, exploration=0.0)
    teach(brain, 60, 1.0)
    decision = brain.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan == ("small", "big")
    assert decision.score > 0.8


def test_a_model_that_disagrees_does_not(prior: Prior) -> None:
    brain = make(prior, exploration=0.0)
    teach(brain, 60, 0.0)
    decision = brain.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
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
    brain = LearnedRouter(TARGETS, config, None, prior)
    firsts = set()
    for i in range(80):
        request = asked(i, f"sort mail {i}")
        decision = brain.decide(request, OPEN, MAIL)
        firsts.add(decision.plan[0])
        brain.pair(Pair(request.id, 1.0))
    assert firsts == {"big"}
    for i in range(80, 1400):
        request = asked(i, f"sort mail {i}")
        brain.decide(request, OPEN, MAIL)
        brain.pair(Pair(request.id, 1.0))
    decision = brain.decide(asked(5000, "sort mail 5000"), OPEN, MAIL)
    assert "contract" in decision.reasons
    assert next(iter(brain.contracts().values())).standing == "certified"


@pytest.mark.parametrize(("route", "first"), [("local", "small"), ("frontier", "big")])
def test_a_declared_task_may_be_ruled(prior: Prior, route: str, first: str) -> None:
    task = msgspec.convert({"route": route, "match": "triage"}, TaskConfig)
    brain = LearnedRouter(TARGETS, Config(tasks={"mail": task}), None, prior)
    assert brain.decide(ask(), OPEN, MAIL).plan[0] == first
    system = Message("system", (Text("You triage mail."),))
    request = ask(messages=(system, Message("user", (Text("hello"),))))
    assert brain.decide(request, OPEN, Caller()).task == "mail"


def test_the_odds_of_all_plans_sum_to_one(prior: Prior) -> None:
    base = make(prior, exploration=0.0)
    teach(base, 60, 1.0)
    saved = base.snapshot()
    seen: dict[tuple[str, ...], float] = {}
    counts: dict[tuple[str, ...], int] = {}
    for seed in range(400):
        state = State.restore(saved)
        state.seed = seed
        brain = make(prior, state, exploration=0.2)
        decision = brain.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
        seen[decision.plan] = decision.propensity
        counts[decision.plan] = counts.get(decision.plan, 0) + 1
    assert sum(seen.values()) == pytest.approx(1.0)
    for plan, odds in seen.items():
        assert counts[plan] / 400 == pytest.approx(odds, abs=0.07)


def test_same_seed_and_order_same_decisions(prior: Prior) -> None:
    def story() -> list[Decision]:
        brain = make(prior, exploration=0.3)
        found = []
        for i in range(120):
            request = asked(i, f"question {i % 7} about mail")
            found.append(brain.decide(request, OPEN, MAIL))
            brain.pair(Pair(request.id, float(i % 3 > 0)))
        return found

    assert story() == story()


def test_a_restart_forgets_nothing(prior: Prior) -> None:
    brain = make(prior, exploration=0.3)
    teach(brain, 90, 0.9)
    again = make(prior, State.restore(brain.snapshot()), exploration=0.3)
    assert again.snapshot() == brain.snapshot()
    for i in range(200, 260):
        request = asked(i, f"sort mail {i}")
        assert again.decide(request, OPEN, MAIL) == brain.decide(request, OPEN, MAIL)
        assert again.pair(Pair(request.id, 1.0)) == brain.pair(Pair(request.id, 1.0))
    assert again.snapshot() == brain.snapshot()


@pytest.mark.parametrize("data", [b"", b"nonsense", b"shortstop-brain-2\n\xff\x00"])
def test_a_damaged_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError):
        State.restore(data)


def test_duplicates_and_strangers_do_not_count(prior: Prior) -> None:
    brain = make(prior)
    brain.decide(ask(), OPEN, MAIL)
    assert brain.pair(Pair("r1", 1.0))
    assert not brain.pair(Pair("r1", 0.0))
    assert not brain.pair(Pair("nobody", 1.0))
    assert brain.feedback(Feedback("r1", label=False))
    assert not brain.feedback(Feedback("r1", label=True)), "one voice a source"
    assert brain.feedback(Feedback("r1", score=0.9, source="human"))
    assert not brain.feedback(Feedback("nobody", label=True))
    assert not brain.feedback(Feedback("r1", source="judge")), "says nothing"


def test_feedback_moves_estimates_and_is_no_evidence(prior: Prior) -> None:
    brain = make(prior, exploration=0.0)
    teach(brain, 60, 1.0)
    pairs = next(iter(brain.contracts().values())).pairs
    before = brain.decide(asked(900, "sort mail number 900"), OPEN, MAIL).score
    for i in range(901, 1000):
        brain.decide(asked(i, f"sort mail number {i}"), OPEN, MAIL)
        brain.feedback(Feedback(f"r{i}", label=False))
    after = brain.decide(asked(1001, "sort mail number 1001"), OPEN, MAIL).score
    assert after < before - 0.2
    assert next(iter(brain.contracts().values())).pairs == pairs


def test_where_people_grade_only_their_word_is_evidence(prior: Prior) -> None:
    task = msgspec.convert({"grader": "human"}, TaskConfig)
    brain = LearnedRouter(TARGETS, Config(tasks={"mail": task}), None, prior)
    brain.decide(ask(), OPEN, MAIL)
    assert not brain.pair(Pair("r1", 1.0)), "a program's likeness does not count here"
    assert brain.feedback(Feedback("r1", label=True, source="user"))
    assert not brain.contracts()
    assert brain.feedback(Feedback("r1", label=True, source="human"))
    assert next(iter(brain.contracts().values())).pairs == 1


def test_nothing_of_a_pinned_request_is_kept(prior: Prior) -> None:
    brain = make(prior)
    before = brain.snapshot()
    brain.decide(ask("my card number is secret"), PINNED, MAIL)
    brain.decide(ask("my card number is secret"), PINNED, Caller())
    assert not brain.state.pending
    assert brain.state.kinds is not None
    assert not brain.state.kinds.names, "no embedding of it either"
    assert len(brain.snapshot()) <= len(before) + 8


def test_another_model_behind_the_same_name_starts_anew(prior: Prior) -> None:
    brain = make(prior, exploration=0.0)
    teach(brain, 60, 1.0)
    swapped = {"small": msgspec.structs.replace(SMALL, model="other"), "big": BIG}
    new = LearnedRouter(swapped, Config(), brain.state, prior)
    decision = new.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan[0] == "big"
    assert decision.reasons == ("cold-start",)


OTHER = msgspec.structs.replace(SMALL, name="other", model="other")


def two(prior: Prior, state: State | None = None, **routing: object) -> LearnedRouter:
    """A brain with two local models."""
    config = Config(routing=msgspec.structs.replace(RoutingConfig(landmarks=64), **routing))
    return LearnedRouter({"small": SMALL, "other": OTHER, "big": BIG}, config, state, prior)


def test_a_second_local_model_comes_to_know_the_task_unseen(prior: Prior) -> None:
    brain = two(prior, exploration=0.0)
    asked_of = set()
    for i in range(140):
        request = asked(i, f"sort mail number {i}")
        decision = brain.decide(request, OPEN, MAIL)
        asked_of.add(decision.shadow)
        if decision.shadow is not None:
            # The first model is bad at it, the second good.
            assert decision.plan[0] == "big" or decision.shadow == "big"
            who = brain.state.pending[request.id].local
            brain.pair(Pair(request.id, float(who == "other")))
    assert {"small", "other"} <= asked_of
    decision = brain.decide(asked(999, "sort mail number 999"), OPEN, MAIL)
    assert decision.plan[0] == "other"


def test_of_two_good_local_models_the_cheaper_goes_first(prior: Prior) -> None:
    def first(usd: dict[str, float]) -> str:
        """Exploration lets both become known, whoever was first to be trusted."""
        state = two(prior).state
        teach(two(prior, state, exploration=0.2), 400, 1.0)
        brain = two(prior, state, exploration=0.0, usd_per_call=usd)
        return brain.decide(asked(999, "sort mail number 999"), OPEN, MAIL).plan[0]

    assert first({"small": 0.0001, "other": 0.00001}) == "other"
    assert first({"small": 0.00001, "other": 0.0001}) == "small"


def test_what_a_conversation_s_own_model_answers_counts_for_it(prior: Prior) -> None:
    """Also where another local model would have been first."""
    brain = two(prior, local="small", exploration=0.0)
    teach(brain, 200, 1.0)
    served(brain, "other")
    loop = (Message("user", (Text("go"),)), Message("tool", (ToolResult("c", (Text("done"),)),)))
    caller = Caller(task="mail", conversation="c1")
    decision = brain.decide(ask(messages=loop), OPEN, caller)
    assert decision.plan == ("other",)
    assert brain.state.pending["r1"].local == "other"


def test_feedback_may_come_late_and_after_a_restart(prior: Prior) -> None:
    brain = make(prior)
    first = asked(1, "sort mail")
    brain.decide(first, OPEN, MAIL)
    teach(brain, 60, 1.0, start=2)
    again = make(prior, State.restore(brain.snapshot()))
    assert again.feedback(Feedback(first.id, label=False))
    assert again.pair(Pair(first.id, 0.0))
    late = make(prior, State.restore(again.snapshot()))
    assert not late.feedback(Feedback(first.id, label=True)), "it has spoken"
    assert not late.pair(Pair(first.id, 1.0)), "it was compared"


def served(brain: LearnedRouter, target: str) -> None:
    """The conversation c1 was answered by `target`."""
    brain.observe(
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
    brain = make(prior)
    served(brain, target)
    loop = (
        Message("user", (Text("book it"),)),
        Message("assistant", (Text("calling"),)),
        Message("tool", (ToolResult("c", (Text("done"),)),)),
    )
    caller = Caller(task="mail", conversation="c1")
    decision = brain.decide(ask(messages=loop), OPEN, caller)
    assert decision.plan == (target,)
    assert decision.reasons[0] == "sticky"


def test_signed_thinking_goes_back_to_a_frontier(prior: Prior) -> None:
    brain = make(prior, exploration=0.0)
    teach(brain, 60, 1.0)
    turns = (
        Message("user", (Text("sort mail"),)),
        Message("assistant", (Thinking("hm", signature="s"), Text("ok"))),
        Message("user", (Text("go on"),)),
    )
    decision = brain.decide(ask(messages=turns), OPEN, MAIL)
    assert decision.plan == ("big",)
    assert decision.reasons == ("sticky",)


def test_the_second_look_learns_what_bad_answers_look_like(prior: Prior) -> None:
    brain = make(prior, exploration=0.0)
    sure = Signals(40, 200, -0.5, -0.1, -0.01, -0.05, 0.05, finish="stop")
    unsure = Signals(40, 200, -6.0, -2.0, -0.6, -0.9, 1.2, finish="stop")
    draws = np.random.default_rng(0)
    for i in range(200):
        request = asked(i, f"sort mail {i}")
        brain.decide(request, OPEN, MAIL)
        good = bool(draws.random() < 0.5)
        brain.pair(Pair(request.id, float(good)), sure if good else unsure)
    decision = Decision(("small", "big"), "mail", 0.6, 0.5, 1.0, "t")
    assert brain.accept(Look(ask(), decision, "small", sure, ""))
    assert not brain.accept(Look(ask(), decision, "small", unsure, ""))


def test_memory_is_bounded(prior: Prior) -> None:
    brain = make(prior)
    for i in range(5000):
        brain.state.conversations[str(i)] = "small"
        brain.decide(asked(i, f"mail {i}"), OPEN, Caller(task="mail"))
    assert len(brain.state.pending) <= 4096
