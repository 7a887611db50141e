"""One response in the making: its head, its end, and whether it may be kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from decimal import Decimal

import msgspec
import pytest
from starlette.types import Message

from shortstop import dialects
from shortstop.errors import QuotaExceeded, RateLimited, UpstreamFailed
from shortstop.server.exchange import Exchange, explained
from shortstop.types import (
    Answer,
    Bill,
    Choice,
    Chunk,
    Clearance,
    Decision,
    Ending,
    Reach,
    Reply,
    Request,
    Text,
    Tier,
)

OPEN = Clearance(Tier.S1, Reach.ANYWHERE)
DECISION = Decision(
    plan=("small", "big"),
    task="mail",
    score=0.61234,
    threshold=0.5,
    propensity=0.98,
    router="test-1",
    reasons=("cold-start", "explored"),
)
REPLY = Reply("r", "small", (Choice(parts=(Text("Hello."),), finish="stop"),))
REQUEST = Request("req_1", "openai.chat", {}, "auto", ())
FREE = Bill(
    cost=Decimal("0.000001"),
    cost_local=Decimal("0.000001"),
    cost_remote=Decimal(0),
    counterfactual=Decimal("0.00001"),
    baseline="big",
)


class Wire:
    """What was handed to the socket."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {k.decode(): v.decode() for k, v in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(m["body"] for m in self.messages[1:])


def exchange() -> tuple[Exchange, Wire]:
    wire = Wire()
    return Exchange(wire.send, dialects.get("openai.chat"), "req_1"), wire


def answer(tier: Tier = Tier.S1, **more: object) -> Answer:
    ending = Ending(REPLY, tier)
    return Answer("small", 1, DECISION, OPEN, reply=REPLY, ending=ending, **more)  # type: ignore[arg-type]


def streamed(*chunks: Chunk, fails: Exception | None = None, tier: Tier = Tier.S1) -> Answer:
    made = Answer("small", 1, DECISION, OPEN)

    async def flow() -> AsyncGenerator[Chunk, None]:
        for chunk in chunks:
            yield chunk
        if fails is not None:
            raise fails
        made.ending = Ending(REPLY, tier)

    made.chunks = flow()
    return made


async def test_a_whole_answer_has_its_length_its_ids_and_its_explanation() -> None:
    response, wire = exchange()
    response.limits = {"x-ratelimit-limit-requests": "10"}
    await response.whole(answer(bill=FREE), b'{"a": 1}')
    assert (wire.status, wire.body) == (200, b'{"a": 1}')
    assert wire.headers["content-length"] == "8"
    assert wire.headers["x-request-id"] == wire.headers["request-id"] == "req_1"
    assert wire.headers["x-ratelimit-limit-requests"] == "10"
    assert wire.headers["x-shortstop-target"] == "small"
    assert not wire.messages[-1].get("more_body")


def test_the_explanation_says_who_why_how_sure_and_for_how_much() -> None:
    headers = explained(answer(draft=True, bill=FREE))
    assert headers["x-shortstop-decision"] == (
        "cold-start,explored,draft;score=0.612;threshold=0.500;p=0.9800;router=test-1"
    )
    assert (headers["x-shortstop-task"], headers["x-shortstop-tier"]) == ("mail", "S1")
    assert headers["x-shortstop-cost"] == "0.000001000"
    assert headers["x-shortstop-saved"] == "0.000009000"


def test_an_unknown_price_is_said_to_be_unknown_and_a_stream_has_no_bill_yet() -> None:
    unknown = msgspec.structs.replace(FREE, cost=None)
    headers = explained(answer(bill=unknown))
    assert (headers["x-shortstop-cost"], headers["x-shortstop-saved"]) == ("unknown", "unknown")
    assert "x-shortstop-cost" not in explained(streamed())


@pytest.mark.parametrize(("tier", "keepable"), [(Tier.S0, True), (Tier.S2, True), (Tier.S3, False)])
async def test_what_holds_a_secret_may_not_be_kept(tier: Tier, keepable: bool) -> None:
    response, _ = exchange()
    await response.whole(answer(tier), b"{}")
    assert response.keepable is keepable
    response, _ = exchange()
    encoder = response.dialect.stream_encoder(REQUEST, created=1)
    await response.stream(streamed(Chunk(text="a"), tier=tier), encoder, 60)
    assert response.keepable is keepable, "known at the end, not in the head"


async def test_nothing_may_be_kept_before_it_was_sent_nor_after_a_failure() -> None:
    response, _ = exchange()
    assert not response.keepable
    broken = streamed(Chunk(text="a"), fails=UpstreamFailed("gone"))
    encoder = response.dialect.stream_encoder(REQUEST, created=1)
    with pytest.raises(UpstreamFailed):
        await response.stream(broken, encoder, 60)
    await response.fail(UpstreamFailed("gone"))
    assert not response.keepable


@pytest.mark.parametrize("tier", [Tier.S0, Tier.S3])
async def test_what_may_be_kept_is_kept_before_the_client_has_all_of_it(tier: Tier) -> None:
    """The client's next request may meet another process at once."""
    kept: list[bytes] = []
    response, wire = exchange()

    async def keep() -> None:
        kept.append(wire.body)

    await response.whole(answer(tier), b"{}", keep)
    assert kept == ([b""] if tier < Tier.S3 else [])
    response, wire = exchange()
    kept.clear()
    encoder = response.dialect.stream_encoder(REQUEST, created=1)
    await response.stream(streamed(Chunk(text="a"), tier=tier), encoder, 60, keep)
    assert wire.body.endswith(b"data: [DONE]\n\n")
    assert all(b"[DONE]" not in before for before in kept)
    assert len(kept) == (tier < Tier.S3)


async def test_json_may_be_kept_where_its_maker_says_so() -> None:
    for keepable in (True, False):
        response, wire = exchange()
        await response.json(b"[]", keepable=keepable)
        assert (response.keepable, wire.body) == (keepable, b"[]")


async def test_the_head_of_a_stream_leaves_with_its_first_chunk() -> None:
    response, wire = exchange()
    encoder = response.dialect.stream_encoder(REQUEST, created=1)
    refused = streamed(fails=UpstreamFailed("before anything"))
    with pytest.raises(UpstreamFailed):
        await response.stream(refused, encoder, 60)
    assert wire.messages == [], "an error can still be told with its status"
    await response.fail(UpstreamFailed("before anything"))
    assert wire.status == 502


async def test_an_error_after_the_head_is_an_event_of_the_stream() -> None:
    response, wire = exchange()
    encoder = response.dialect.stream_encoder(REQUEST, created=1)
    with pytest.raises(UpstreamFailed):
        await response.stream(streamed(Chunk(text="a"), fails=UpstreamFailed("gone")), encoder, 60)
    await response.fail(UpstreamFailed("gone"))
    assert wire.status == 200
    assert wire.headers["content-type"].startswith("text/event-stream")
    assert b"gone" in wire.body
    assert not wire.messages[-1].get("more_body")


async def test_an_empty_stream_is_a_stream() -> None:
    response, wire = exchange()
    await response.stream(streamed(), response.dialect.stream_encoder(REQUEST, created=1), 60)
    assert wire.status == 200
    assert wire.body.endswith(b"data: [DONE]\n\n")


async def test_when_to_come_back_is_said_in_seconds_and_milliseconds() -> None:
    response, wire = exchange()
    await response.fail(RateLimited("slow down", retry_after=0.25, headers={"x-more": "1"}))
    assert wire.status == 429
    assert (wire.headers["retry-after"], wire.headers["retry-after-ms"]) == ("1", "250")
    assert wire.headers["x-more"] == "1"
    assert "x-should-retry" not in wire.headers


async def test_an_sdk_is_told_where_a_retry_is_pointless() -> None:
    response, wire = exchange()
    await response.fail(QuotaExceeded("no money left"))
    assert wire.headers["x-should-retry"] == "false"


async def test_a_header_that_latin_1_cannot_say_does_not_break_the_answer() -> None:
    response, wire = exchange()
    made = answer()
    made.target = "模型"
    await response.whole(made, b"{}")
    assert wire.headers["x-shortstop-target"] == "??"
