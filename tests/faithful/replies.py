"""What an upstream answers to a request: calls of the tools that it was sent, or text."""

from __future__ import annotations

import json
from typing import Any

from tests.faithful.vendor import Scripted

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


def scripted_reply(target: str, body: dict[str, Any], reply: dict[str, Any]) -> Scripted:
    """An answer of `target` to `body`, as `reply` describes it."""
    calls = []
    if "calls_tool" in reply:
        tool = body["tools"][reply["calls_tool"]]
        name = (tool.get("function") or tool)["name"]
        calls = [(name, reply["arguments"])]
    text, stop = _cut(reply.get("text", "" if calls else "fine"), body)
    answer = _ANSWERS[target](text, calls, stop)
    if not body.get("stream"):
        return Scripted(json.dumps(answer).encode(), JSON)
    assert target == "openai.chat", "the only one that is streamed here"
    message = answer["choices"][0]["message"]
    delta = (
        {"content": text}
        if not calls
        else {"tool_calls": [{"index": i, **c} for i, c in enumerate(message["tool_calls"])]}
    )
    frames = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {
            "choices": [
                {"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}
            ]
        },
    ]
    data = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames)
    return Scripted((data + "data: [DONE]\n\n").encode(), EVENTS)


def _cut(text: str, body: dict[str, Any]) -> tuple[str, str | None]:
    stops = body.get("stop") or body.get("stop_sequences") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        if stop in text:
            return text.partition(stop)[0], stop
    return text, None


def _chat(text: str, calls: list[Any], stop: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": "call_x",
                "type": "function",
                "function": {"name": n, "arguments": json.dumps(a)},
            }
            for n, a in calls
        ]
    finish = "tool_calls" if calls else "stop"
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def _response(text: str, calls: list[Any], stop: str | None) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    output: list[Any] = [
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    ]
    if calls:
        output = [
            {
                "type": "function_call",
                "id": "fc",
                "call_id": "call_x",
                "name": n,
                "arguments": json.dumps(a),
            }
            for n, a in calls
        ]
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    return {
        "id": "r",
        "object": "response",
        "status": "completed",
        "output": output,
        "usage": usage,
    }


def _claude(text: str, calls: list[Any], stop: str | None) -> dict[str, Any]:
    content: list[Any] = [{"type": "text", "text": text}] if text else []
    content += [{"type": "tool_use", "id": "toolu_x", "name": n, "input": a} for n, a in calls]
    reason = "tool_use" if calls else "stop_sequence" if stop else "end_turn"
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "x",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": stop,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }


_ANSWERS = {"openai.chat": _chat, "openai.responses": _response, "anthropic.messages": _claude}
