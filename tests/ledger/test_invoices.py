"""From what a vendor writes about tokens to what is billed: golden invoices.

The amounts were worked out by hand from the vendors' price lists, dollars per million tokens in the
comments; nothing here is computed by the code under test.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shortstop import dialects
from shortstop.config import parse
from shortstop.dialects.logs import unwrap
from shortstop.dialects.usage import usage_of
from shortstop.ledger import Books
from shortstop.tokens import counted_usage
from shortstop.types import (
    Attempt,
    Choice,
    DialectName,
    Message,
    Reply,
    Request,
    Target,
    Text,
    Usage,
)
from tests.conftest import FakeClock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
Json = dict[str, Any]

BESIDE = "beside"
"""What the answer tells outside of its usage."""
INVOICES: list[tuple[str, DialectName, str, str, Json, Usage, str]] = [
    (
        "openai-chat: cached, sound and reasoning are inside",
        "openai.chat",
        "openai",
        "gpt-realtime",
        {
            "prompt_tokens": 1500,
            "completion_tokens": 800,
            "total_tokens": 2300,
            "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 400},
            "completion_tokens_details": {
                "reasoning_tokens": 300,
                "audio_tokens": 200,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        Usage(
            input=500, cache_read=600, input_audio=400, output=300, reasoning=300, output_audio=200
        ),
        # 500 x 4 + 600 x 0.4 + 400 x 32 + (300 + 300) x 16 + 200 x 64
        "0.03744",
    ),
    (
        "openai-responses: the same under other names",
        "openai.responses",
        "openai",
        "gpt-6.1-sol",
        {
            "input_tokens": 10_000,
            "input_tokens_details": {"cached_tokens": 8_192},
            "output_tokens": 1_200,
            "output_tokens_details": {"reasoning_tokens": 1_024},
            "total_tokens": 11_200,
        },
        Usage(input=1_808, cache_read=8_192, output=176, reasoning=1_024),
        # 1808 x 2 + 8192 x 0.1 + 1200 x 10
        "0.0164352",
    ),
    (
        "anthropic: input, reads and both kinds of writes stand side by side",
        "anthropic.messages",
        "anthropic",
        "claude-opus-5-5",
        {
            "input_tokens": 21,
            "cache_creation_input_tokens": 5_000,
            "cache_read_input_tokens": 40_000,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 2_000,
                "ephemeral_1h_input_tokens": 3_000,
            },
            "output_tokens": 393,
            "service_tier": "standard",
        },
        Usage(input=21, cache_read=40_000, cache_write=2_000, cache_write_1h=3_000, output=393),
        # 21 x 4 + 40000 x 0.2 + 2000 x 5 + 3000 x 8 + 393 x 20
        "0.049944",
    ),
    (
        "gemini: thoughts are in the total alone",
        "openai.chat",
        "google",
        "gemini-2.5-pro",
        {"prompt_tokens": 1_000, "completion_tokens": 120, "total_tokens": 2_020},
        Usage(input=1_000, output=120, reasoning=900),
        # 1000 x 1.25 + (120 + 900) x 10
        "0.01145",
    ),
    (
        "deepseek: cached tokens beside the details, reasoning inside the completion",
        "openai.chat",
        "deepseek",
        "deepseek-chat",
        {
            "prompt_tokens": 1_800,
            "completion_tokens": 300,
            "total_tokens": 2_100,
            "prompt_cache_hit_tokens": 1_280,
            "prompt_cache_miss_tokens": 520,
            "completion_tokens_details": {"reasoning_tokens": 250},
        },
        Usage(input=520, cache_read=1_280, output=50, reasoning=250),
        # 520 x 0.27 + 1280 x 0.07 + 300 x 1.10
        "0.00056",
    ),
    (
        "xai: reasoning is told, and is not in the completion",
        "openai.chat",
        "x-ai",
        "grok-4",
        {
            "prompt_tokens": 120,
            "completion_tokens": 9,
            "total_tokens": 343,
            "prompt_tokens_details": {"text_tokens": 120, "cached_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 214, "audio_tokens": 0},
            "num_sources_used": 0,
        },
        Usage(input=100, cache_read=20, output=9, reasoning=214),
        # 100 x 3 + 20 x 0.75 + (9 + 214) x 15
        "0.00366",
    ),
    (
        "mistral: nothing but the sums",
        "openai.chat",
        "mistral",
        "mistral-large-latest",
        {"prompt_tokens": 1_000, "completion_tokens": 300, "total_tokens": 1_300},
        Usage(input=1_000, output=300),
        # 1000 x 2 + 300 x 6
        "0.0038",
    ),
    (
        "openai-priority: served by priority, whatever was asked",
        "openai.chat",
        "openai",
        "gpt-5",
        {
            BESIDE: {"service_tier": "priority"},
            "prompt_tokens": 10_000,
            "completion_tokens": 500,
            "total_tokens": 10_500,
            "prompt_tokens_details": {"cached_tokens": 4_000},
        },
        Usage(input=6_000, cache_read=4_000, output=500, served=("priority",)),
        # 6000 x 2.5 + 4000 x 0.25 + 500 x 20
        "0.026",
    ),
    (
        "openai-flex: half price, with searches billed by number",
        "openai.responses",
        "openai",
        "gpt-5",
        {
            BESIDE: {
                "service_tier": "flex",
                "output": [
                    {"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}},
                    {"type": "web_search_call", "id": "ws_2", "action": {"type": "open_page"}},
                    {"type": "web_search_call", "id": "ws_3", "action": {"type": "search"}},
                    {
                        "type": "message",
                        "role": "assistant",
                        "content": [{"type": "output_text", "text": "Hi"}],
                    },
                ],
            },
            "input_tokens": 8_000,
            "output_tokens": 400,
            "total_tokens": 8_400,
        },
        Usage(input=8_000, output=400, searches=2, served=("flex",)),
        # 8000 x 0.625 + 400 x 5, and 2 searches at 10 a thousand
        "0.027",
    ),
    (
        "anthropic-search: searches are told beside the tokens",
        "anthropic.messages",
        "anthropic",
        "claude-sonnet-5",
        {
            "input_tokens": 1_000,
            "output_tokens": 200,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "server_tool_use": {"web_search_requests": 3},
            "service_tier": "standard",
        },
        Usage(input=1_000, output=200, searches=3),
        # 1000 x 2 + 200 x 10, and 3 searches at 10 a thousand
        "0.034",
    ),
    (
        "anthropic-us: what stays in the country costs a tenth more",
        "anthropic.messages",
        "anthropic",
        "claude-opus-5-5",
        {
            "input_tokens": 2_000,
            "output_tokens": 300,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 10_000,
            "inference_geo": "us",
        },
        Usage(input=2_000, cache_read=10_000, output=300, served=("us",)),
        # 1.1 x (2000 x 4 + 10000 x 0.2 + 300 x 20)
        "0.0176",
    ),
]
PROSE = (
    "The invoice for the second quarter was paid twice, once by card and once by transfer. "
    "Please send the second amount back to the account that it came from, and confirm it."
)
PROSE_TOKENS = 36
"""By four vocabularies of 100,000 to 200,000 tokens."""
IDS = [invoice[0].split(":")[0] for invoice in INVOICES]
BODIES: dict[DialectName, Json] = {
    "openai.chat": {
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]
    },
    "openai.responses": {"status": "completed", "output": []},
    "anthropic.messages": {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"},
}


def told(wire: Json) -> tuple[Json, Json]:
    """The usage, and what the answer tells beside it."""
    return {k: v for k, v in wire.items() if k != BESIDE}, wire.get(BESIDE, {})


def body(dialect: DialectName, wire: Json) -> Json:
    usage, beside = told(wire)
    return {**BODIES[dialect], **beside, "usage": usage}


def whole(dialect: DialectName, wire: Json) -> Usage | None:
    return dialects.get(dialect).decode_reply(json.dumps(body(dialect, wire)).encode()).usage


def frames(dialect: DialectName, wire: Json) -> list[Json]:
    usage, beside = told(wire)
    made: dict[str, list[Json]] = {
        "openai.chat": [{"choices": [], **beside, "usage": usage}],
        "openai.responses": [{"type": "response.completed", "response": body(dialect, wire)}],
        "anthropic.messages": [
            {"type": "message_start", "message": {"usage": {**usage, "output_tokens": 1}}},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": usage.get("output_tokens")},
            },
        ],
    }
    return made[dialect]


def streamed(dialect: DialectName, wire: Json) -> Usage | None:
    """The same figures where that vendor's stream tells them."""
    decoder = dialects.get(dialect).stream_decoder()
    sent = [f"data: {json.dumps(frame)}\n\n".encode() for frame in frames(dialect, wire)]
    return [c for data in sent for c in decoder.feed(data)][-1].usage


def replayed(dialect: DialectName, wire: Json) -> Usage | None:
    """The same answer in a log."""
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    line = {"request": asked, "response": {"body": json.dumps(body(dialect, wire))}}
    return unwrap(json.dumps(line))[1]


def billed(invoice: Any, *attempts: Attempt) -> Decimal:
    """The last attempt is the answer."""
    _, _, provider, model, *_ = invoice
    target = Target(model, model, local=False, provider=provider, context=128_000)
    tables = f'[upstreams.{provider}]\nbase_url = "http://127.0.0.1:9/v1"\n'
    config = parse(f'{tables}[upstreams.{provider}.models."{model}"]\n', {})
    books = Books({model: target}, config, clock=FakeClock(NOON))
    bill = books.bill(Request("req_1", "openai.chat", {}, model, ()), attempts, attempts[-1])
    assert bill.cost is not None
    return bill.cost


@pytest.mark.parametrize("read", [whole, streamed, replayed])
@pytest.mark.parametrize("invoice", INVOICES, ids=IDS)
def test_token_classes_are_disjoint_and_billed_to_the_digit(invoice: Any, read: Any) -> None:
    _, dialect, _, model, wire, usage, dollars = invoice
    found = read(dialect, wire)
    assert found == usage
    cost = billed(invoice, Attempt(model, False, "ok", 1.0, usage=found))
    assert abs(cost - Decimal(dollars)) < Decimal("1e-9")


@pytest.mark.parametrize("invoice", INVOICES, ids=IDS)
def test_a_refused_try_is_free_and_one_that_may_be_answered_is_not(invoice: Any) -> None:
    _, dialect, _, model, wire, _, dollars = invoice
    answer = Attempt(model, False, "ok", 1.0, usage=whole(dialect, wire))
    refused = Attempt(model, False, "error", 0.1, status=429)
    assert abs(billed(invoice, refused, answer) - Decimal(dollars)) < Decimal("1e-9")
    late = Attempt(model, False, "timeout", 9.0, usage=Usage(input=1_000, estimated=True))
    lost = billed(invoice, late, answer) - Decimal(dollars)
    alone = billed(invoice, late)
    assert abs(lost - alone) < Decimal("1e-9")
    assert lost > 0


@pytest.mark.parametrize("invoice", INVOICES, ids=IDS)
def test_a_stream_that_was_cut_costs_what_was_read_and_at_least_what_was_said(invoice: Any) -> None:
    """Without a last count: the prompt as told or estimated, the words as they came."""
    _, dialect, _, model, wire, usage, _ = invoice
    asked = Request("r", dialect, {}, model, (Message("user", (Text(PROSE),)),))
    reply = Reply("r", model, (Choice(parts=(Text(PROSE),)),))
    early = frames(dialect, wire)[0]["message"]["usage"] if "anthropic" in dialect else None
    read = usage_of(early, beside=True)
    cut = counted_usage(asked, reply, read, ended=False)
    assert cut.prompt == (usage.prompt if read else pytest.approx(PROSE_TOKENS, rel=0.15))
    assert cut.completion == pytest.approx(PROSE_TOKENS, rel=0.15)
    assert cut.estimated
    assert billed(invoice, Attempt(model, False, "cancelled", 1.0, usage=cut)) > 0


@pytest.mark.parametrize("invoice", INVOICES, ids=IDS)
def test_the_classes_sum_to_what_the_vendor_counted(invoice: Any) -> None:
    _, dialect, _, _, wire, usage, _ = invoice
    wire, _ = told(wire)
    total = wire.get("total_tokens")
    if dialect == "anthropic.messages":
        prompt = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        total = sum(wire[k] for k in (*prompt, "output_tokens"))
    assert usage.prompt + usage.completion == total
