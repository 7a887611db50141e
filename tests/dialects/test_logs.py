"""Every form of a log that is read, in the shape that its program writes it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.dialects.logs import LogLine, NoModelCall, read_line
from shortstop.dialects.logs.line import moment, money
from shortstop.types import Usage

ASK = [{"role": "system", "content": "Sort it."}, {"role": "user", "content": "Where is my card?"}]
CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000,
    "model": "gpt-6.1-sol",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "card_arrival"},
                 "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 5,
              "prompt_tokens_details": {"cached_tokens": 60}},
}  # fmt: skip
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
    "content": [{"type": "text", "text": "card_arrival"}], "stop_reason": "end_turn",
    "usage": {"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 5},
}  # fmt: skip
MESSAGES = {
    "model": "claude-opus-5-5", "max_tokens": 20, "system": "Sort it.",
    "messages": [{"role": "user", "content": "Where is my card?"}],
}  # fmt: skip
LITELLM = {
    "request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "88dc28", "spend": 0.00045,
    "total_tokens": 105, "prompt_tokens": 100, "completion_tokens": 5,
    "startTime": "2026-09-21T13:33:20.000Z", "endTime": "2026-09-21T13:33:21.000Z",
    "model": "gpt-6.1-sol", "model_group": "sol", "custom_llm_provider": "openai", "user": "u1",
    "metadata": {"user_api_key_alias": "k",
                 "usage_object": {"prompt_tokens": 100, "completion_tokens": 5,
                                  "prompt_tokens_details": {"cached_tokens": 60}}},
    "cache_hit": "False", "request_tags": ["shop"], "end_user": "alice", "session_id": "s1",
    "status": "success", "messages": ASK, "response": CHAT, "proxy_server_request": {},
}  # fmt: skip
LANGFUSE = {
    "id": "o1", "traceId": "t1", "type": "GENERATION", "name": "sort", "projectId": "p",
    "startTime": "2026-09-21T13:33:20.000Z", "model": "gpt-6.1-sol",
    "modelParameters": {"temperature": 0, "max_tokens": 20},
    "input": {"messages": ASK}, "output": {"role": "assistant", "content": "card_arrival"},
    "usage": {"input": 100, "output": 5, "total": 105, "unit": "TOKENS"},
    "usageDetails": {"input": 40, "input_cached_tokens": 60, "output": 5, "total": 105},
    "costDetails": {"input": 0.0004, "output": 0.00005, "total": 0.00045},
    "userId": "alice", "level": "DEFAULT",
}  # fmt: skip
HELICONE = {
    "response_id": "r1", "response_created_at": "2026-09-21T13:33:21.000Z", "response_status": 200,
    "request_created_at": "2026-09-21T13:33:20.000Z",
    "request_body": json.dumps({"model": "gpt-6.1-sol", "messages": ASK}),
    "response_body": json.dumps(CHAT), "request_properties": json.dumps({"app": "shop"}),
    "request_user_id": "alice", "model": "gpt-6.1-sol", "prompt_tokens": "100",
    "completion_tokens": "5", "latency": "800", "cost": "0.00045",
}  # fmt: skip
OPENROUTER = {
    "generation_id": "gen-1790000000-x", "created_at": "2026-09-21 13:33:20.000",
    "cost_total": "0.00045", "cost_cache": "-0.0001", "tokens_prompt": "100",
    "tokens_completion": "5", "tokens_reasoning": "0", "tokens_cached": "60",
    "model_permaslug": "openai/gpt-6.1-sol", "provider_name": "OpenAI", "user": "alice",
    "app_name": "shop", "cancelled": "false",
}  # fmt: skip
CACHED = Usage(input=40, cache_read=60, output=5)


def one(row: Any) -> LogLine:
    (found,) = read_line(json.dumps(row))
    return found


@pytest.mark.parametrize(
    ("row", "form", "dialect"),
    [
        ({"request": {"model": "m", "messages": ASK}, "response": CHAT}, "pairs", "openai.chat"),
        ({"request": MESSAGES, "response": MESSAGE}, "pairs", "anthropic.messages"),
        ({"request": json.dumps(MESSAGES), "response": json.dumps(MESSAGE)}, "pairs",
         "anthropic.messages"),
        ({"model": "m", "messages": ASK, "response": CHAT}, "pairs", "openai.chat"),
        (LITELLM, "litellm", "openai.chat"),
        (LITELLM | {"messages": {}, "proxy_server_request": {"model": "m", "messages": ASK}},
         "litellm", "openai.chat"),
        (LITELLM | {"messages": json.dumps(ASK), "response": json.dumps(CHAT),
                    "metadata": json.dumps(LITELLM["metadata"])}, "litellm", "openai.chat"),
        (LANGFUSE, "langfuse", "openai.chat"),
        (LANGFUSE | {"input": json.dumps(ASK), "output": json.dumps(LANGFUSE["output"])},
         "langfuse", "openai.chat"),
        (LANGFUSE | {"input": ASK, "output": "card_arrival"}, "langfuse", "openai.chat"),
        (HELICONE, "helicone", "openai.chat"),
    ],
)  # fmt: skip
def test_what_was_asked_and_answered(row: Any, form: str, dialect: str) -> None:
    found = one(row)
    assert (found.form, found.dialect) == (form, dialect)
    assert found.body is not None
    assert found.body["messages"][-1]["content"] == "Where is my card?"
    assert found.answer is not None
    assert found.answer[0].text == "card_arrival"
    assert found.usage == CACHED
    assert not found.local


@pytest.mark.parametrize("row", [LITELLM, LANGFUSE, HELICONE, OPENROUTER])
def test_what_it_cost_and_whose_it_was(row: Any) -> None:
    found = one(row)
    assert found.cost == Decimal("0.00045")
    assert found.at == 1_789_997_600
    assert found.user == "alice"
    assert found.usage == CACHED
    assert found.model in ("gpt-6.1-sol", "openai/gpt-6.1-sol")


def test_a_log_without_content_keeps_tokens_and_money() -> None:
    bare = one(LITELLM | {"messages": {}, "response": {}, "proxy_server_request": {}})
    assert (bare.body, bare.answer, bare.usage) == (None, None, CACHED)
    assert one(OPENROUTER).body is None
    assert one(CHAT).usage == CACHED


def test_a_trace_holds_several_generations() -> None:
    trace = {
        "id": "t1", "timestamp": "2026-09-21T13:33:20Z", "userId": "bob", "tags": ["shop"],
        "observations": [LANGFUSE | {"userId": None}, {"type": "SPAN", "id": "s"}, LANGFUSE],
    }  # fmt: skip
    found = read_line(json.dumps(trace))
    assert [call.form for call in found] == ["langfuse", "langfuse"]
    assert found[1].user == "alice"
    assert found[0].tags == ("shop",)


def test_halves_of_a_batch_share_their_name() -> None:
    asked = one({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",
                 "body": {"model": "m", "messages": ASK}})  # fmt: skip
    told = one({"id": "b", "custom_id": "1", "response": {"status_code": 200, "body": CHAT},
                "error": None})  # fmt: skip
    other = one({"custom_id": "1", "result": {"type": "succeeded", "message": MESSAGE}})
    assert asked.join == told.join == other.join == "1"
    assert (asked.answer, told.body, other.body) == (None, None, None)
    assert told.usage == other.usage == replace(CACHED, served=("batch",))


def test_the_answer_may_be_the_last_message() -> None:
    found = one({"messages": [*ASK, {"role": "assistant", "content": "card_arrival"}]})
    assert found.body is not None
    assert len(found.body["messages"]) == 2
    assert found.answer is not None
    assert found.answer[0].text == "card_arrival"


def test_calls_of_tools_are_answers() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    told = {"role": "assistant", "content": None, "tool_calls": [call]}
    found = one(LANGFUSE | {"output": told})
    assert found.answer is not None
    assert found.answer[0].parts[0].name == "f"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "row",
    [
        LITELLM | {"call_type": "aembedding"},
        LITELLM | {"status": "failure"},
        LANGFUSE | {"type": "SPAN"},
        HELICONE | {"response_status": 500},
        {"custom_id": "1", "response": {"status_code": 400, "body": {"error": {}}}},
        {"custom_id": "1", "result": {"type": "expired"}},
        {"url": "/v1/embeddings", "body": {"input": "x"}},
        {"clearance": {}, "dialect": "openai.chat", "outcome": "shadow"},
    ],
)
def test_rows_of_something_else_are_told_apart(row: Any) -> None:
    with pytest.raises(NoModelCall):
        read_line(json.dumps(row))


@pytest.mark.parametrize("row", [{}, {"hello": 1}, [1], "x", 3, {"request": "x"}, {"body": {}}])
def test_what_is_no_row_is_refused(row: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_line(json.dumps(row))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (1_790_000_000, 1_790_000_000), (1_790_000_000_000, 1_790_000_000),
        ("1790000000.5", 1_790_000_000.5), ("2026-09-21 14:13:20", 1_790_000_000),
        ("2026-09-21T16:13:20+02:00", 1_790_000_000), ("2026-09-21 14:13:20 UTC", 1_790_000_000),
        ("yesterday", None), (None, None), (True, None), (-1, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_times(told: Any, expected: float | None) -> None:
    assert moment(told) == expected


def test_amounts() -> None:
    assert money("$1.50") == Decimal("1.5")
    assert [money(x) for x in ("free", None, True, "NaN", -1, {})] == [None] * 6
