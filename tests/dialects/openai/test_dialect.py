"""A vendor's own answer is handed on, corrected where clients would not understand it."""

from __future__ import annotations

import json
from typing import Any

from shortstop import dialects
from tests.dialects.samples import asked

CHAT = dialects.get("openai.chat")


def passed_on(message: dict[str, Any], finish: str = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    reply = CHAT.decode_reply(json.dumps({"choices": [choice], "own": 1, **more}).encode(), "salt")
    answer: dict[str, Any] = json.loads(CHAT.encode_reply(reply, asked("openai.chat")))
    return answer


def test_odd_calls_content_and_usage_are_corrected_and_the_rest_is_kept() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}, "own": 2}
    answer = passed_on({"content": None, "tool_calls": [call]}, usage={"prompt_tokens": 5.0})
    (made,) = answer["choices"][0]["message"]["tool_calls"]
    assert answer["own"] == 1
    assert made["own"] == 2
    assert made["id"]
    assert made["type"] == "function"
    assert json.loads(made["function"]["arguments"]) == {"a": 1}
    assert answer["usage"]["prompt_tokens"] == 5
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert passed_on({"content": parts})["choices"][0]["message"]["content"] == "ab"


def test_a_reason_that_nobody_knows_is_a_cut() -> None:
    assert passed_on({"content": "x"}, "abort")["choices"][0]["finish_reason"] == "length"
