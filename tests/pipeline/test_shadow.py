"""Shadow runs: unseen, one at a time, booked, measured by the reference, never lost in silence."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from shortstop.errors import EngineBusy, PartlyAnswered, ShortstopError
from shortstop.pipeline.record import Bookkeeping
from shortstop.pipeline.shadow import MAX_WAITING, Shadows, Side
from shortstop.serving.second import SecondLook
from shortstop.types import (
    Choice,
    Clearance,
    Decision,
    Helpers,
    Message,
    Reply,
    Request,
    Signals,
    Target,
    Text,
    ToolCall,
    Trace,
    Usage,
)
from tests.conftest import FakeClock
from tests.pipeline.test_chat import Shelf, TokenBooks
from tests.serving.test_cascade import OPEN

SMALL = Target("small", "small", local=True, provider="embedded", context=2048)
SORTER = Target(
    "sorter", "sorter", local=True, provider="x", context=2048, state="shadow", specialist="label"
)
MAILER = Target("mailer", "mailer", local=True, provider="x", context=2048, state="shadow")
BIG = Target("big", "big", local=False, provider="openai", context=8192)
NEXT = Target("next", "next", local=False, provider="openai", context=8192, state="shadow")
TARGETS = {target.name: target for target in (SMALL, MAILER, BIG, NEXT, SORTER)}
REQUEST = Request(
    "r1",
    "openai.chat",
    {"model": "auto", "stream": True, "stream_options": {"include_usage": True}, "seed": 7},
    "auto",
    (Message("user", (Text("Where is my card?"),)),),
    stream=True,
)


def trace_of(plan: tuple[str, ...], asked: tuple[str, ...], id: str = "r1") -> Trace:
    return Trace(
        id=id, at=1.0, tenant="acme", dialect="openai.chat", model="auto", outcome="ok",
        status=200, stream=True, seconds=0.1, clearance=OPEN,
        decision=Decision(
            plan, "mail", 0.6, 0.5, 1.0, "test", shadow=asked,
            audited=plan[:1] if plan[0] == "small" and "big" in asked else (),
        ),
        target=plan[0], local=TARGETS[plan[0]].local, request={"kept": True}, first_byte=0.01,
    )  # fmt: skip


def side(target: str, text: str = "served") -> Side:
    signals = Signals(3, 6) if TARGETS[target].local else None
    return Side(Choice(parts=(Text(text),), finish="stop"), TARGETS[target], signals)


def agreement(task: str, one: str, other: str) -> tuple[float, Helpers]:
    return float(one == other), Helpers(0.0, 0.0)


class Bench:
    """Shadows whose targets answer with their own name, or fail."""

    def __init__(self, failing: dict[str, Exception] | None = None, *, agree: bool = False) -> None:
        self.failing = failing or {}
        self.asked: list[tuple[str, Request]] = []
        self.compared: list[tuple[str, str, int]] = []
        self.texts: list[tuple[str, str]] = []
        self.signals: list[Signals | None] = []
        self.lost: list[tuple[str, str]] = []
        self.observed: list[Trace] = []
        self.shelf = Shelf()
        self.gate = asyncio.Event()
        self.gate.set()
        self.running = self.most_running = 0
        self.shadows = Shadows(
            targets=TARGETS,
            ask=self._ask,
            compare=self._compare,
            lose=lambda trace, candidate: self.lost.append((trace.id, candidate)),
            second=SecondLook(agreement) if agree else None,
            books=Bookkeeping(TokenBooks(), self.shelf, FakeClock(), (self.observed.append,)),
        )

    async def _ask(self, target: str, request: Request, clearance: Clearance) -> Reply:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.asked.append((target, request))
        try:
            if target != "sorter":
                await self.gate.wait()
            if target in self.failing:
                raise self.failing[target]
        finally:
            self.running -= 1
        choice = Choice(parts=(Text(f"{target} says"),), finish="stop")
        return Reply("x", target, (choice,), Usage(input=5, output=3))

    async def _compare(
        self, request: Request, trace: Trace, candidate: Side, reference: Side, number: int
    ) -> None:
        if "compare" in self.failing:
            raise self.failing["compare"]
        self.compared.append((candidate.target.name, reference.target.name, number))
        self.texts.append((candidate.text, reference.text))
        self.signals.append(candidate.signals)

    async def run(self, plan: tuple[str, ...], *asked: str, answered: str | None = None) -> None:
        """Offer one run and wait until it is done."""
        trace = trace_of(plan, asked)
        self.shadows.offer(REQUEST, OPEN, trace, side(answered or plan[0]))
        await self.settled()

    async def settled(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


async def test_the_local_model_is_asked_and_compared_with_the_frontier_s_answer() -> None:
    bench = Bench()
    await bench.run(("big", "small"), "small")
    assert [name for name, _ in bench.asked] == ["small"]
    assert bench.compared == [("small", "big", 0)]
    assert bench.texts == [("small says", "served")]
    assert bench.signals[0] is not None
    assert not bench.lost


async def test_an_audit_asks_the_frontier_and_measures_what_was_served() -> None:
    bench = Bench()
    await bench.run(("small", "big"), "big")
    assert bench.compared == [("small", "big", 0)]
    assert bench.texts == [("served", "big says")]


async def test_several_candidates_are_each_compared_with_the_one_reference() -> None:
    bench = Bench()
    await bench.run(("small", "big"), "big", "mailer")
    assert [name for name, _ in bench.asked] == ["big", "mailer"], "the reference first"
    assert bench.compared == [("small", "big", 0), ("mailer", "big", 1)]
    assert bench.most_running == 1


async def test_a_remote_target_in_shadow_is_a_candidate_not_the_reference() -> None:
    bench = Bench()
    await bench.run(("small", "big"), "big", "next")
    assert bench.compared == [("small", "big", 0), ("next", "big", 1)]
    bench = Bench()
    await bench.run(("big", "small"), "next")
    assert bench.compared == [("next", "big", 0)]


async def test_without_a_remote_answer_what_was_served_is_the_reference() -> None:
    bench = Bench()
    await bench.run(("small",), "mailer")
    assert bench.compared == [("mailer", "small", 0)]


async def test_who_answered_after_all_is_not_asked_again() -> None:
    """The audit of a local answer that did not convince: the frontier has answered already."""
    bench = Bench()
    await bench.run(("small", "big"), "big", answered="big")
    assert not bench.asked
    assert not bench.lost
    await bench.run(("small", "big"), "big", "mailer", answered="big")
    assert bench.compared == [("mailer", "big", 0)]


async def test_it_is_asked_whole_and_nothing_of_the_stream_is_left() -> None:
    bench = Bench()
    await bench.run(("big", "small"), "small")
    (_, request) = bench.asked[0]
    assert not request.stream
    assert request.body == {"model": "auto", "seed": 7}


async def test_every_answer_is_booked_as_its_own_row_before_it_is_compared() -> None:
    bench = Bench()
    await bench.run(("small", "big"), "big", "mailer")
    big, mailer = bench.shelf.rows
    assert (big.id, mailer.id) == ("r1-shadow", "r1-shadow-2")
    assert (big.target, mailer.target) == ("big", "mailer")
    for row in (big, mailer):
        assert (row.outcome, row.stream, row.first_byte) == ("shadow", False, None)
        assert row.request == {"kept": True}
        assert row.response is not None
        assert row.bill is not None
        assert (row.bill.cost, row.bill.counterfactual) == (3, 0)
    assert bench.observed == bench.shelf.rows


async def test_a_second_answer_of_a_local_model_shows_what_agreement_is_worth() -> None:
    bench = Bench(agree=True)
    await bench.run(("big", "small"), "small", "next")
    assert [name for name, _ in bench.asked] == ["next", "small", "small"], "no remote one"
    assert bench.signals[1] is not None
    assert bench.signals[1].agreement == 1.0
    assert bench.shelf.rows[1].usage == Usage(input=10, output=6)


@pytest.mark.parametrize("failure", [EngineBusy("full"), RuntimeError("a bug")])
async def test_a_candidate_that_fails_is_lost_and_the_others_are_compared(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench({"mailer": failure})
    await bench.run(("small", "big"), "big", "mailer")
    assert bench.compared == [("small", "big", 0)]
    assert bench.lost == [("r1", "mailer")]
    assert "a shadow run failed" in caplog.text
    assert "a bug" not in caplog.text, "an exception's text may hold what was asked"


async def test_without_its_reference_everything_is_lost_and_nobody_else_is_asked() -> None:
    bench = Bench({"big": EngineBusy("down")})
    await bench.run(("small", "big"), "big", "mailer")
    assert [name for name, _ in bench.asked] == ["big"]
    assert bench.lost == [("r1", "small"), ("r1", "mailer")]


async def test_a_comparison_that_fails_is_lost_and_the_next_run_goes_on() -> None:
    bench = Bench({"compare": ShortstopError("no")})
    await bench.run(("big", "small"), "small")
    assert bench.lost == [("r1", "small")]
    del bench.failing["compare"]
    await bench.run(("big", "small"), "small")
    assert bench.compared == [("small", "big", 0)]


async def test_beyond_the_queue_runs_are_dropped_counted_and_lost() -> None:
    bench = Bench()
    bench.gate.clear()
    for i in range(MAX_WAITING + 3):
        trace = trace_of(("big", "small"), ("small",), id=f"r{i}")
        bench.shadows.offer(REQUEST, OPEN, trace, side("big"))
        await asyncio.sleep(0)
    assert bench.shadows.dropped == 2, "one runs, the queue is full"
    assert bench.lost == [(f"r{MAX_WAITING + 1}", "small"), (f"r{MAX_WAITING + 2}", "small")]
    bench.gate.set()
    for _ in range(20):
        await bench.settled()
    assert len(bench.compared) == MAX_WAITING + 1
    assert bench.most_running == 1


async def test_at_the_end_what_runs_and_what_waits_is_lost_and_said_to_be() -> None:
    bench = Bench()
    bench.gate.clear()
    for i in range(3):
        trace = trace_of(("small", "big"), ("big",), id=f"r{i}")
        bench.shadows.offer(REQUEST, OPEN, trace, side("small"))
        await asyncio.sleep(0)
    await bench.shadows.close()
    assert bench.lost == [("r0", "small"), ("r1", "small"), ("r2", "small")]
    assert not bench.running


async def test_a_specialist_never_waits_for_a_model_that_generates() -> None:
    bench = Bench()
    bench.gate.clear()
    for i in range(2 * MAX_WAITING):
        trace = trace_of(("big", "small"), ("small",), id=f"slow{i}")
        bench.shadows.offer(REQUEST, OPEN, trace, side("big"))
        await asyncio.sleep(0)
    trace = trace_of(("big", "small"), ("small", "sorter"), id="both")
    bench.shadows.offer(REQUEST, OPEN, trace, side("big"))
    await bench.settled()
    assert bench.compared == [("sorter", "big", 1)]
    assert ("both", "small") in bench.lost, "the other lane was full"
    assert ("both", "sorter") not in bench.lost


async def test_nothing_drawn_nothing_run() -> None:
    bench = Bench()
    await bench.run(("big", "small"))
    assert not bench.asked
    await bench.shadows.close()


@pytest.mark.parametrize(
    ("said", "compared"),
    [
        ('{"id": "A7", "total": 4}', '{"id": "A7", "total": 9}'),
        ('```json\n{"id": "B1", "total": 4, "more": []}\n```', '{"id": "B1", "total": 9}'),
    ],
)
async def test_fields_that_a_specialist_leaves_out_are_the_reference_s(
    said: str, compared: str
) -> None:
    text = Choice(parts=(Text('{"id": null, "total": 9}'),), finish="stop")
    bench = Bench({"sorter": PartlyAnswered(Reply("x", "sorter", (text,)), ("id",))})
    bench.shadows.offer(REQUEST, OPEN, trace_of(("big",), ("sorter",)), side("big", said))
    await bench.settled()
    assert bench.texts == [(compared, said)]
    assert bench.signals[0] is not None
    assert not bench.lost


@pytest.mark.parametrize("said", ["served", '{"total": 4}', "[1]"])
async def test_a_reference_without_these_fields_is_no_comparison(said: str) -> None:
    text = Choice(parts=(Text('{"id": null, "total": 9}'),), finish="stop")
    bench = Bench({"sorter": PartlyAnswered(Reply("x", "sorter", (text,)), ("id",))})
    bench.shadows.offer(REQUEST, OPEN, trace_of(("big",), ("sorter",)), side("big", said))
    await bench.settled()
    assert not bench.compared
    assert bench.lost == [("r1", "sorter")]


@pytest.mark.parametrize(
    ("arguments", "spelled"),
    [
        ('{"id": 7}', '[["find",{"id":7}]]'),
        ('{"b": {"d": 1.0, "c": 2}, "a":[ "x" ]}', '[["find",{"a":["x"],"b":{"c":2,"d":1}}]]'),
        ("", '[["find",{}]]'),
        ("{broken", '[["find","{broken"]]'),
    ],
)
def test_calls_that_mean_the_same_are_compared_in_one_spelling(
    arguments: str, spelled: str
) -> None:
    call = ToolCall("c1", "find", arguments)
    answer = msgspec.structs.replace(side("small").choice, parts=(Text("let me see"), call))
    assert Side(answer, SMALL, None).text == spelled
