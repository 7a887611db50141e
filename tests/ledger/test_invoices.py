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
from shortstop.ledger import Books
from shortstop.types import Attempt, DialectName, Request, Target, Usage
from tests.conftest import FakeClock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
Json = dict[str, Any]

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
]
IDS = [invoice[0].split(":")[0] for invoice in INVOICES]
BODIES: dict[DialectName, Json] = {
    "openai.chat": {
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]
    },
    "openai.responses": {"status": "completed", "output": []},
    "anthropic.messages": {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"},
}


def whole(dialect: DialectName, usage: Json) -> Usage | None:
    body = json.dumps({**BODIES[dialect], "usage": usage}).encode()
    return dialects.get(dialect).decode_reply(body).usage


def streamed(dialect: DialectName, usage: Json) -> Usage | None:
    """The same figures where that vendor's stream tells them."""
    frames: list[Json] = {
        "openai.chat": [{"choices": [], "usage": usage}],
        "openai.responses": [
            {"type": "response.completed", "response": {**BODIES[dialect], "usage": usage}}
        ],
        "anthropic.messages": [
            {"type": "message_start", "message": {"usage": {**usage, "output_tokens": 1}}},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": usage.get("output_tokens")},
            },
        ],
    }[dialect]
    decoder = dialects.get(dialect).stream_decoder()
    chunks = [c for f in frames for c in decoder.feed(f"data: {json.dumps(f)}\n\n".encode())]
    return chunks[-1].usage


@pytest.mark.parametrize("read", [whole, streamed])
@pytest.mark.parametrize("invoice", INVOICES, ids=IDS)
def test_token_classes_are_disjoint_and_billed_to_the_digit(invoice: Any, read: Any) -> None:
    _, dialect, provider, model, wire, usage, dollars = invoice
    found = read(dialect, wire)
    assert found == usage
    target = Target(model, model, local=False, provider=provider, context=128_000)
    tables = f'[upstreams.{provider}]\nbase_url = "http://127.0.0.1:9/v1"\n'
    config = parse(f'{tables}[upstreams.{provider}.models."{model}"]\n', {})
    books = Books({model: target}, config, clock=FakeClock(NOON))
    attempts = (Attempt(model, False, "ok", 1.0, usage=found),)
    bill = books.bill(Request("req_1", "openai.chat", {}, model, ()), attempts, attempts[-1])
    assert bill.cost is not None
    assert abs(bill.cost - Decimal(dollars)) < Decimal("1e-9")


@pytest.mark.parametrize("invoice", INVOICES, ids=IDS)
def test_the_classes_sum_to_what_the_vendor_counted(invoice: Any) -> None:
    _, dialect, _, _, wire, usage, _ = invoice
    total = wire.get("total_tokens")
    if dialect == "anthropic.messages":
        prompt = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        total = sum(wire[k] for k in (*prompt, "output_tokens"))
    assert usage.prompt + usage.completion == total
