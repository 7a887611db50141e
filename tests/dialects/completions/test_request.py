"""Legacy completions: prompts in, a transcript out, and a refusal for what is no text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop import dialects
from shortstop.errors import UpstreamRejected
from shortstop.types import Media, Message, Request, Sampling, Text, Tool, ToolResult
from tests.dialects.strategies import bodies, read_or_refused, samplings, texts

LEGACY = dialects.get("openai.completions")


@given(bodies(LEGACY))
@settings(max_examples=200, deadline=None)
def test_any_body_is_understood_or_refused(body: Any) -> None:
    request = read_or_refused(LEGACY, body)
    if request is not None:
        assert json.loads(LEGACY.encode_request(request, "other"))["model"] == "other"


@given(st.lists(texts, min_size=1, max_size=3))
def test_every_prompt_is_a_message(prompts: list[str]) -> None:
    request = LEGACY.decode_request({"model": "m", "prompt": prompts}, "r")
    assert [m.text for m in request.messages] == prompts


@given(texts, samplings)
def test_one_message_is_the_prompt_itself(text: str, sampling: Sampling) -> None:
    request = Request("r", "openai.chat", {}, "auto", (Message("user", (Text(text),)),))
    body = json.loads(LEGACY.encode_request(request, "m"))
    assert body["prompt"] == text


@given(st.lists(texts, min_size=2, max_size=4))
def test_a_dialogue_is_a_script_that_ends_with_the_answers_cue(lines: list[str]) -> None:
    messages = tuple(Message("user", (ToolResult("c", (Text(line),)),)) for line in lines)
    request = Request("r", "openai.chat", {}, "auto", messages)
    prompt = json.loads(LEGACY.encode_request(request, "m"))["prompt"]
    assert prompt.endswith("Assistant:")
    assert all(line in prompt for line in lines)


def test_what_is_no_text_is_refused() -> None:
    image = Message("user", (Media("image", url="https://x/y.png"),))
    with pytest.raises(UpstreamRejected, match="image"):
        LEGACY.encode_request(Request("r", "openai.chat", {}, "m", (image,)), "m")
    said = (Message("user", (Text("x"),)),)
    with pytest.raises(UpstreamRejected, match="tools"):
        LEGACY.encode_request(Request("r", "openai.chat", {}, "m", said, tools=(Tool("f"),)), "m")
