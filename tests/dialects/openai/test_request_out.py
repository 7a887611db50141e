"""Writing chat requests: valid by OpenAI's own types, and fit for the model that is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from openai.types.chat import completion_create_params as params
from pydantic import TypeAdapter

from shortstop import dialects
from shortstop.dialects.openai.request_out import adapted
from shortstop.types import Message, Request, Sampling, Text, Thinking
from tests.dialects.strategies import samplings
from tests.dialects.test_properties import requests

CHAT = dialects.get("openai.chat")
OURS = st.sampled_from(["gpt-6.1-sol", "openai/gpt-5", "o3-mini", "chatgpt-4o-latest"])
OTHERS = st.sampled_from(["gpt-oss-120b", "openai/gpt-oss-20b", "qwen3", "mistral-large", "oak"])
BODY = TypeAdapter(params.CompletionCreateParams)


def consumed(value: Any) -> Any:
    """Iterables are validated while they are read."""
    if isinstance(value, dict):
        return {k: consumed(v) for k, v in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [consumed(item) for item in value]


@given(request=requests(), model=OURS | OTHERS)
@settings(max_examples=100, deadline=None)
def test_it_is_valid_by_openais_types(request: Request, model: str) -> None:
    body = json.loads(CHAT.encode_request(request, model))
    consumed(BODY.validate_python(body))
    assert body["model"] == model
    if request.stream:
        assert body["stream_options"] == {"include_usage": True}, "the books need it"


@given(sampling=samplings, model=OURS)
def test_openais_own_models_are_spared_what_they_reject(sampling: Sampling, model: str) -> None:
    said = (Message("assistant", (Thinking("Hm."), Text("Yes."))), Message("user", (Text("?"),)))
    request = Request("r", "anthropic.messages", {}, "auto", said, sampling=sampling)
    body = json.loads(CHAT.encode_request(request, model))
    assert not {"max_tokens", "top_k"} & body.keys()
    assert body.get("max_completion_tokens") == sampling.max_tokens
    assert "reasoning_content" not in body["messages"][0]
    own = replace(request, dialect="openai.chat", body={**body, "max_tokens": 7, "top_k": 1})
    again = json.loads(CHAT.encode_request(own, model))
    assert not {"max_tokens", "top_k"} & again.keys()
    assert again["max_completion_tokens"] == (sampling.max_tokens or 7)


@given(sampling=samplings, model=OTHERS)
def test_other_servers_get_the_fields_that_they_know(sampling: Sampling, model: str) -> None:
    said = (Message("assistant", (Thinking("Hm."), Text("Yes."))), Message("user", (Text("?"),)))
    request = Request("r", "anthropic.messages", {}, "auto", said, sampling=sampling)
    body = json.loads(CHAT.encode_request(request, model))
    assert body.get("max_tokens") == sampling.max_tokens
    assert body.get("top_k") == sampling.top_k
    assert body["messages"][0]["reasoning_content"] == "Hm."
    assert adapted(body) == body


@pytest.mark.parametrize("count", [1, 4, 5])
def test_no_more_stops_than_are_allowed(count: int) -> None:
    stops = tuple("abcde"[:count])
    request = Request("r", "anthropic.messages", {}, "m", (), sampling=Sampling(stop=stops))
    assert json.loads(CHAT.encode_request(request, "m"))["stop"] == list(stops[:4])
    assert dialects.unsent_stops(request, CHAT.description) == stops[4:]


@pytest.mark.parametrize("model", ["gpt-6.1-sol", "qwen3"])
def test_the_clients_own_body_is_not_changed_in_place(model: str) -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "assistant", "content": "x", "reasoning_content": "y"}],
        "max_tokens": 3,
    }
    before = json.dumps(body)
    CHAT.encode_request(CHAT.decode_request(body, "r"), model)
    assert json.dumps(body) == before
