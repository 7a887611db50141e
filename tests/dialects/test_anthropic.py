"""Anthropic Messages on the wire: cases 34-40 of the compatibility list, by number."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from shortstop import dialects
from shortstop.errors import (
    InvalidRequest,
    Overloaded,
    RateLimited,
    ShortstopError,
    UpstreamFailed,
    UpstreamRejected,
)
from shortstop.types import Choice, Chunk, Reply, Request, Text, ToolDelta, Usage

from .grammar import check_anthropic, frames
from .samples import CREATED, REPLIES, REQUESTS, STREAMS, asked, retold

CLAUDE = dialects.get("anthropic.messages")
CHAT = dialects.get("openai.chat")


def request(**more: Any) -> Request:
    body = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    return CLAUDE.decode_request({**body, **more}, "r1")


def told(*chunks: Chunk) -> bytes:
    encoder = CLAUDE.stream_encoder(request(stream=True), CREATED)
    return b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()


def test_34_an_empty_stream_is_still_a_message() -> None:
    kinds = [f["type"] for f in frames(told())]
    assert kinds == ["message_start", "ping", "message_delta", "message_stop"]


def test_34_own_stream_passes_with_pings_and_one_message_start() -> None:
    made = retold("anthropic.messages", "anthropic.messages")
    want, told = (
        [f["type"] for f in frames(data) if f["type"] != "content_block_delta"]
        for data in (STREAMS["anthropic.messages"], made)
    )
    assert told == want


def test_34_error_event() -> None:
    encoder = CLAUDE.stream_encoder(request(stream=True), CREATED)
    made = encoder.encode(Chunk(text="a")) + encoder.error(Overloaded("Full."))
    check_anthropic(made, failed=True)
    assert frames(made)[-1]["error"]["type"] == "overloaded_error"
    frame = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'
    with pytest.raises(UpstreamFailed) as caught:
        CLAUDE.stream_decoder().feed(frame)
    assert caught.value.code == "overloaded_error"


def test_34_a_cut_stream_is_closed_properly() -> None:
    cut = STREAMS["anthropic.messages"].partition(b"event: content_block_stop")[0]
    encoder = CLAUDE.stream_encoder(request(stream=True), CREATED)
    chunks = CLAUDE.stream_decoder().feed(cut)
    made = b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()
    check_anthropic(made)


def test_35_thinking_signature_and_redacted_go_through_chat_free_streams() -> None:
    chunks = [
        Chunk(thinking="a"),
        Chunk(signature="s"),
        Chunk(redacted="r"),
        Chunk(text="b"),
        Chunk(finish="stop"),
    ]
    blocks = check_anthropic(told(*chunks))
    assert [b["type"] for b in blocks] == ["thinking", "redacted_thinking", "text"]
    back = CLAUDE.stream_decoder().feed(told(*chunks))
    assert [c.signature for c in back if c.signature] == ["s"]
    assert [c.redacted for c in back if c.redacted] == ["r"]


def test_35_whole_tool_input_becomes_input_json_delta() -> None:
    chunk = Chunk(tools=(ToolDelta(0, "a", "f", '{"x":1}'),))
    blocks = check_anthropic(told(chunk, Chunk(finish="tool_calls")))
    assert blocks[0]["input"] == {}
    assert json.loads(blocks[0]["json"]) == {"x": 1}


def test_35_input_that_upstream_sends_only_whole_reaches_chat_clients() -> None:
    chunks = CLAUDE.stream_decoder().feed(STREAMS["anthropic.messages"])
    assert "".join(d.arguments for c in chunks for d in c.tools) == '{"city":"Basel"}'


def test_36_usage_at_start_and_cumulative_at_the_end() -> None:
    decoder = CLAUDE.stream_decoder()
    usages = [c.usage for c in decoder.feed(STREAMS["anthropic.messages"]) if c.usage]
    assert usages[0].output == 1
    want = Usage(input=30, cache_read=60, cache_write=10, cache_write_1h=5, output=50)
    assert usages[-1] == want
    reply = CLAUDE.decode_reply(json.dumps(REPLIES["anthropic.messages"]).encode())
    assert reply.usage == want
    chat = json.loads(CHAT.encode_reply(reply, asked("openai.chat")))["usage"]
    assert chat["prompt_tokens"] == 105
    assert chat["prompt_tokens_details"]["cached_tokens"] == 60


def test_36_usage_that_comes_after_the_finish_is_told() -> None:
    made = told(Chunk(text="a"), Chunk(finish="stop"), Chunk(usage=Usage(input=3, output=4)))
    delta = next(f for f in frames(made) if f["type"] == "message_delta")
    assert (delta["usage"]["input_tokens"], delta["usage"]["output_tokens"]) == (3, 4)


@pytest.mark.parametrize(
    ("reason", "finish", "chat"),
    [
        ("end_turn", "tool_calls", "tool_calls"),
        ("max_tokens", "length", "length"),
        ("stop_sequence", "tool_calls", "tool_calls"),
        ("tool_use", "tool_calls", "tool_calls"),
        ("pause_turn", "pause", "stop"),
        ("refusal", "refusal", "content_filter"),
        ("model_context_window_exceeded", "length", "length"),
        ("something_new", "length", "length"),
    ],
)
def test_37_stop_reasons(reason: str, finish: str, chat: str) -> None:
    body = {**REPLIES["anthropic.messages"], "stop_reason": reason}
    reply = CLAUDE.decode_reply(json.dumps(body).encode())
    assert reply.choices[0].finish == finish
    made = json.loads(CHAT.encode_reply(reply, asked("openai.chat")))
    assert made["choices"][0]["finish_reason"] == chat


def test_37_stop_sequence_is_named() -> None:
    choice = Choice(parts=(Text("a"),), finish="stop", stop_sequence="END")
    made = json.loads(CLAUDE.encode_reply(Reply("x", "m", (choice,)), request()))
    assert (made["stop_reason"], made["stop_sequence"]) == ("stop_sequence", "END")


def test_38_own_body_is_untouched() -> None:
    body = REQUESTS["anthropic.messages"]
    sent = CLAUDE.encode_request(asked("anthropic.messages"), "claude")
    assert json.loads(sent) == {**body, "model": "claude"}
    assert list(json.loads(sent)) == list(body)


def test_38_cache_control_survives_a_rebuild() -> None:
    req = asked("anthropic.messages")
    bare = Request(**{f: getattr(req, f) for f in req.__struct_fields__} | {"body": {}})
    sent = json.loads(CLAUDE.encode_request(bare, "claude"))
    want = copy.deepcopy(REQUESTS["anthropic.messages"]) | {"model": "claude"}
    want["messages"][2]["content"][0]["content"] = "sun"
    assert sent == want


def test_38_tool_result_with_image_and_error() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}
    result = {"type": "tool_result", "tool_use_id": "a", "is_error": True, "content": [image]}
    req = request(messages=[{"role": "user", "content": [result]}])
    chat = json.loads(CHAT.encode_request(req, "m"))
    shown = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    assert chat["messages"] == [
        {"role": "tool", "tool_call_id": "a", "content": "The tool failed."},
        {"role": "user", "content": [shown]},
    ]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (RateLimited("x"), "rate_limit_error"),
        (Overloaded("x"), "overloaded_error"),
        (ShortstopError("x", status=529), "overloaded_error"),
        (ShortstopError("x", status=401), "authentication_error"),
        (ShortstopError("x", status=404), "not_found_error"),
        (ShortstopError("x", status=418), "invalid_request_error"),
        (ShortstopError("x"), "api_error"),
    ],
)
def test_39_error_body(error: ShortstopError, kind: str) -> None:
    assert json.loads(CLAUDE.encode_error(error, "req_9")) == {
        "type": "error",
        "error": {"type": kind, "message": "x"},
        "request_id": "req_9",
    }


@pytest.mark.parametrize(
    ("status", "kind", "message", "code"),
    [
        (400, "invalid_request_error", "prompt is too long: 9 > 8", "context_length_exceeded"),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            "context_length_exceeded",
        ),
        (429, "rate_limit_error", "slow", "rate_limit_exceeded"),
        (402, "billing_error", "no credit", "insufficient_quota"),
    ],
)
def test_39_upstream_errors(status: int, kind: str, message: str, code: str) -> None:
    body = {"type": "error", "error": {"type": kind, "message": message}}
    error = CLAUDE.decode_error(status, json.dumps(body).encode(), None)
    assert isinstance(error, UpstreamRejected)
    assert error.code == code


BAD = [
    ("max_tokens", {"max_tokens": 0}),
    ("temperature", {"temperature": 1.5}),
    ("messages", {"messages": []}),
    ("messages[0].role", {"messages": [{"role": "developer", "content": "x"}]}),
    ("messages[0].content", {"messages": [{"role": "user", "content": None}]}),
    ("messages[0].content[0].type", {"messages": [{"role": "user", "content": [{"type": 7}]}]}),
    ("system[0].type", {"system": [{"type": "image"}]}),
    ("stop_sequences[0]", {"stop_sequences": [1]}),
    ("tools[0].input_schema", {"tools": [{"name": "f"}]}),
    ("tool_choice.type", {"tool_choice": {"type": "maybe"}}),
    ("tool_choice.name", {"tool_choice": {"type": "tool"}}),
]


@pytest.mark.parametrize(("param", "more"), BAD)
def test_wrong_values_are_400_with_their_param(param: str, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**more)
    assert caught.value.param == param


def test_40_a_count_tokens_body_needs_no_max_tokens() -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}
    req = CLAUDE.decode_request(body, "r")
    assert req.sampling.max_tokens is None
    assert json.loads(CLAUDE.encode_request(req, "claude"))["max_tokens"] == 4096


def test_vendor_tools_and_blocks_stay_with_their_vendor() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    req = request(
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [block]},
            {"role": "user", "content": "Go"},
        ],
    )
    assert dialects.lost(req, "openai.chat") == ("tools",)
    chat = json.loads(CHAT.encode_request(req, "m"))
    assert "tools" not in chat
    assert "web_search" in chat["messages"][1]["content"], "said in words"
    assert json.loads(CLAUDE.encode_request(req, "m"))["messages"][1]["content"] == [block]
