"""The row of a request: what it says at each moment, who sees it, and the money beside it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pytest
from msgspec import UNSET

from shortstop.errors import (
    EngineBusy,
    InvalidRequest,
    NotFound,
    PrivacyRefused,
    QuotaExceeded,
    RateLimited,
    ShortstopError,
    UpstreamFailed,
    UpstreamTimeout,
)
from shortstop.pipeline.record import Bookkeeping, RequestRecord, outcome_of
from shortstop.types import (
    UNMETERED,
    Admission,
    Attempt,
    Bill,
    Caller,
    Choice,
    Clearance,
    Message,
    Reach,
    Reply,
    Request,
    Text,
    Tier,
    Trace,
    TraceContext,
    Usage,
)
from tests.conftest import FakeClock
from tests.pipeline.test_chat import CALLER, REQUEST, STREAMED, Shelf, TokenBooks
from tests.serving.test_cascade import OPEN, PINNED, TARGETS, plan

DRAFT = Attempt("small", True, "rejected", 0.2, first_byte=0.1, usage=Usage(5, output=3))
FAILED = Attempt("big", False, "error", 0.4, first_byte=0.3)
REPLY = Reply("r", "m", (Choice(parts=(Text("Yes."),)),))


class Purse:
    """Remembers what was set aside and what was settled."""

    def __init__(self, error: ShortstopError | None = None) -> None:
        self.error = error
        self.reserved: list[str] = []
        self.settled: list[tuple[Trace, Admission]] = []

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        if self.error is not None:
            raise self.error
        self.reserved.append(request.id)

    def settle(self, trace: Trace, admission: Admission) -> None:
        self.settled.append((trace, admission))


class Desk:
    """Bookkeeping, and everything that it reaches."""

    def __init__(self, purse: Purse | None = None) -> None:
        self.clock, self.shelf, self.prices = FakeClock(1000.0), Shelf(), TokenBooks()
        self.seen: list[Trace] = []
        self.purse = purse or Purse()
        observers = (self._first, self._second)
        self.books = Bookkeeping(self.prices, self.shelf, self.clock, observers, self.purse)

    def _first(self, trace: Trace) -> None:
        assert self.shelf.rows[-1] is trace, "kept before anybody sees it"
        self.seen.append(trace)

    def _second(self, trace: Trace) -> None:
        assert self.seen[-1] is trace

    def begin(self, request: Request = REQUEST, caller: Caller = CALLER) -> RequestRecord:
        return self.books.begin(request, caller)

    def judged(self, request: Request = REQUEST, clearance: Clearance = OPEN) -> RequestRecord:
        record = self.begin(request)
        record.clearance = clearance
        return record

    def decided(self, request: Request = REQUEST, clearance: Clearance = OPEN) -> RequestRecord:
        record = self.judged(request, clearance)
        record.decision = plan("small", "big")
        return record


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ------------------------------------------------------------ what the row says


def test_a_row_has_its_times_from_the_beginning_to_the_end(desk: Desk) -> None:
    record = desk.decided()
    desk.clock.advance(1.5)
    row = desk.books.close(record, "ok")
    assert (row.at, row.seconds) == (1000.0, 1.5)
    assert (row.id, row.tenant, row.conversation) == ("req_1", "acme", "c1")
    assert (row.dialect, row.stream, row.digest != "") == ("openai.chat", False, True)


def test_a_row_says_when_the_verdict_and_the_decision_were_there(desk: Desk) -> None:
    record = desk.decided()
    row = desk.books.close(record, "ok")
    assert (row.cleared, row.decided) == (None, None)
    desk.clock.advance(0.25)
    desk.books.note_cleared(record)
    desk.clock.advance(0.5)
    desk.books.note_decided(record)
    row = desk.books.close(record, "ok")
    assert (row.cleared, row.decided) == (0.25, 0.75)


def test_a_request_joins_its_callers_trace_where_there_is_tracing(desk: Desk) -> None:
    assert desk.books.close(desk.begin(), "ok").trace_context is None
    context, asked = TraceContext("4" * 32, "5" * 16), []

    def join(caller: Caller) -> TraceContext:
        asked.append(caller)
        return context

    desk.books.join = join
    record = desk.begin()
    assert record.request.trace_context is context
    assert desk.books.close(record, "ok").trace_context is context
    assert asked == [CALLER]


def test_a_trace_that_cannot_be_joined_costs_no_answer(desk: Desk) -> None:
    def join(caller: Caller) -> TraceContext:
        raise RuntimeError

    desk.books.join = join
    assert desk.begin().request == REQUEST


def test_a_row_of_a_request_that_was_not_judged_is_pinned(desk: Desk) -> None:
    """It was cancelled before privacy had read it: nobody knows what it holds."""
    row = desk.books.close(desk.begin(), "cancelled")
    assert (row.clearance.tier, row.clearance.reach) == (Tier.S3, Reach.LOCAL_ONLY)
    assert row.clearance.reasons == ("not-judged",)
    assert (row.outcome, row.status) == ("cancelled", 499)
    assert (row.target, row.decision, row.usage, row.response) == (None, None, None, None)


def test_the_attempt_that_answered_counts_not_the_last_one(desk: Desk) -> None:
    record = desk.decided()
    record.attempts += [DRAFT, FAILED]
    record.target, record.answered, record.reply = TARGETS["small"], DRAFT, REPLY
    row = desk.books.close(record, "ok")
    assert (row.target, row.local) == ("small", True)
    assert (row.first_byte, row.usage) == (DRAFT.first_byte, DRAFT.usage)
    assert row.attempts == (DRAFT, FAILED)
    assert desk.prices.answered == [DRAFT], "the counterfactual is about the answer"
    assert row.response == REPLY.choices


def test_where_nothing_answered_nothing_was_saved(desk: Desk) -> None:
    record = desk.decided()
    record.attempts.append(FAILED)
    row = desk.books.close(record, "error", UpstreamFailed("gone"))
    assert (row.target, row.local, row.first_byte, row.usage) == (None, False, None, None)
    assert desk.prices.answered == [None]


def test_an_attempt_that_costs_is_billed_whether_or_not_it_answered(desk: Desk) -> None:
    record = desk.decided()
    record.attempts += [DRAFT, FAILED]
    row = desk.books.close(record, "error", UpstreamFailed("gone"))
    assert row.bill is not None
    assert row.bill.cost == Decimal(3)


@pytest.mark.parametrize(
    ("error", "outcome", "status", "code"),
    [
        (InvalidRequest("no"), "refused", 400, None),
        (PrivacyRefused("no"), "refused", 403, "privacy_refused"),
        (NotFound("no"), "refused", 404, "not_found"),
        (RateLimited("no"), "refused", 429, "rate_limit_exceeded"),
        (UpstreamFailed("no"), "error", 502, "upstream_error"),
        (UpstreamTimeout("no"), "error", 504, "upstream_timeout"),
        (EngineBusy("no"), "error", 503, "engine_busy"),
        (ShortstopError("no"), "error", 500, "internal_error"),
    ],
)
def test_a_failure_is_the_clients_or_ours(
    desk: Desk, error: ShortstopError, outcome: str, status: int, code: str | None
) -> None:
    kind = outcome_of(error)
    row = desk.books.close(desk.judged(), kind, error)
    assert (row.outcome, row.status, row.error) == (outcome, status, code)


def test_the_words_of_an_error_are_not_written_down(desk: Desk) -> None:
    row = desk.books.close(desk.judged(), "refused", NotFound("no model 'jane.doe@example.com'"))
    assert "jane" not in msgspec.json.encode(msgspec.structs.replace(row, request=None)).decode()


def test_the_case_of_a_verdict_is_not_written_down(desk: Desk) -> None:
    assert OPEN.case is not UNSET
    desk.books.open(desk.decided(STREAMED))
    row = desk.books.close(desk.decided(), "ok")
    assert row.clearance.case is UNSET
    assert desk.shelf.opened[0].clearance.case is UNSET


def test_a_row_may_call_its_dialect_otherwise(desk: Desk) -> None:
    record = desk.books.begin(REQUEST, CALLER, UNMETERED, "openai.embeddings")
    assert desk.books.close(record, "ok").dialect == "openai.embeddings"


# ------------------------------------------------------------ the model's name


@pytest.mark.parametrize("tier", Tier)
def test_a_models_name_is_written_down_once_it_is_known_to_be_one(desk: Desk, tier: Tier) -> None:
    """Until routing accepts it, it is the client's own text and may hold a value."""
    clearance = Clearance(tier, Reach.LOCAL_ONLY)
    refused = desk.books.close(desk.judged(clearance=clearance), "refused", NotFound("no"))
    assert refused.model == ("auto" if tier < Tier.S2 else "unknown")
    assert desk.books.close(desk.decided(clearance=clearance), "ok").model == "auto"


def test_the_name_in_a_request_that_was_not_judged_is_not_written_down(desk: Desk) -> None:
    assert desk.books.close(desk.begin(), "cancelled").model == "unknown"


# ------------------------------------------------------------ the digest


def varied(**changes: object) -> Request:
    return msgspec.structs.replace(REQUEST, **changes)


def test_a_digest_is_of_what_was_asked(desk: Desk) -> None:
    def digest(request: Request) -> str:
        return desk.books.close(desk.decided(request), "ok").digest

    same = [varied(id="req_2"), varied(stream=True), varied(user="jane"), varied(body={})]
    assert {digest(request) for request in same} == {digest(REQUEST)}
    other = [
        varied(model="big"),
        varied(messages=(Message("user", (Text("Where is my cart?"),)),)),
        varied(messages=(Message("system", (Text("Where is my card?"),)),)),
    ]
    assert len({digest(request) for request in (REQUEST, *other)}) == 4
    assert "card" not in digest(REQUEST)
    assert len(digest(REQUEST)) == 32


# ------------------------------------------------------------ what an answer reveals


def test_an_answer_may_raise_the_tier_of_its_request(desk: Desk) -> None:
    verdict = msgspec.structs.replace(OPEN, reasons=("first",))
    record = desk.decided(clearance=verdict)
    record.raise_tier(Tier.S3, "answer-holds-S3")
    row = desk.books.close(record, "ok")
    assert (row.clearance.tier, row.clearance.reach) == (Tier.S3, verdict.reach)
    assert row.clearance.reasons == ("first", "answer-holds-S3")
    assert verdict.tier == Tier.S0, "the verdict that others hold is as it was"


# ------------------------------------------------------------ keeping and seeing


def test_a_stream_is_opened_as_if_it_had_died_then(desk: Desk) -> None:
    record = desk.decided(STREAMED)
    record.target = TARGETS["small"]
    desk.books.open(record)
    (opened,) = desk.shelf.opened
    assert (opened.outcome, opened.status, opened.target) == ("interrupted", 200, "small")
    assert (opened.stream, opened.response) == (True, None)
    assert (desk.seen, desk.purse.settled) == ([], []), "nobody sees a row that is not finished"


def test_observers_see_the_row_that_was_kept(desk: Desk) -> None:
    row = desk.books.close(desk.decided(), "ok")
    assert desk.shelf.events == ["appended"]
    assert desk.shelf.rows == desk.seen == [row]


def test_a_row_that_was_made_elsewhere_is_kept_and_seen_and_settles_nothing(desk: Desk) -> None:
    row = desk.books.close(desk.decided(), "ok")
    desk.books.keep(row)
    assert desk.shelf.rows == desk.seen == [row, row]
    assert len(desk.purse.settled) == 1


async def test_without_observers_and_a_purse_rows_are_kept_all_the_same() -> None:
    shelf = Shelf()
    books = Bookkeeping(TokenBooks(), shelf, FakeClock())
    record = books.begin(REQUEST, msgspec.structs.replace(CALLER, key="k1"))
    await books.reserve(record, plan("small"))
    assert shelf.rows == [books.close(record, "ok")]


# ------------------------------------------------------------ money


async def test_money_is_set_aside_only_for_a_key(desk: Desk) -> None:
    await desk.books.reserve(desk.begin(), plan("small"))
    assert desk.purse.reserved == []
    keyed = msgspec.structs.replace(CALLER, key="k1")
    await desk.books.reserve(desk.begin(caller=keyed), plan("small"))
    assert desk.purse.reserved == ["req_1"]


async def test_a_budget_that_does_not_cover_it_refuses_the_request() -> None:
    desk = Desk(Purse(QuotaExceeded("spent")))
    keyed = msgspec.structs.replace(CALLER, key="k1")
    with pytest.raises(QuotaExceeded):
        await desk.books.reserve(desk.begin(caller=keyed), plan("small"))


@pytest.mark.parametrize("outcome", ["ok", "error", "cancelled", "refused"])
def test_every_end_settles_with_what_was_admitted(desk: Desk, outcome: str) -> None:
    admission = Admission({"x-ratelimit-limit-tokens": "10"}, 7)
    record = desk.books.begin(REQUEST, CALLER, admission)
    row = desk.books.close(record, outcome)  # type: ignore[arg-type]
    assert desk.purse.settled == [(row, admission)]


def test_what_is_settled_was_kept_before() -> None:
    """When the row is lost with the process, the money counts as spent, not as free."""
    desk = Desk()

    class Ordered(Purse):
        def settle(self, trace: Trace, admission: Admission) -> None:
            assert desk.shelf.rows == [trace]
            super().settle(trace, admission)

    purse = Ordered()
    books = Bookkeeping(desk.prices, desk.shelf, desk.clock, purser=purse)
    books.close(books.begin(REQUEST, CALLER), "ok")
    assert len(purse.settled) == 1


def test_a_bill_may_be_asked_for_without_a_row(desk: Desk) -> None:
    bill = desk.books.bill(REQUEST, [DRAFT, FAILED], DRAFT)
    assert (bill.cost, desk.shelf.rows) == (Decimal(3), [])


class Broken(TokenBooks):
    def bill(
        self, request: Request, attempts: Iterable[Attempt], answered: Attempt | None = None
    ) -> Bill:
        return msgspec.structs.replace(super().bill(request, attempts), cost=None, unpriced=("x",))


def test_an_unknown_price_is_on_the_row_as_unknown() -> None:
    shelf = Shelf()
    books = Bookkeeping(Broken(), shelf, FakeClock())
    row = books.close(books.begin(REQUEST, CALLER), "ok")
    assert row.bill is not None
    assert (row.bill.cost, row.bill.unpriced, row.bill.saved) == (None, ("x",), None)


def test_a_pinned_request_has_a_row_like_any_other(desk: Desk) -> None:
    row = desk.books.close(desk.decided(clearance=PINNED), "ok")
    assert row.clearance == PINNED
    assert row.request == REQUEST.body, "what is kept of it the content policy says, elsewhere"
