"""The same conversation, answer, stream and error in every dialect: the matrix is made of these."""

from __future__ import annotations

import json
from typing import Any

from shortstop import dialects
from shortstop.types import DialectName, Request

NAMES: tuple[DialectName, ...] = (
    "openai.chat",
    "openai.responses",
    "openai.completions",
    "anthropic.messages",
)
CREATED = 1_795_000_000
SCHEMA = {
    "type": "object",
    "properties": {"city": {"$ref": "#/$defs/city"}},
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"city": {"type": "string"}},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"

REQUESTS: dict[DialectName, dict[str, Any]] = {
    "openai.chat": {
        "model": "auto",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Weather here? ☀️"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "They mean Basel.",
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Basel"}'},
                    },
                    {
                        "id": "call_b",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Bern"}'},
                    },
                ],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": "sun"},
            {"role": "tool", "tool_call_id": "call_b", "content": "rain"},
            {"role": "user", "content": "And tomorrow?"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Now",
                    "parameters": SCHEMA,
                    "strict": True,
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
        },
        "max_completion_tokens": 200,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "logit_bias": {"50256": -100},
        "reasoning_effort": "low",
        "user": "u-1",
        "store": False,
        "x_house": {"kept": True},
    },
    "openai.responses": {
        "model": "auto",
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Weather here? ☀️"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
                ],
            },
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "They mean Basel."}],
                "encrypted_content": "sealed",
            },
            {
                "type": "function_call",
                "call_id": "call_a",
                "name": "weather",
                "arguments": '{"city":"Basel"}',
            },
            {"type": "function_call_output", "call_id": "call_a", "output": "sun"},
            {"role": "user", "content": "And tomorrow?"},
        ],
        "tools": [
            {
                "type": "function",
                "name": "weather",
                "description": "Now",
                "parameters": SCHEMA,
                "strict": True,
            },
            {"type": "web_search"},
        ],
        "tool_choice": "required",
        "text": {
            "format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
        },
        "reasoning": {"effort": "low"},
        "max_output_tokens": 200,
        "temperature": 0.5,
        "metadata": {"team": "ops"},
        "store": False,
    },
    "openai.completions": {
        "model": "auto",
        "prompt": "Once upon a time",
        "max_tokens": 20,
        "temperature": 0.5,
        "stop": ["\n"],
        "echo": False,
        "user": "u-1",
    },
    "anthropic.messages": {
        "model": "auto",
        "max_tokens": 200,
        "system": [
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Be kind."},
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Weather here? ☀️"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "They mean Basel.", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "xyz"},
                    {
                        "type": "tool_use",
                        "id": "call_a",
                        "name": "weather",
                        "input": {"city": "Basel"},
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "call_a",
                        "content": [{"type": "text", "text": "sun"}],
                        "is_error": True,
                    },
                    {"type": "text", "text": "And tomorrow?"},
                ],
            },
        ],
        "tools": [{"name": "weather", "description": "Now", "input_schema": SCHEMA}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "temperature": 1,
        "top_k": 40,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
    },
}

REPLIES: dict[DialectName, dict[str, Any]] = {
    "openai.chat": {
        "id": "chatcmpl-up",
        "object": "chat.completion",
        "created": CREATED,
        "model": "gpt-up",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Let me look. 🌦",
                    "reasoning_content": "Two cities.",
                    "refusal": None,
                    "tool_calls": [
                        {
                            "id": "call_x",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Basel"}'},
                        }
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 0},
        },
        "system_fingerprint": "fp_1",
        "service_tier": "default",
    },
    "openai.responses": {
        "id": "resp_up",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "model": "gpt-up",
        "error": None,
        "incomplete_details": None,
        "output": [
            {
                "id": "rs_1",
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": "Two cities."}],
            },
            {
                "id": "msg_1",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Let me look. 🌦", "annotations": []}],
            },
            {
                "id": "fc_1",
                "type": "function_call",
                "status": "completed",
                "call_id": "call_x",
                "name": "weather",
                "arguments": '{"city": "Basel"}',
            },
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
            "output_tokens": 50,
            "output_tokens_details": {"reasoning_tokens": 20},
            "total_tokens": 150,
        },
    },
    "openai.completions": {
        "id": "cmpl-up",
        "object": "text_completion",
        "created": CREATED,
        "model": "gpt-up",
        "choices": [
            {"index": 0, "text": " there was", "logprobs": None, "finish_reason": "length"}
        ],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
    },
    "anthropic.messages": {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "claude-up",
        "content": [
            {"type": "thinking", "thinking": "Two cities.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "text", "text": "Let me look. 🌦"},
            {"type": "tool_use", "id": "call_x", "name": "weather", "input": {"city": "Basel"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 30,
            "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 15,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5},
            "output_tokens": 50,
            "service_tier": "standard",
        },
    },
}


def _named(*frames: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {f['type']}\ndata: {json.dumps(f, ensure_ascii=False)}\n\n".encode()
        for f in frames
    )


def _plain(*frames: dict[str, Any]) -> bytes:
    told = [f"data: {json.dumps(f, ensure_ascii=False)}\n\n" for f in frames]
    return "".join([*told, "data: [DONE]\n\n"]).encode()


def chat_frame(delta: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": None, **rest}
    return {
        "id": "chatcmpl-up",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-up",
        "choices": [choice],
    }


def _calls(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"tool_calls": list(calls)}


def _resp(kind: str, **rest: Any) -> dict[str, Any]:
    return {"type": kind, "sequence_number": 0, **rest}


_SHELL = {k: v for k, v in REPLIES["openai.responses"].items() if k not in ("output", "usage")}
_AT0 = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_OUTPUT = REPLIES["openai.responses"]["output"]

STREAMS: dict[DialectName, bytes] = {
    "openai.chat": _plain(
        chat_frame({"role": "assistant", "content": ""}),
        chat_frame({"reasoning_content": "Two "}),
        chat_frame({"reasoning_content": "cities."}),
        chat_frame({"content": "Let me"}),
        chat_frame({"content": " look. 🌦"}),
        chat_frame(
            _calls(
                {
                    "index": 0,
                    "id": "call_x",
                    "type": "function",
                    "function": {"name": "weather", "arguments": ""},
                }
            )
        ),
        chat_frame(_calls({"index": 0, "function": {"arguments": '{"city": '}})),
        chat_frame(
            _calls(
                {
                    "index": 1,
                    "id": "call_y",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":'},
                }
            )
        ),
        chat_frame(_calls({"index": 0, "function": {"arguments": '"Basel"}'}})),
        chat_frame(_calls({"index": 1, "function": {"arguments": '"Bern"}'}})),
        chat_frame(finish_reason="tool_calls"),
        {**chat_frame(), "choices": [], "usage": REPLIES["openai.chat"]["usage"]},
    ),
    "openai.completions": _plain(
        {
            "id": "cmpl-up",
            "object": "text_completion",
            "created": 1,
            "model": "gpt-up",
            "choices": [{"index": 0, "text": " there", "logprobs": None, "finish_reason": None}],
        },
        {
            "id": "cmpl-up",
            "object": "text_completion",
            "created": 1,
            "model": "gpt-up",
            "choices": [{"index": 0, "text": " was", "logprobs": None, "finish_reason": "length"}],
            "usage": REPLIES["openai.completions"]["usage"],
        },
    ),
    "openai.responses": _named(
        _resp("response.created", response={**_SHELL, "status": "in_progress", "output": []}),
        _resp("response.in_progress", response={**_SHELL, "status": "in_progress", "output": []}),
        _resp("response.output_item.added", output_index=0, item={**_OUTPUT[1], "content": []}),
        _resp(
            "response.content_part.added",
            **_AT0,
            part={"type": "output_text", "text": "", "annotations": []},
        ),
        _resp("response.output_text.delta", **_AT0, delta="Let me", logprobs=[]),
        _resp("response.output_text.delta", **_AT0, delta=" look. 🌦", logprobs=[]),
        _resp("response.output_text.done", **_AT0, text="Let me look. 🌦", logprobs=[]),
        _resp("response.content_part.done", **_AT0, part=_OUTPUT[1]["content"][0]),
        _resp("response.output_item.done", output_index=0, item=_OUTPUT[1]),
        _resp("response.output_item.added", output_index=1, item={**_OUTPUT[2], "arguments": ""}),
        _resp(
            "response.function_call_arguments.delta",
            item_id="fc_1",
            output_index=1,
            delta='{"city": "Basel"}',
        ),
        _resp(
            "response.function_call_arguments.done",
            item_id="fc_1",
            output_index=1,
            name="weather",
            arguments='{"city": "Basel"}',
        ),
        _resp("response.output_item.done", output_index=1, item=_OUTPUT[2]),
        _resp(
            "response.completed",
            response={**REPLIES["openai.responses"], "output": _OUTPUT[1:]},
        ),
    ),
    "anthropic.messages": _named(
        {
            "type": "message_start",
            "message": {
                **REPLIES["anthropic.messages"],
                "content": [],
                "stop_reason": None,
                "usage": {**REPLIES["anthropic.messages"]["usage"], "output_tokens": 1},
            },
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "thinking", "thinking": "", "signature": ""},
        },
        {"type": "ping"},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "Two cities."},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "signature_delta", "signature": "sig"},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "redacted_thinking", "data": "xyz"},
        },
        {"type": "content_block_stop", "index": 1},
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 2,
            "delta": {"type": "text_delta", "text": "Let me look. 🌦"},
        },
        {"type": "content_block_stop", "index": 2},
        {
            "type": "content_block_start",
            "index": 3,
            "content_block": {
                "type": "tool_use",
                "id": "call_x",
                "name": "weather",
                "input": {"city": "Basel"},
            },
        },
        {"type": "content_block_stop", "index": 3},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 50},
        },
        {"type": "message_stop"},
    ),
}

OPENAI_ERROR = {
    "error": {
        "message": "This model's maximum context length is 8192 tokens.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
}
ERRORS: dict[DialectName, dict[str, Any]] = {
    "openai.chat": OPENAI_ERROR,
    "openai.responses": OPENAI_ERROR,
    "openai.completions": OPENAI_ERROR,
    "anthropic.messages": {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "prompt is too long: 210000 tokens > 200000 maximum",
        },
    },
}


def asked(name: DialectName, **more: Any) -> Request:
    """The sample request of that dialect, decoded."""
    return dialects.get(name).decode_request({**REQUESTS[name], **more}, "req_1")


def retold(source: DialectName, client: DialectName, *, step: int = 0, **more: Any) -> bytes:
    """The sample stream of an upstream, as a client of another dialect sees it."""
    decoder = dialects.get(source).stream_decoder()
    encoder = dialects.get(client).stream_encoder(asked(client, stream=True, **more), CREATED)
    data = STREAMS[source]
    pieces = [data[i : i + step] for i in range(0, len(data), step)] if step else [data]
    told = [encoder.encode(c) for piece in pieces for c in decoder.feed(piece)]
    assert decoder.done
    return b"".join(told) + encoder.finish()
