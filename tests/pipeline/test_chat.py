"""The pipeline's promises: one row for every request, kept before the end leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from decimal import Decimal

import msgspec
import pytest
from msgspec import UNSET

from shortstop.errors import NotFound, PrivacyRefused, ShortstopError, UpstreamFailed
from shortstop.pipeline.chat import Pipeline
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.record import Bookkeeping
from shortstop.server.exchange import explained
from shortstop.serving.cascade import Cascade
from shortstop.serving.models import Models
from shortstop.types import (
    Answer,
    Attempt,
    Bill,
    Caller,
    Chunk,
    Clearance,
    Cleared,
    Decision,
    Look,
    Message,
    Reach,
    Reply,
    Request,
    Text,
    Trace,
)
from tests.conftest import FakeClock
from tests.serving.test_cascade import OPEN, TARGETS, USED, OpenGuard, Script

REQUEST = Request(
    id="req_1",
    dialect="openai.chat",
    body={"model": "auto", "messages": [{"role": "user", "content": "Where is my card?"}]},
    model="auto",
    messages=(Message("user", (Text("Where is my card?"),)),),
)
STREAMED = msgspec.structs.replace(REQUEST, stream=True)
CALLER = Caller(tenant="acme", conversation="c1")


class FixedRouter:
    def __init__(self, error: ShortstopError | None = None) -> None:
        self.error = error

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        if self.error is not None:
            raise self.error
        return Decision(
            plan=("small", "big"),
            task="mail",
            score=0.6,
            threshold=0.5,
            propensity=0.98,
            router="test-1",
            reasons=("cold-start",),
        )

    def accept(self, look: Look) -> bool:
        return True

    def doubts(self, look: Look) -> bool:
        return False


class TokenBooks:
    """A dollar a token, two for the frontier."""

    def __init__(self) -> None:
        self.answered: list[Attempt | None] = []

    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        self.answered.append(answered)
        tokens = sum(a.usage.completion for a in attempts if a.usage)
        return Bill(
            cost=Decimal(tokens),
            cost_local=Decimal(tokens),
            cost_remote=Decimal(0),
            counterfactual=Decimal(2 * tokens),
            baseline="big",
        )


class Shelf:
    """Remembers rows, and in which order things happened."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.opened: list[Trace] = []
        self.rows: list[Trace] = []

    def open(self, trace: Trace) -> None:
        self.events.append("opened")
        self.opened.append(trace)

    def append(self, trace: Trace) -> None:
        self.events.append("appended")
        self.rows.append(trace)


class House:
    def __init__(
        self,
        small: Script,
        big: Script,
        router: FixedRouter | None = None,
        guard: OpenGuard | None = None,
    ) -> None:
        self.shelf, self.books = Shelf(), TokenBooks()
        self.seen: list[Trace] = []
        chosen = router or FixedRouter()
        clock = FakeClock()
        cascade = Cascade(
            models=Models(TARGETS, {"small": small}, {"big": big}, guard or OpenGuard()),
            check=chosen,
            agree=lambda task, one, other: float(one == other),
            clock=clock,
            commit_tokens=2,
        )
        self.pipeline = Pipeline(
            clearing=Clearing(guard or OpenGuard()),
            router=chosen,
            cascade=cascade,
            books=Bookkeeping(self.books, self.shelf, clock, (self.seen.append,)),
        )

    @property
    def row(self) -> Trace:
        assert len(self.shelf.rows) == 1, "one request, one row"
        return self.shelf.rows[0]


def chunks_of(answer: Answer) -> AsyncGenerator[Chunk, None]:
    assert answer.chunks is not None
    return answer.chunks


async def test_a_whole_answer_is_on_the_books_before_it_is_returned() -> None:
    house = House(Script("On its way."), Script())
    answer = await house.pipeline.answer(REQUEST, CALLER)
    assert answer.reply is not None
    row = house.row
    assert (row.outcome, row.status, row.target, row.local) == ("ok", 200, "small", True)
    assert (row.tenant, row.conversation, row.id) == ("acme", "c1", "req_1")
    assert row.bill is not None
    assert row.bill.saved == 3
    assert row.decision is not None
    assert row.decision.propensity == 0.98
    assert row.response is not None
    assert row.clearance.case is UNSET, "how a verdict came about is not recorded"
    assert house.seen == house.shelf.rows


class Unprepared(OpenGuard):
    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        raise PrivacyRefused("names could not be read")


class PlacingRouter(FixedRouter):
    """The frontier, unless the request must stay."""

    def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
        plan = ("small",) if clearance.reach >= Reach.LOCAL_ONLY else ("big",)
        return msgspec.structs.replace(super().decide(request, clearance, caller), plan=plan)


async def test_what_cannot_be_made_safe_to_leave_stays() -> None:
    for request in (REQUEST, STREAMED):
        house = House(Script("Here."), Script("There."), PlacingRouter(), Unprepared())
        answer = await house.pipeline.answer(request, CALLER)
        if request.stream:
            assert "".join([c.text async for c in chunks_of(answer)]).strip() == "Here."
        assert house.row.target == "small"
        assert house.row.clearance.reach == Reach.LOCAL_ONLY
        assert [a.target for a in house.row.attempts] == ["big", "small"]


async def test_the_answer_tells_who_answered_why_and_for_how_much() -> None:
    answer = await House(Script("Yes."), Script()).pipeline.answer(REQUEST, CALLER)
    headers = explained(answer)
    assert headers["x-shortstop-target"] == "small"
    assert headers["x-shortstop-task"] == "mail"
    assert headers["x-shortstop-tier"] == OPEN.tier.name
    assert headers["x-shortstop-decision"].startswith("cold-start;score=0.600")
    assert Decimal(headers["x-shortstop-cost"]) == 3
    assert Decimal(headers["x-shortstop-saved"]) == 3


async def test_a_stream_is_opened_at_the_commit_and_appended_before_its_end() -> None:
    house = House(Script("one two three"), Script())
    answer = await house.pipeline.answer(STREAMED, CALLER)
    assert house.shelf.events == ["opened"]
    assert house.shelf.opened[0].outcome == "interrupted", "what recovery will say after a kill"
    async for _ in chunks_of(answer):
        assert house.shelf.events == ["opened"]
    assert house.shelf.events == ["opened", "appended"]
    assert house.row.outcome == "ok"
    assert house.row.id == house.shelf.opened[0].id


async def test_a_stream_that_the_client_leaves_is_on_the_books_as_cancelled() -> None:
    house = House(Script("one two three four five six"), Script())
    answer = await house.pipeline.answer(STREAMED, CALLER)
    chunks = chunks_of(answer)
    await anext(chunks)
    await chunks.aclose()
    assert (house.row.outcome, house.row.status) == ("cancelled", 499)
    assert house.row.usage is not None
    assert house.row.usage.estimated


async def test_a_stream_that_breaks_is_on_the_books_as_an_error() -> None:
    house = House(Script("one two three", UpstreamFailed("gone")), Script())
    answer = await house.pipeline.answer(STREAMED, CALLER)
    with pytest.raises(UpstreamFailed):
        async for _ in chunks_of(answer):
            pass
    assert (house.row.outcome, house.row.status) == ("error", 502)


async def test_a_failure_of_every_target_is_one_row_with_every_attempt() -> None:
    down = UpstreamFailed("down")
    house = House(Script(error=down), Script(error=down))
    with pytest.raises(UpstreamFailed):
        await house.pipeline.answer(REQUEST, CALLER)
    assert house.row.outcome == "error"
    assert [a.target for a in house.row.attempts] == ["small", "big"]


class Doubtful(FixedRouter):
    def accept(self, look: Look) -> bool:
        return False


async def test_the_attempt_that_answered_is_billed_not_the_last_one() -> None:
    """The frontier fails after a local draft: the draft is the answer."""
    house = House(Script("Maybe."), Script(error=UpstreamFailed("down")), Doubtful())
    answer = await house.pipeline.answer(REQUEST, CALLER)
    assert answer.reply is not None
    assert answer.reply.text == "Maybe."
    assert [a.target for a in house.row.attempts] == ["small", "big"]
    assert house.row.target == "small"
    assert house.row.usage == USED
    assert house.books.answered == [house.row.attempts[0]]


async def test_a_request_that_nobody_may_serve_is_recorded_as_refused() -> None:
    house = House(Script(), Script(), FixedRouter(NotFound("no such model")))
    with pytest.raises(NotFound):
        await house.pipeline.answer(REQUEST, CALLER)
    assert (house.row.outcome, house.row.status, house.row.decision) == ("refused", 404, None)


async def test_cancelling_before_the_answer_is_one_cancelled_row() -> None:
    class Slow(Script):
        async def answer(self, request: Request | Cleared) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

    house = House(Slow(), Script())
    task = asyncio.create_task(house.pipeline.answer(REQUEST, CALLER))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert house.row.outcome == "cancelled"
    assert house.row.attempts[0].outcome == "cancelled"


async def test_the_same_question_has_the_same_digest_whatever_its_id() -> None:
    first, second = House(Script("a"), Script()), House(Script("b"), Script())
    await first.pipeline.answer(REQUEST, CALLER)
    await second.pipeline.answer(msgspec.structs.replace(REQUEST, id="req_2"), CALLER)
    assert first.row.digest == second.row.digest
