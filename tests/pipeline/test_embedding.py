"""Embeddings: the client's model or a refusal, and everything on the books."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig
from shortstop.dialects.embeddings import EmbeddingReply, EmbeddingRequest, decode_request
from shortstop.errors import (
    EngineDown,
    Forbidden,
    InvalidRequest,
    NotFound,
    PrivacyRefused,
    QuotaExceeded,
    ShortstopError,
    UpstreamFailed,
)
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.embedding import Embedding, Encoders
from shortstop.pipeline.record import Bookkeeping
from shortstop.ports import Guard, Via
from shortstop.privacy import ephemeral_guard
from shortstop.types import (
    UNMETERED,
    Admission,
    Caller,
    Clearance,
    Cleared,
    Reach,
    Request,
    Target,
    Tier,
    Trace,
)
from tests.conftest import FakeClock
from tests.pipeline.test_chat import Shelf, TokenBooks
from tests.pipeline.test_record import Purse
from tests.serving.test_cascade import OPEN, OpenGuard

TARGETS = {
    "static": Target("static", "static-256", True, "shortstop", 1_000_000),
    "near": Target("near", "e5", True, "url", 512),
    "far": Target("far", "text-embedding-3-small", False, "openai", 8192),
}
VECTORS = EmbeddingReply(((0.6, 0.8),), tokens=7)
CALLER = Caller(tenant="acme", key="k1", conversation="c1")


def asked(text: str = "Where is my card?", model: str = "auto") -> EmbeddingRequest:
    return decode_request({"model": model, "input": [text]})


class Encoder:
    """Local and remote: gives vectors, fails, or waits."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.error: BaseException | None = None
        self.waits: asyncio.Event | None = None
        self.local: list[EmbeddingRequest] = []
        self.remote: list[Cleared] = []

    async def encode(self, request: EmbeddingRequest) -> EmbeddingReply:
        self.local.append(request)
        return await self._reply()

    async def embed(self, cleared: Cleared, via: Via | None = None) -> EmbeddingReply:
        self.remote.append(cleared)
        return await self._reply()

    async def _reply(self) -> EmbeddingReply:
        self.clock.advance(0.25)
        if self.waits is not None:
            self.waits.set()
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return VECTORS

    @property
    def unused(self) -> bool:
        return not self.local and not self.remote


class Fixed(OpenGuard):
    """One verdict for every text; and another one where it is about to leave."""

    def __init__(self, verdict: Clearance = OPEN, prepared: Clearance | None = None) -> None:
        self.verdict, self.prepared = verdict, prepared

    def clear(self, request: Request, caller: Caller) -> Clearance:
        return self.verdict

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        return self.prepared or clearance


class Desk:
    def __init__(self, guard: Guard | None = None, purse: Purse | None = None) -> None:
        clock = FakeClock()
        self.shelf, self.books, self.encoder = Shelf(), TokenBooks(), Encoder(clock)
        self.purse = purse or Purse()
        local = {"static": self.encoder, "near": self.encoder}
        self.embedding = Embedding(
            encoders=Encoders(TARGETS, local, {"far": self.encoder}),
            clearing=Clearing(guard or OpenGuard()),
            books=Bookkeeping(self.books, self.shelf, clock, purser=self.purse),
        )

    @property
    def row(self) -> Trace:
        (row,) = self.shelf.rows
        return row

    async def refused(self, error: type[ShortstopError], model: str = "auto") -> ShortstopError:
        with pytest.raises(error) as raised:
            await self.embedding.answer(asked(model=model), "req_1", CALLER)
        return raised.value


# ------------------------------------------------------------ which model


@pytest.mark.parametrize(
    ("name", "target"), [("auto", "static"), ("local", "static"), ("near", "near"), ("far", "far")]
)
async def test_the_clients_model_is_used(name: str, target: str) -> None:
    desk = Desk()
    answer = await desk.embedding.answer(asked(model=name), "req_1", CALLER)
    assert (answer.target, answer.reply) == (target, VECTORS)
    assert (desk.row.target, desk.row.local) == (target, target != "far")
    assert desk.row.decision is not None
    assert (desk.row.decision.plan, desk.row.decision.propensity) == ((target,), 1.0)
    assert desk.embedding.targets == TARGETS


async def test_an_unknown_model_is_refused_and_the_known_ones_named() -> None:
    desk = Desk()
    error = await desk.refused(NotFound, "gpt-9")
    assert (error.param, error.code, error.status) == ("model", "model_not_found", 404)
    assert "static, near, far" in error.hint
    assert desk.encoder.unused
    assert (desk.row.outcome, desk.row.target, desk.row.attempts) == ("refused", None, ())


async def test_a_key_may_be_held_to_some_models() -> None:
    desk = Desk()
    caller = msgspec.structs.replace(CALLER, targets=frozenset(["near"]))
    await desk.embedding.answer(asked(model="near"), "req_1", caller)
    for name in ("auto", "static", "far"):
        with pytest.raises(Forbidden, match="may not use"):
            await desk.embedding.answer(asked(model=name), "req_2", caller)
    assert len(desk.encoder.local) == 1


async def test_nothing_is_tried_in_another_models_place() -> None:
    """Vectors of two models cannot be compared."""
    desk = Desk()
    desk.encoder.error = UpstreamFailed("gone")
    await desk.refused(UpstreamFailed, "far")
    assert (len(desk.encoder.remote), len(desk.encoder.local)) == (1, 0)


# ------------------------------------------------------------ privacy


@pytest.mark.parametrize("reach", [Reach.PSEUDONYMISED, Reach.LOCAL_ONLY, Reach.REFUSED])
async def test_a_text_that_must_stay_is_refused_where_the_model_is_elsewhere(reach: Reach) -> None:
    """Replaced values would give another text's vector."""
    verdict = Clearance(Tier.S2, reach, labels=("EMAIL", "IBAN"))
    desk = Desk(Fixed(verdict))
    error = await desk.refused(PrivacyRefused, "far")
    assert "EMAIL, IBAN" in error.message
    assert "'far' is elsewhere" in error.message
    assert desk.encoder.unused
    assert (desk.row.outcome, desk.row.status, desk.row.error) == (
        "refused", 403, "privacy_refused",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["auto", "near"])
async def test_a_local_model_may_see_it(name: str) -> None:
    desk = Desk(Fixed(Clearance(Tier.S3, Reach.LOCAL_ONLY)))
    await desk.embedding.answer(asked(model=name), "req_1", CALLER)
    assert desk.encoder.local == [asked(model=name)], "as the client sent it"


async def test_what_a_second_look_finds_before_it_leaves_stays() -> None:
    named = msgspec.structs.replace(OPEN, reach=Reach.PSEUDONYMISED)
    desk = Desk(Fixed(OPEN, named))
    error = await desk.refused(PrivacyRefused, "far")
    assert "names somebody" in error.message
    assert desk.encoder.unused
    assert desk.row.outcome == "refused"


async def test_a_remote_model_gets_what_was_cleared_for_it() -> None:
    desk = Desk()
    await desk.embedding.answer(asked(model="far"), "req_1", CALLER)
    (cleared,) = desk.encoder.remote
    assert (cleared.target, cleared.clearance) == ("far", OPEN)
    assert cleared.request.body == asked(model="far").body


async def test_with_the_real_guard() -> None:
    desk = Desk(ephemeral_guard(PrivacyConfig(), body_format()))
    secret = asked("IBAN DE89 3704 0044 0532 0130 00", "far")
    with pytest.raises(PrivacyRefused, match="IBAN"):
        await desk.embedding.answer(secret, "req_1", CALLER)
    assert desk.encoder.unused
    harmless = asked(model="far")
    with pytest.raises(PrivacyRefused, match="TAINT"):
        await desk.embedding.answer(harmless, "req_2", CALLER)
    await desk.embedding.answer(harmless, "req_3", Caller(conversation="another"))
    assert len(desk.encoder.remote) == 1


@pytest.mark.parametrize("tier", Tier)
async def test_vectors_of_a_secret_are_kept_for_no_later_request(tier: Tier) -> None:
    desk = Desk(Fixed(Clearance(tier, Reach.LOCAL_ONLY)))
    answer = await desk.embedding.answer(asked(), "req_1", CALLER)
    assert answer.keepable is (tier < Tier.S3)


# ------------------------------------------------------------ the books


async def test_an_answer_is_on_the_books() -> None:
    desk = Desk()
    admission = Admission({}, 9)
    await desk.embedding.answer(asked(), "req_1", CALLER, admission)
    row = desk.row
    assert (row.id, row.tenant, row.key, row.conversation) == ("req_1", "acme", "k1", "c1")
    assert (row.dialect, row.outcome, row.status) == ("openai.embeddings", "ok", 200)
    assert row.decision is not None
    assert row.decision.task == "embedding"
    (attempt,) = row.attempts
    assert (attempt.outcome, attempt.seconds) == ("ok", 0.25)
    assert attempt.usage is not None
    assert (attempt.usage.input, row.usage) == (7, attempt.usage)
    assert desk.books.answered == [attempt]
    assert row.response is None, "vectors are not written down"
    assert (desk.purse.reserved, desk.purse.settled) == (["req_1"], [(row, admission)])


async def test_a_failure_is_on_the_books_with_its_attempt() -> None:
    desk = Desk()
    desk.encoder.error = EngineDown("starting")
    await desk.refused(EngineDown, "near")
    row = desk.row
    assert (row.outcome, row.status, row.error) == ("error", 503, "engine_unavailable")
    (attempt,) = row.attempts
    assert (attempt.target, attempt.outcome, attempt.usage) == ("near", "error", None)
    assert (row.usage, desk.books.answered) == (None, [None])
    assert len(desk.purse.settled) == 1


async def test_what_a_model_cannot_encode_is_the_clients_error() -> None:
    desk = Desk()
    desk.encoder.error = InvalidRequest("too many dimensions", param="dimensions")
    await desk.refused(InvalidRequest)
    assert (desk.row.outcome, desk.row.status) == ("refused", 400)


async def test_a_client_that_leaves_is_on_the_books() -> None:
    desk = Desk()
    desk.encoder.waits = asyncio.Event()
    task = asyncio.create_task(desk.embedding.answer(asked(), "req_1", CALLER))
    await desk.encoder.waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = desk.row
    assert (row.outcome, row.status, row.usage) == ("cancelled", 499, None)
    assert [a.outcome for a in row.attempts] == ["cancelled"]
    assert len(desk.purse.settled) == 1, "nothing stays set aside"


async def test_a_bug_of_ours_is_on_the_books_too() -> None:
    desk = Desk()
    desk.encoder.error = ZeroDivisionError()
    with pytest.raises(UpstreamFailed, match="gave no vectors"):
        await desk.embedding.answer(asked(), "req_1", CALLER)
    assert (desk.row.outcome, desk.row.status) == ("error", 502)
    assert len(desk.purse.settled) == 1


async def test_a_budget_that_is_spent_is_noticed_before_anybody_is_asked() -> None:
    desk = Desk(purse=Purse(QuotaExceeded("spent")))
    await desk.refused(QuotaExceeded)
    assert desk.encoder.unused
    assert (desk.row.outcome, desk.row.status) == ("refused", 429)


async def test_an_unknown_model_of_a_sensitive_text_is_not_written_down() -> None:
    desk = Desk(Fixed(Clearance(Tier.S3, Reach.LOCAL_ONLY)))
    await desk.refused(NotFound, "jane.doe@example.com")
    assert desk.row.model == "unknown"


async def test_without_a_key_nothing_is_set_aside() -> None:
    desk = Desk()
    await desk.embedding.answer(asked(), "req_1", Caller(), UNMETERED)
    assert desk.purse.reserved == []
