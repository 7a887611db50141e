"""What one worker learns all know, once, and without a word of what was asked or answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shortstop.routing import Feedback, LearnedRouter, Prior, packaged
from shortstop.types import Caller, Decision, Finding, Look, Signals, Trace
from shortstop.workers import news
from shortstop.workers.context import WorkerContext
from shortstop.workers.news import News, NewsEvent
from shortstop.workers.shared_router import SharedRouter
from tests.routing.test_constraints import OPEN, PINNED, ask
from tests.routing.test_learner import trace
from tests.routing.test_router import MAIL, asked, graded, make

SIGNALS = Signals(40, 200, -0.5, -0.1, -0.01, -0.05, 0.05, finish="stop")


@pytest.fixture(scope="module")
def prior() -> Prior:
    return packaged()


class Worker:
    def __init__(self, folder: Path, index: int, prior: Prior) -> None:
        self.own: LearnedRouter = make(prior, exploration=0.0)
        self.own.state.draws = index << 40
        self.context = WorkerContext(folder, index)
        self.router = SharedRouter(self.own, self.context)
        self.context.listen(self.router.learn)

    def teach(self, start: int, n: int) -> list[Decision]:
        decisions = []
        for i in range(start, start + n):
            request = asked(i, f"sort mail number {i}")
            decision = self.router.decide(request, OPEN, MAIL)
            decisions.append(decision)
            if decision.shadow:
                self.router.pair(graded(request.id, 1.0), SIGNALS)
        return decisions


@pytest.fixture
def crew(tmp_path: Path, prior: Prior) -> Callable[[int], Worker]:
    return lambda index: Worker(tmp_path, index, prior)


def published(folder: Path) -> list[NewsEvent]:
    """Everything so far."""
    listener = WorkerContext(folder, 99)
    heard: list[NewsEvent] = []
    listener.listen(heard.append)
    return heard


def messages(folder: Path) -> list[News]:
    return [event.item for event in published(folder)]


def test_pairs_of_all_workers_convince_each_of_them(crew: Callable[[int], Worker]) -> None:
    one, two, three = crew(0), crew(1), crew(2)
    for i in range(0, 66, 3):
        one.teach(i, 1)
        two.teach(i + 1, 1)
        three.teach(i + 2, 1)
    for worker in (one, two, three):
        worker.context.catch_up()
    reports = [worker.own.contracts() for worker in (one, two, three)]
    assert reports[0] == reports[1] == reports[2]
    assert next(iter(reports[0].values())).pairs >= 50
    assert three.teach(900, 1)[0].plan[0] == "small"


def test_hearing_twice_teaches_nothing_twice(crew: Callable[[int], Worker], tmp_path: Path) -> None:
    one, two = crew(0), crew(1)
    one.teach(0, 20)
    two.context.catch_up()
    before = two.own.contracts(), two.own.state.gaps["small=smol-135"].rows
    for event in published(tmp_path):
        two.router.learn(event)
    assert (two.own.contracts(), two.own.state.gaps["small=smol-135"].rows) == before


def test_news_that_breaks_the_router_keeps_nobody_from_starting(
    crew: Callable[[int], Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays on the bus: each start would meet it again."""
    one = crew(0)
    one.teach(0, 5)
    broken = one.own.state.pending["r2"]

    def adopt(self: LearnedRouter, id: str, pending: object) -> None:
        if id == "r2":
            raise ValueError(broken)
        real(self, id, pending)  # type: ignore[arg-type]

    real = LearnedRouter.apply_remote_decision
    monkeypatch.setattr(LearnedRouter, "apply_remote_decision", adopt)
    two = crew(1)
    assert set(two.own.state.pending) == {"r0", "r1", "r3", "r4"}
    assert "learning from another worker failed" in caplog.text


def test_an_answer_that_is_heard_twice_is_credited_once(
    crew: Callable[[int], Worker], tmp_path: Path
) -> None:
    """As by a worker that starts from what was saved, and hears the bus from its beginning."""
    one, two = crew(0), crew(1)
    request = asked(1, "sort mail")
    row = trace(request, one.router.decide(request, OPEN, MAIL), 1.0)
    one.router.observe(row)
    two.context.catch_up()
    costs = msgspec.json.encode(two.own.state.costs)
    for event in published(tmp_path):
        two.router.learn(event)
    assert costs != b"{}"
    assert msgspec.json.encode(two.own.state.costs) == costs


def test_a_successor_knows_what_its_predecessor_learned(crew: Callable[[int], Worker]) -> None:
    one = crew(0)
    one.teach(0, 30)
    one.context.close()
    assert crew(0).own.contracts() == one.own.contracts()


def test_an_outcome_may_come_home_to_another_worker(crew: Callable[[int], Worker]) -> None:
    one, two = crew(0), crew(1)
    request = asked(1, "sort mail")
    one.router.decide(request, OPEN, MAIL)
    subject = two.router.feedback(Feedback(request.id, label=False))
    assert subject is not None
    assert subject.target == "small"
    assert one.router.feedback(Feedback(request.id, label=False)) is None, "it is known by now"


def test_a_lost_audit_is_charged_everywhere(crew: Callable[[int], Worker]) -> None:
    one, two = crew(0), crew(1)
    one.teach(0, 400)
    request, decision = next(
        (request, decision)
        for request in (asked(i, f"sort mail number {i}") for i in range(500, 900))
        if (decision := one.router.decide(request, OPEN, MAIL)).shadow == ("big",)
    )
    assert decision.plan[0] == "small"
    two.context.catch_up()
    (evidence,) = two.own.state.evidence["default"].values()
    before = evidence.balance
    assert one.router.lost(request.id, "small")
    assert not one.router.lost(request.id, "small")
    two.context.catch_up()
    assert evidence.balance < before


def test_what_changes_nothing_is_not_published(
    crew: Callable[[int], Worker], tmp_path: Path
) -> None:
    one = crew(0)
    one.router.decide(ask("secret"), PINNED, MAIL)
    one.router.decide(ask("secret", model="big"), OPEN, MAIL)
    assert not one.router.pair(graded("nobody", 1.0))
    assert not one.router.lost("nobody", "small")
    assert one.router.feedback(Feedback("nobody", label=True)) is None
    assert messages(tmp_path) == []


def test_no_word_leaves_the_worker(crew: Callable[[int], Worker], tmp_path: Path) -> None:
    one = crew(0)
    request = asked(1, "the word is xylophone")
    decision = one.router.decide(request, OPEN, MAIL)
    finding = Finding("x", OPEN.tier, "rule", "$.xylophone")
    row: Trace = trace(request, decision, 1.0)
    row = msgspec.structs.replace(
        row,
        clearance=msgspec.structs.replace(OPEN, findings=(finding,)),
        request={"messages": "xylophone"},
        response={"choices": "xylophone"},
    )
    one.router.observe(row)
    said = Feedback(request.id, correction="xylophone", answer="a xylophone", source="reviewer")
    assert one.router.feedback(said)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("news-*.log"))
    assert b"sort" not in written
    assert b"xylophone" not in written
    (judged,) = [item for item in messages(tmp_path) if isinstance(item, news.Judged)]
    assert judged.feedback.score is not None, "its grade does"


def test_it_looks_at_answers_like_its_own_router(crew: Callable[[int], Worker]) -> None:
    one = crew(0)
    unsure = msgspec.structs.replace(SIGNALS, logprob_p10=-9.0)
    decision = Decision(("small", "big"), "mail", 0.6, 0.5, 1.0, "t")
    for signals in (SIGNALS, unsure):
        look = Look(ask(), decision, "small", signals, "text")
        assert one.router.accept(look) == one.own.accept(look)
        assert one.router.doubts(look) == one.own.doubts(look)
    assert one.router.grader("mail") is None


def test_no_answer_fails_because_the_others_cannot_be_told(
    crew: Callable[[int], Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = crew(0)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(one.context._bus, "publish", full)
    assert one.router.decide(asked(1, "sort mail"), OPEN, Caller()).plan
    assert "could not be informed" in caplog.text


def test_workers_that_cannot_be_heard_or_told_cost_no_decision(
    crew: Callable[[int], Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    one = crew(0)
    monkeypatch.setattr(one.context, "catch_up", broken)
    monkeypatch.setattr(one.context, "publish", broken)
    decision = one.router.decide(asked(1, "sort mail"), OPEN, MAIL)
    assert decision.router != "none", "the router itself is whole"
    assert "the other workers failed" in caplog.text
