"""Writing Responses requests: valid by OpenAI's own types, and no trace of us in what is sent."""

from __future__ import annotations

import json

from hypothesis import given, settings
from openai.types.responses import response_create_params as params
from pydantic import TypeAdapter

from shortstop import dialects
from shortstop.dialects.responses.request_out import adapted
from shortstop.types import Message, Request, Sampling, Text, Thinking
from tests.dialects.openai.test_request_out import consumed
from tests.dialects.strategies import samplings
from tests.dialects.test_properties import requests

RESPONSES = dialects.get("openai.responses")
BODY = TypeAdapter(params.ResponseCreateParams)


@given(request=requests())
@settings(max_examples=100, deadline=None)
def test_it_is_valid_by_openais_types(request: Request) -> None:
    body = json.loads(RESPONSES.encode_request(request, "m"))
    consumed(BODY.validate_python(body))
    assert body["model"] == "m"
    assert body["store"] is False, "nothing is kept at the vendor unless the client wants it"


@given(sampling=samplings)
def test_nothing_unsayable_is_sent(sampling: Sampling) -> None:
    said = (Message("user", (Text("Hi"),)),)
    request = Request("r", "openai.chat", {}, "auto", said, sampling=sampling)
    body = json.loads(RESPONSES.encode_request(request, "m"))
    unsayable = {*Sampling.__struct_fields__} - dialects.description_of("openai.responses").says
    assert not unsayable & body.keys()


def test_reasoning_goes_back_only_to_who_sealed_it() -> None:
    sealed = Thinking("Hm.", extra={"id": "rs_1", "encrypted_content": "x"})
    for part, kinds in ((Thinking("Hm.", "sig"), []), (sealed, ["reasoning"])):
        said = (Message("assistant", (part,)), Message("user", (Text("?"),)))
        request = Request("r", "openai.chat", {}, "auto", said)
        items = json.loads(RESPONSES.encode_request(request, "m"))["input"]
        assert [item["type"] for item in items if "type" in item] == kinds


def test_a_clients_own_body_is_adapted() -> None:
    ours = {"type": "reasoning", "id": "rs_req_abc_0", "summary": []}
    theirs = {"type": "reasoning", "id": "rs_abc", "summary": []}
    user = {"role": "user", "content": "Hi"}
    body = {"model": "m", "input": [ours, theirs, user], "background": True}
    assert adapted(dict(body)) == {"model": "m", "input": [theirs, user]}
    assert adapted({"model": "m", "input": "Hi"}) == {"model": "m", "input": "Hi"}
