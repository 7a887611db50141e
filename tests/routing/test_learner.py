"""What clients do next teaches, each thing once; what is lost is charged."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from shortstop.config import Config, RoutingConfig, TaskConfig
from shortstop.routing import (
    Feedback,
    LearnedRouter,
    Prior,
    State,
    dump_state,
    load_state,
    marks_of,
    packaged,
)
from shortstop.routing.scorer import text_marks
from shortstop.types import (
    Attempt,
    Bill,
    Caller,
    Clearance,
    Decision,
    Look,
    Message,
    Reach,
    Request,
    Signals,
    Text,
    Tier,
    ToolResult,
    Trace,
    Usage,
)
from tests.routing.test_constraints import OPEN, PINNED, ask
from tests.routing.test_router import MAIL, TARGETS, asked, graded, make


@pytest.fixture(scope="module")
def prior() -> Prior:
    return packaged()


def trace(request: Request, decision: Decision, at: float, **more: object) -> Trace:
    row = Trace(
        id=request.id,
        at=at,
        tenant="default",
        dialect=request.dialect,
        model="auto",
        outcome="ok",
        status=200,
        stream=False,
        seconds=0.1,
        clearance=Clearance(Tier.S0, Reach.ANYWHERE),
        decision=decision,
        target=decision.plan[0],
        local=decision.plan[0] == "small",
        attempts=(Attempt(decision.plan[0], decision.plan[0] == "small", "ok", 0.1),),
        digest="same question",
    )
    return msgspec.structs.replace(row, **more)


def told(router: LearnedRouter, number: int, at: float, **more: object) -> Request:
    request = asked(number, "where is my parcel")
    router.observe(trace(request, router.decide(request, OPEN, MAIL), at, **more))
    return request


def grades(router: LearnedRouter) -> float:
    return sum(head.rows for head in router.state.heads.values())


def test_a_question_asked_again_soon_counts_against_its_first_answer(prior: Prior) -> None:
    router = make(prior)
    first = told(router, 1, at=1000.0)
    told(router, 2, at=1030.0)
    assert router.state.pending[first.id].heard == ["client:big"]
    assert grades(router) == 1


@pytest.mark.parametrize(
    ("later", "more"),
    [(1000.0 + 301, {}), (1010.0, {"digest": "another"}), (1010.0, {"tenant": "other"})],
)
def test_what_is_no_retry_teaches_nothing(
    prior: Prior, later: float, more: dict[str, object]
) -> None:
    router = make(prior)
    told(router, 1, at=1000.0)
    told(router, 2, at=later, **more)
    assert grades(router) == 0


def test_a_program_that_repeats_itself_is_not_heard(prior: Prior) -> None:
    router = make(prior)
    for i in range(20):
        told(router, i, at=1000.0 + i)
    assert grades(router) == 1


def test_a_failed_tool_counts_against_the_answer_that_called_it(prior: Prior) -> None:
    router = make(prior)
    caller = Caller(task="mail", conversation="c1")
    first = asked(1, "book a room")
    router.observe(trace(first, router.decide(first, OPEN, caller), 1.0, conversation="c1"))
    failed = ToolResult("call_1", (Text("no such room"),), is_error=True)
    second = msgspec.structs.replace(
        first, id="r2", messages=(*first.messages, Message("tool", (failed,)))
    )
    router.decide(second, OPEN, caller)
    assert router.state.pending[first.id].heard == ["client:big"]
    router.decide(msgspec.structs.replace(second, id="r3"), OPEN, caller)
    assert grades(router) == 1


def test_nothing_of_a_pinned_request_is_kept(prior: Prior) -> None:
    router = make(prior)
    request = asked(1, "secret")
    decision = router.decide(request, PINNED, MAIL)
    router.observe(trace(request, decision, 1.0))
    assert not router.state.recent
    assert not router.state.pending


def test_a_lost_audit_is_charged_the_most_once(prior: Prior) -> None:
    router = make(prior, exploration=0.0)
    for i in range(300):
        request = asked(i, f"sort mail {i}")
        decision = router.decide(request, OPEN, MAIL)
        if decision.shadow:
            router.pair(graded(request.id, 1.0))
    request, decision = next(
        (r, d)
        for r, d in ((r, router.decide(r, OPEN, MAIL)) for r in map(_mail, range(400, 800)))
        if d.plan[0] == "small" and d.shadow
    )
    (evidence,) = router.state.evidence["default"].values()
    before, odds = evidence.balance, router.state.pending[request.id].candidates[0].inclusion
    assert router.lost(request.id, "small")
    assert evidence.balance == pytest.approx(before - 1 / odds)
    assert not router.lost(request.id, "small")
    assert not router.pair(graded(request.id, 1.0))


def _mail(number: int) -> Request:
    return asked(number, f"sort mail {number}")


def test_a_lost_shadow_run_costs_nothing(prior: Prior) -> None:
    router = make(prior)
    request = asked(1, "sort mail")
    assert router.decide(request, OPEN, MAIL).shadow == ("small",)
    assert not router.lost(request.id, "small")


def test_only_the_judge_grades_what_is_for_the_judge(prior: Prior) -> None:
    config = Config(routing=RoutingConfig(), tasks={"mail": TaskConfig(grader="judge")})
    router = LearnedRouter(TARGETS, config, None, prior)
    request = asked(1, "sort mail")
    router.decide(request, OPEN, MAIL)
    assert not router.pair(graded(request.id, 0.0))
    assert router.pair(graded(request.id, 0.8, reference_value=0.9, source="judge"))
    assert [e.pairs for e in router.state.evidence["default"].values()] == [1]


def test_the_look_learns_from_what_answers_say(prior: Prior) -> None:
    """Answers whose sums do not add up are worse; their probabilities tell nothing."""
    router = make(prior, exploration=0.0)
    right, wrong = "3 + 4 = 7, so the answer is 7", "3 + 4 = 8, so the answer is 8"
    draws = np.random.default_rng(1)
    signals = marks_signals()
    for i in range(200):
        request = asked(i, f"add numbers {i}")
        router.decide(request, OPEN, MAIL)
        good = bool(draws.random() < 0.5)
        marks = marks_of(right if good else wrong, request)
        router.pair(graded(request.id, float(good), marks=marks), signals)
    decision = Decision(("small", "big"), "mail", 0.6, 0.5, 1.0, "t")
    assert router.accept(Look(ask("add numbers"), decision, "small", signals, right))
    assert not router.accept(Look(ask("add numbers"), decision, "small", signals, wrong))


def marks_signals() -> Signals:
    return Signals(12, 30, -0.5, -0.1, -0.01, -0.05, 0.05, finish="stop")


def test_marks_travel_as_numbers() -> None:
    request = ask("what is 3 + 4")
    assert marks_of("7", request) == tuple(text_marks("7", len("what is 3 + 4")).tolist())


def test_what_the_last_minutes_held_is_bounded(prior: Prior) -> None:
    state = State()
    for i in range(10_000):
        state.note_repeat(f"q{i}", f"r{i}", float(i))
        state.record_turn(f"c{i}", "small", f"r{i}")
    assert 4096 - 4096 // 16 <= len(state.recent) <= 4096
    assert state.last_in("c9999") == "r9999"


def test_bills_are_shared_out_among_calls(prior: Prior) -> None:
    router = make(prior)
    request = asked(1, "sort mail")
    decision = router.decide(request, OPEN, MAIL)
    bill = Bill(Decimal("0.02"), Decimal(0), Decimal("0.02"), Decimal("0.02"), "big")
    router.observe(trace(request, decision, 1.0, bill=bill))
    assert next(iter(router.state.costs.values())).usd == pytest.approx(0.02)


def test_a_second_answer_is_wanted_only_where_it_could_turn_the_verdict(prior: Prior) -> None:
    router = make(prior, exploration=0.0, second_answer=True)
    signals = marks_signals()
    decision = Decision(("small", "big"), "mail", 0.6, 0.6, 1.0, "t")
    assert not router.doubts(Look(ask(), decision, "small", signals, "x")), "nothing is known yet"
    for i in range(100):
        request = asked(i, f"sort mail {i}")
        score = router.decide(request, OPEN, MAIL).score
        router.pair(graded(request.id, float(i % 10 < 6)), signals)
    unsure = Decision(("small", "big"), "mail", score, score, 1.0, "t")
    sure = msgspec.structs.replace(unsure, threshold=0.1)
    assert router.doubts(Look(ask(), unsure, "small", signals, "x"))
    assert not router.doubts(Look(ask(), sure, "small", signals, "x"))
    told_already = msgspec.structs.replace(signals, agreement=1.0)
    assert not router.doubts(Look(ask(), unsure, "small", told_already, "x"))
    quiet = make(prior, router.state, second_answer=False)
    assert not quiet.doubts(Look(ask(), unsure, "small", signals, "x"))


def test_only_the_tenant_itself_may_speak_of_its_requests(prior: Prior) -> None:
    router = make(prior)
    request = asked(1, "sort mail")
    router.decide(request, OPEN, Caller(task="mail", tenant="acme"))
    assert not router.feedback(Feedback(request.id, score=0.0, tenant="rival"))
    assert router.feedback(Feedback(request.id, score=0.0, tenant="acme"))


def test_what_waited_for_a_vendors_batch_says_nothing_of_who_waits_for_an_answer(
    prior: Prior,
) -> None:
    router = make(prior)
    request = asked(1, "sort mail")
    decision = router.decide(request, OPEN, MAIL)
    hours = Attempt("big", False, "ok", 7200.0, usage=Usage(10, output=5, served=("batch",)))
    router.observe(trace(request, decision, 1.0, attempts=(hours,)))
    assert not router.state.costs


def answered(router: LearnedRouter, tokens: int, number: int, **more: object) -> None:
    request = asked(number, "sort mail")
    decision = router.decide(request, OPEN, MAIL)
    used = Usage(input=900, output=tokens, reasoning=5000)
    attempt = Attempt(decision.plan[0], decision.plan[0] == "small", "ok", 0.1, usage=used)
    router.observe(trace(request, decision, 1000.0 + number, **{"attempts": (attempt,), **more}))


def longest(router: LearnedRouter, caller: Caller = MAIL) -> int | None:
    return router.decide(asked(9999, "sort mail"), OPEN, caller).longest


def test_how_long_answers_to_a_task_are_is_learned_with_a_margin(prior: Prior) -> None:
    router = make(prior)
    for number in range(19):
        answered(router, 10 + number, number)
    assert longest(router) is None, "too few"
    answered(router, 20, 19)
    assert longest(router) == 2 * 28 + 16
    assert longest(router, Caller(task="other")) is None
    assert longest(router, Caller(tenant="another", task="mail")) is None
    assert load_state(dump_state(router.state)).lengths == router.state.lengths


def test_a_length_that_has_not_been_seen_for_long_is_forgotten(prior: Prior) -> None:
    router = make(prior)
    answered(router, 400, 0)
    for number in range(64):
        answered(router, 10, 1 + number)
    assert longest(router) == 36


def test_answers_that_nobody_was_given_have_no_length(prior: Prior) -> None:
    router = make(prior)
    pinned = {"clearance": Clearance(Tier.S3, Reach.LOCAL_ONLY)}
    for number in range(30):
        answered(router, 10, number, **({"outcome": "error"} if number % 2 else pinned))
    assert longest(router) is None
