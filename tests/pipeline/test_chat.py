"""The pipeline's promises: one row for every request, kept before the end leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from decimal import Decimal

import msgspec
import pytest
from msgspec import UNSET

from shortstop.errors import (
    NotFound,
    PrivacyRefused,
    QuotaExceeded,
    ShortstopError,
    TargetRefused,
    UpstreamFailed,
)
from shortstop.pipeline.chat import Pipeline
from shortstop.pipeline.clearing import LONG_BYTES, Clearing
from shortstop.pipeline.record import Bookkeeping
from shortstop.ports import Purser, ReplyGuard, Via
from shortstop.routing import UnlearnedRouter
from shortstop.server.exchange import explained
from shortstop.serving.cascade import Cascade
from shortstop.serving.models import Models
from shortstop.serving.second import SecondLook
from shortstop.types import (
    Admission,
    Answer,
    Attempt,
    Bill,
    Caller,
    Choice,
    Chunk,
    Clearance,
    Cleared,
    Decision,
    Helpers,
    Look,
    Message,
    Reach,
    Reply,
    Request,
    Target,
    Text,
    Tier,
    Trace,
)
from tests.conftest import FakeClock
from tests.serving.test_cascade import OPEN, PINNED, TARGETS, USED, OpenGuard, Script

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
        *,
        replies: ReplyGuard | None = None,
        purser: Purser | None = None,
    ) -> None:
        self.shelf, self.books = Shelf(), TokenBooks()
        self.seen: list[Trace] = []
        chosen = router or FixedRouter()
        clock = FakeClock()
        cascade = Cascade(
            models=Models(TARGETS, {"small": small}, {"big": big}, guard or OpenGuard()),
            check=chosen,
            second=SecondLook(lambda task, one, other: (float(one == other), Helpers(0.0, 0.0))),
            clock=clock,
            commit_tokens=2,
        )
        self.pipeline = Pipeline(
            clearing=Clearing(guard or OpenGuard()),
            router=chosen,
            unlearned=UnlearnedRouter(TARGETS),
            cascade=cascade,
            books=Bookkeeping(self.books, self.shelf, clock, (self.seen.append,), purser),
            replies=replies,
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
        async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
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


# ------------------------------------------------------------ what answers may tell


class Censor:
    """Knows one secret: "hunter2". Takes it out of answers, or refuses them, or lets them pass."""

    def __init__(self, *, reads: bool = True, refuses: bool = False) -> None:
        self._reads, self._refuses = reads, refuses

    def tier(self, reply: Reply, caller: Caller) -> Tier:
        return Tier.S3 if "hunter2" in reply.text else Tier.S0

    def reads(self, caller: Caller) -> bool:
        return self._reads

    def whole(self, reply: Reply, caller: Caller) -> Reply:
        return msgspec.structs.replace(reply, choices=(self._clean(reply.text),))

    async def stream(
        self, chunks: AsyncGenerator[Chunk, None], caller: Caller
    ) -> AsyncGenerator[Chunk, None]:
        async with aclosing(chunks):
            text = "".join([chunk.text async for chunk in chunks])
        yield Chunk(text=self._clean(text).text)
        yield Chunk(finish="stop", usage=USED)

    def _clean(self, text: str) -> Choice:
        if self._refuses and "hunter2" in text:
            raise PrivacyRefused("The answer holds PASSWORD.")
        return Choice(parts=(Text(text.replace("hunter2", "[PASSWORD]")),), finish="stop")


async def told(house: House, request: Request) -> tuple[Answer, str]:
    """An answer to its end, whole or streamed, and its text."""
    answer = await house.pipeline.answer(request, CALLER)
    if answer.reply is not None:
        return answer, answer.reply.text
    return answer, "".join([chunk.text async for chunk in chunks_of(answer)]).strip()


def recorded_text(row: Trace) -> str:
    assert row.response is not None
    return row.response[0].text.strip()


WAYS = pytest.mark.parametrize("request_", [REQUEST, STREAMED], ids=["whole", "streamed"])


@WAYS
async def test_a_plain_answer_may_be_kept(request_: Request) -> None:
    house = House(Script("All is well."), Script(), replies=Censor(reads=False))
    answer, text = await told(house, request_)
    assert (text, recorded_text(house.row)) == ("All is well.", "All is well.")
    assert answer.ending is not None
    assert answer.ending.keepable
    assert answer.ending.reply.text.strip() == "All is well."


@WAYS
async def test_an_answer_that_holds_a_secret_is_kept_like_a_request_that_does(
    request_: Request,
) -> None:
    house = House(Script("It is hunter2."), Script(), replies=Censor(reads=False))
    answer, text = await told(house, request_)
    assert text == "It is hunter2.", "it is the client's own answer"
    assert answer.ending is not None
    assert (answer.ending.tier, answer.ending.keepable) == (Tier.S3, False)
    assert (house.row.clearance.tier, house.row.outcome) == (Tier.S3, "ok")
    assert house.row.clearance.reasons[-1] == "answer-holds-S3"


class Watchful(Censor):
    """Remembers in which threads it read."""

    def __init__(self) -> None:
        super().__init__(reads=False)
        self.threads: list[threading.Thread] = []

    def tier(self, reply: Reply, caller: Caller) -> Tier:
        self.threads.append(threading.current_thread())
        return super().tier(reply, caller)


@WAYS
async def test_a_long_answer_is_read_beside_the_loop(request_: Request) -> None:
    censor = Watchful()
    house = House(Script(" ".join(map(str, range(2_000))) + " hunter2"), Script(), replies=censor)
    answer, _ = await told(house, request_)
    assert answer.ending is not None
    assert (answer.ending.tier, house.row.outcome) == (Tier.S3, "ok")
    assert [thread is threading.main_thread() for thread in censor.threads] == [False]


async def test_a_long_answer_that_broke_off_counts_as_if_it_held_a_secret() -> None:
    censor = Watchful()
    house = House(Script(" ".join(map(str, range(2_000)))), Script(), replies=censor)
    answer = await house.pipeline.answer(STREAMED, CALLER)
    assert answer.chunks is not None
    taken = 0
    async for chunk in answer.chunks:
        taken += len(chunk.text)
        if taken >= LONG_BYTES:
            break
    await answer.chunks.aclose()
    assert (house.row.outcome, house.row.clearance.tier) == ("cancelled", Tier.S3)
    assert house.row.clearance.reasons[-1] == "answer-unread"
    assert censor.threads == []


async def test_a_whole_answers_head_says_its_tier_and_a_streams_has_left_before() -> None:
    for request, tier in ((REQUEST, Tier.S3), (STREAMED, OPEN.tier)):
        house = House(Script("It is hunter2."), Script(), replies=Censor(reads=False))
        answer, _ = await told(house, request)
        assert answer.clearance.tier == tier


@WAYS
async def test_of_a_request_that_is_known_to_hold_a_secret_the_answer_is_not_read(
    request_: Request,
) -> None:
    class Unread(Censor):
        def tier(self, reply: Reply, caller: Caller) -> Tier:
            raise AssertionError("read in vain")

    class Pinning(OpenGuard):
        def clear(self, request: Request, caller: Caller) -> Clearance:
            return PINNED

    house = House(Script("Yes."), Script(), None, Pinning(), replies=Unread(reads=False))
    answer, _ = await told(house, request_)
    assert answer.ending is not None
    assert not answer.ending.keepable
    assert house.row.clearance.reasons == PINNED.reasons


@WAYS
async def test_what_a_policy_keeps_back_is_taken_out_for_the_client_and_the_books(
    request_: Request,
) -> None:
    house = House(Script("It is hunter2."), Script(), replies=Censor())
    answer, text = await told(house, request_)
    assert text == recorded_text(house.row) == "It is [PASSWORD]."
    assert house.row.clearance.tier == OPEN.tier, "what is left holds nothing"
    assert answer.ending is not None
    assert answer.ending.keepable
    assert "hunter2" not in answer.ending.reply.text
    assert house.row.usage == USED


@WAYS
async def test_an_answer_that_must_not_be_told_is_refused_on_the_books(
    request_: Request,
) -> None:
    house = House(Script("It is hunter2."), Script(), replies=Censor(refuses=True))
    with pytest.raises(PrivacyRefused, match="PASSWORD"):
        await told(house, request_)
    row = house.row
    assert (row.outcome, row.status, row.error) == ("refused", 403, "privacy_refused")
    assert [attempt.outcome for attempt in row.attempts] == ["ok"], "it was answered, and costs"
    assert row.bill is not None
    assert row.bill.cost == 3
    assert not row.response or "hunter2" not in recorded_text(row)


async def test_a_stream_that_was_read_first_frees_its_model_when_the_client_leaves() -> None:
    small = Script("It is hunter2.")
    house = House(small, Script(), replies=Censor())
    chunks = chunks_of(await house.pipeline.answer(STREAMED, CALLER))
    assert (await anext(chunks)).text.strip() == "It is [PASSWORD]."
    await chunks.aclose()
    assert small.closed == 1
    assert house.row.outcome == "cancelled"


# ------------------------------------------------------------ how an answer ended


async def test_a_stream_has_no_ending_before_its_end() -> None:
    house = House(Script("one two three four"), Script())
    answer = await house.pipeline.answer(STREAMED, CALLER)
    async for _ in chunks_of(answer):
        assert answer.ending is None
    assert answer.ending is not None
    assert answer.ending.reply.text == "one two three four "


async def test_a_stream_that_breaks_or_is_left_has_no_ending() -> None:
    """Nothing of it may be kept for a later request."""
    broken = House(Script("one two three", UpstreamFailed("gone")), Script())
    answer = await broken.pipeline.answer(STREAMED, CALLER)
    with pytest.raises(UpstreamFailed):
        async for _ in chunks_of(answer):
            pass
    assert answer.ending is None
    assert recorded_text(broken.row) == "one two three", "what the client got is on the books"
    left = House(Script("one two three four five"), Script())
    answer = await left.pipeline.answer(STREAMED, CALLER)
    await anext(chunks_of(answer))
    await chunks_of(answer).aclose()
    assert answer.ending is None


async def test_a_stream_that_breaks_after_a_secret_is_pinned_on_the_books() -> None:
    house = House(
        Script("It is hunter2. And", UpstreamFailed("gone")), Script(), replies=Censor(reads=False)
    )
    answer = await house.pipeline.answer(STREAMED, CALLER)
    with pytest.raises(UpstreamFailed):
        async for _ in chunks_of(answer):
            pass
    assert (house.row.outcome, house.row.clearance.tier) == ("error", Tier.S3)


async def test_the_books_of_a_stream_are_those_of_the_same_answer_whole() -> None:
    rows = []
    for request in (REQUEST, STREAMED):
        house = House(Script("one two three"), Script())
        await told(house, request)
        rows.append(house.row)
    whole, streamed = rows
    assert (whole.target, whole.usage, whole.bill) == (
        streamed.target, streamed.usage, streamed.bill,
    )  # fmt: skip
    assert recorded_text(whole) == recorded_text(streamed)
    assert (whole.stream, streamed.stream) == (False, True)


# ------------------------------------------------------------ what must not leave


async def test_a_named_model_that_the_policy_closes_is_refused_not_replaced() -> None:
    class Closed(OpenGuard):
        def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
            raise TargetRefused("closed to everything")

    class Named(FixedRouter):
        def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
            decision = super().decide(request, clearance, caller)
            return msgspec.structs.replace(decision, plan=("big",), reasons=("explicit-model",))

    small = Script("Never asked.")
    house = House(small, Script(), Named(), Closed())
    with pytest.raises(TargetRefused):
        await house.pipeline.answer(REQUEST, CALLER)
    assert small.asked == 0
    assert (house.row.outcome, house.row.status) == ("refused", 403)


async def test_what_stays_already_and_is_refused_is_refused() -> None:
    class Pinning(OpenGuard):
        def clear(self, request: Request, caller: Caller) -> Clearance:
            return PINNED

    class Elsewhere(FixedRouter):
        decided = 0

        def decide(self, request: Request, clearance: Clearance, caller: Caller) -> Decision:
            self.decided += 1
            decision = super().decide(request, clearance, caller)
            return msgspec.structs.replace(decision, plan=("big",))

    router = Elsewhere()
    house = House(Script(), Script("leak"), router, Pinning())
    with pytest.raises(PrivacyRefused):
        await house.pipeline.answer(REQUEST, CALLER)
    assert router.decided == 1, "another decision would be no remedy"
    assert [attempt.outcome for attempt in house.row.attempts] == ["skipped"]


async def test_a_request_that_is_cancelled_before_it_was_judged_is_pinned_on_the_books() -> None:
    """A long one, which a thread reads."""
    began, go = threading.Event(), threading.Event()

    class Slow(OpenGuard):
        def clear(self, request: Request, caller: Caller) -> Clearance:
            began.set()
            go.wait(10)
            return OPEN

    house = House(Script("x"), Script(), None, Slow())
    long = msgspec.structs.replace(REQUEST, body={"text": "x" * LONG_BYTES}, model="a name")
    task = asyncio.create_task(house.pipeline.answer(long, CALLER))
    async with asyncio.timeout(10):
        while not began.is_set():
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    assert (house.row.outcome, house.row.clearance.tier) == ("cancelled", Tier.S3)
    assert house.row.clearance.reasons == ("not-judged",)
    assert (house.row.model, house.row.decision) == ("unknown", None)


# ------------------------------------------------------------ money


class Till:
    """Remembers which plans were reserved for, and what was settled."""

    def __init__(self, error: ShortstopError | None = None) -> None:
        self.error = error
        self.reserved: list[tuple[str, ...]] = []
        self.settled: list[tuple[str, Admission]] = []

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        if self.error is not None:
            raise self.error
        self.reserved.append(plan)

    def settle(self, trace: Trace, admission: Admission) -> None:
        self.settled.append((trace.outcome, admission))


KEYED = msgspec.structs.replace(CALLER, key="k1")
ADMITTED = Admission({}, 5)


@WAYS
async def test_the_plan_is_reserved_for_and_every_end_settles_once(request_: Request) -> None:
    till = Till()
    house = House(Script("one two three"), Script(), purser=till)
    answer = await house.pipeline.answer(request_, KEYED, ADMITTED)
    if answer.chunks is not None:
        assert till.settled == [], "a stream is not over when it begins"
        async for _ in answer.chunks:
            pass
    assert till.reserved == [("small", "big")]
    assert till.settled == [("ok", ADMITTED)]


async def test_failures_settle_too() -> None:
    down = UpstreamFailed("down")
    for small, router, outcome in (
        (Script(error=down), None, "error"),
        (Script(), FixedRouter(NotFound("no such model")), "refused"),
    ):
        till = Till()
        house = House(small, Script(error=down), router, purser=till)
        with pytest.raises(ShortstopError):
            await house.pipeline.answer(REQUEST, KEYED, ADMITTED)
        assert till.settled == [(outcome, ADMITTED)]


async def test_what_a_budget_does_not_cover_is_asked_of_nobody() -> None:
    small, till = Script("x"), Till(QuotaExceeded("spent"))
    house = House(small, Script(), purser=till)
    with pytest.raises(QuotaExceeded):
        await house.pipeline.answer(REQUEST, KEYED)
    assert small.asked == 0
    assert (house.row.outcome, house.row.status) == ("refused", 429)
