"""Writing Messages requests: valid by Anthropic's own types, and only what it signed goes back."""

from __future__ import annotations

import json

from anthropic.types import message_create_params as params
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shortstop import dialects
from shortstop.dialects.anthropic.request_out import DEFAULT_MAX_TOKENS
from shortstop.types import Message, Request, Sampling, Text, Thinking, Tool, ToolChoice
from tests.dialects.openai.test_request_out import consumed
from tests.dialects.strategies import samplings, texts
from tests.dialects.test_properties import requests

CLAUDE = dialects.get("anthropic.messages")
BODY = TypeAdapter(params.MessageCreateParams)
ASKED = Message("user", (Text("?"),))


def sent(*messages: Message, **more: object) -> dict[str, object]:
    request = Request("r", "openai.chat", {}, "auto", messages or (ASKED,), **more)  # type: ignore[arg-type]
    body: dict[str, object] = json.loads(CLAUDE.encode_request(request, "m"))
    return body


@given(request=requests())
@settings(max_examples=100, deadline=None)
def test_it_is_valid_by_anthropics_types(request: Request) -> None:
    body = json.loads(CLAUDE.encode_request(request, "m"))
    consumed(BODY.validate_python(body))
    roles = [m["role"] for m in body["messages"]]
    assert set(roles) <= {"user", "assistant"}


@given(sampling=samplings)
def test_a_limit_is_always_given_and_nothing_unsayable(sampling: Sampling) -> None:
    body = sent(sampling=sampling)
    assert body["max_tokens"] == (sampling.max_tokens or DEFAULT_MAX_TOKENS)
    unsayable = {*Sampling.__struct_fields__} - dialects.description_of("anthropic.messages").says
    assert not unsayable & body.keys()


@given(st.floats(0, 2))
def test_temperature_stays_within_its_range(temperature: float) -> None:
    assert sent(sampling=Sampling(temperature=temperature))["temperature"] == min(temperature, 1)


def test_only_reasoning_that_it_signed_goes_back() -> None:
    parts = (Thinking("Mine.", "sig"), Thinking(redacted="xyz"), Thinking("Another's."), Text("x"))
    body = sent(Message("assistant", parts), ASKED)
    kinds = [block["type"] for block in body["messages"][0]["content"]]  # type: ignore[index]
    assert kinds == ["thinking", "redacted_thinking", "text"]


@given(st.lists(texts, min_size=1, max_size=3))
def test_instructions_are_the_system_prompt(lines: list[str]) -> None:
    body = sent(*[Message("developer", (Text(line),)) for line in lines], ASKED)
    system = body.get("system", [])
    told = [system] if isinstance(system, str) else [block["text"] for block in system]  # type: ignore[attr-defined]
    assert told == [line for line in lines if line.strip()]
    assert body["messages"] == [{"role": "user", "content": "?"}]


def test_tools_that_are_not_allowed_are_not_offered() -> None:
    tools = (Tool("f"), Tool("g"), Tool("h"))
    body = sent(tools=tools, tool_choice=ToolChoice("required", ("f", "g")))
    assert [tool["name"] for tool in body["tools"]] == ["f", "g"]  # type: ignore[attr-defined]
    assert body["tool_choice"] == {"type": "any"}
    one = sent(tools=tools, tool_choice=ToolChoice("required", ("f",)))
    assert one["tool_choice"] == {"type": "tool", "name": "f"}
