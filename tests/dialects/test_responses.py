"""OpenAI Responses and legacy completions on the wire: cases 21 and 41."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shortstop import dialects
from shortstop.errors import InvalidRequest, UpstreamFailed, UpstreamRejected
from shortstop.types import Choice, Chunk, Opaque, Reply, Request, Text, Thinking, ToolCall

from .grammar import check_responses, frames
from .samples import CREATED, REPLIES, asked, retold

RESPONSES = dialects.get("openai.responses")
COMPLETIONS = dialects.get("openai.completions")
CHAT = dialects.get("openai.chat")


def request(**more: Any) -> Request:
    return RESPONSES.decode_request({"model": "auto", "input": "Hi", **more}, "r1")


def told(*chunks: Chunk) -> bytes:
    encoder = RESPONSES.stream_encoder(request(stream=True), CREATED)
    return b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()


def test_41_incomplete() -> None:
    made = told(Chunk(text="a"), Chunk(finish="length"))
    check_responses(made)
    last = frames(made)[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    choice = Choice(parts=(Text("a"),), finish="content_filter")
    body = json.loads(RESPONSES.encode_reply(Reply("x", "m", (choice,)), request()))
    assert body["status"] == "incomplete"
    assert RESPONSES.decode_reply(json.dumps(body).encode()).choices[0].finish == "content_filter"


def test_41_failed() -> None:
    encoder = RESPONSES.stream_encoder(request(stream=True), CREATED)
    made = encoder.encode(Chunk(text="a")) + encoder.error(UpstreamFailed("Gone."))
    check_responses(made, failed=True)
    assert frames(made)[-1]["response"]["error"]["message"] == "Gone."
    with pytest.raises(UpstreamFailed):
        RESPONSES.decode_reply(b'{"status":"failed","output":[]}')


def test_41_own_stream_is_renumbered_and_keeps_its_ids() -> None:
    made = frames(retold("openai.responses", "openai.responses"))
    assert [f["sequence_number"] for f in made] == list(range(len(made)))
    assert {f["response"]["id"] for f in made if "response" in f} == {"resp_up"}
    assert {f["response"]["model"] for f in made if "response" in f} == {"auto"}


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_41_state_is_pinned_to_its_owner(field: str) -> None:
    req = request(**{field: "x", "input": None})
    assert json.loads(RESPONSES.encode_request(req, "m"))[field] == "x"
    for other in ("openai.chat", "anthropic.messages", "openai.completions"):
        with pytest.raises(UpstreamRejected) as caught:
            dialects.get(other).encode_request(req, "m")  # type: ignore[arg-type]
        assert caught.value.param == field


def test_41_encrypted_reasoning_goes_back_to_openai_only() -> None:
    req = asked("openai.responses")
    thinking = req.messages[2].parts[0]
    assert thinking == Thinking(
        "They mean Basel.", extra={"id": "rs_1", "encrypted_content": "sealed"}
    )
    bare = Request(**{f: getattr(req, f) for f in req.__struct_fields__} | {"body": {}})
    items = json.loads(RESPONSES.encode_request(bare, "m"))["input"]
    assert any(i.get("encrypted_content") == "sealed" for i in items)
    claude = dialects.get("anthropic.messages").encode_request(req, "m")
    assert b"sealed" not in claude


def test_41_a_vendor_is_sent_no_reasoning_that_it_never_gave() -> None:
    """A conversation may have been answered here before the vendor is asked."""
    house = {"type": "reasoning", "id": "rs_req_1_0", "summary": []}
    vendors = {"type": "reasoning", "id": "rs_abc", "summary": []}
    user = {"role": "user", "content": "Hi"}
    req = request(input=[user, house, vendors], background=True)
    body = json.loads(RESPONSES.encode_request(req, "m"))
    assert body["input"] == [user, vendors]
    assert "background" not in body


def test_41_store_is_false_when_the_house_asks() -> None:
    chat = asked("openai.chat")
    assert json.loads(RESPONSES.encode_request(chat, "m"))["store"] is False


def test_41_vendor_items_and_tools_stay() -> None:
    req = request(
        input=[{"type": "item_reference", "id": "x"}, {"role": "user", "content": "Hi"}],
        tools=[{"type": "web_search"}],
    )
    assert isinstance(req.messages[0].parts[0], Opaque)
    assert dialects.lost(req, "openai.chat") == ("messages", "tools")
    assert dialects.lost(req, "openai.responses") == ()


PATCH = "*** Begin Patch\n*** End Patch\n"
PATCHER = {
    "type": "custom",
    "name": "apply_patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}


def test_41_a_tool_without_json_is_called_as_one() -> None:
    """Also where a chat model answers: a client runs a `function_call` of it as something else."""
    call = {"index": 0, "id": "call_1", "type": "custom"}
    custom = {"name": "apply_patch", "input": PATCH[:9]}
    chunks = [
        {"tool_calls": [{**call, "custom": custom}]},
        {"tool_calls": [{"index": 0, "custom": {"input": PATCH[9:]}}]},
    ]
    data = b"".join(
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": d}]}).encode() + b"\n\n"
        for d in chunks
    )
    encoder = RESPONSES.stream_encoder(request(stream=True, tools=[PATCHER]), CREATED)
    made = b"".join(encoder.encode(c) for c in CHAT.stream_decoder().feed(data))
    made += encoder.finish()
    check_responses(made)
    told = frames(made)
    kinds = [f["type"] for f in told if "call" in f["type"]]
    assert kinds == [*["response.custom_tool_call_input.delta"] * 2,
                     "response.custom_tool_call_input.done"]  # fmt: skip
    item = told[-1]["response"]["output"][0]
    assert (item["type"], item["input"]) == ("custom_tool_call", PATCH)
    whole = Choice(parts=(ToolCall("call_1", "apply_patch", PATCH, {"type": "custom"}),))
    body = json.loads(RESPONSES.encode_reply(Reply("x", "m", (whole,)), request(tools=[PATCHER])))
    assert (body["output"][0]["type"], body["output"][0]["input"]) == ("custom_tool_call", PATCH)


def test_41_a_tool_without_json_keeps_its_grammar_in_chat() -> None:
    sent = json.loads(CHAT.encode_request(request(tools=[PATCHER]), "m"))
    grammar = {"syntax": "lark", "definition": "start: /.+/"}
    assert sent["tools"][0]["custom"]["format"] == {"type": "grammar", "grammar": grammar}


@pytest.mark.parametrize(
    ("param", "more"),
    [
        ("input", {"input": None}),
        ("input", {"input": []}),
        ("input[0].role", {"input": [{"role": "x", "content": "a"}]}),
        ("input[0].type", {"input": [{"type": 7}]}),
        ("input[0].call_id", {"input": [{"type": "function_call"}]}),
        ("input[0].content[0].type", {"input": [{"role": "user", "content": [{"type": 7}]}]}),
        ("text.format.type", {"text": {"format": {"type": "x"}}}),
        ("reasoning.effort", {"reasoning": {"effort": 1}}),
        ("tool_choice", {"tool_choice": "x"}),
        ("temperature", {"temperature": 3}),
        ("max_output_tokens", {"max_output_tokens": 0}),
    ],
)
def test_wrong_values_are_400_with_their_param(param: str, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**more)
    assert caught.value.param == param


def test_one_turn_of_items_is_one_message() -> None:
    req = asked("openai.responses")
    assert [m.role for m in req.messages] == ["system", "user", "assistant", "tool", "user"]
    assert req.messages[2].parts[1] == ToolCall("call_a", "weather", '{"city":"Basel"}')


# ---------------------------------------------------------------- legacy completions


def completion(**more: Any) -> Request:
    return COMPLETIONS.decode_request({"model": "auto", "prompt": "Once", **more}, "r1")


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a", [Text("a")]),
        (["a", "b"], [Text("a"), Text("b")]),
        ([1, 2], [Opaque("tokens", {"tokens": [1, 2]})]),
        ([[1], "b"], [Opaque("tokens", {"tokens": [1]}), Text("b")]),
    ],
)
def test_21_prompts(prompt: Any, parts: list[Any]) -> None:
    req = completion(prompt=prompt)
    assert [m.parts[0] for m in req.messages] == parts
    assert json.loads(COMPLETIONS.encode_request(req, "m"))["prompt"] == prompt


def test_21_prompts_that_only_their_own_kind_can_answer() -> None:
    for prompt in ([1, 2], ["a", "b"]):
        with pytest.raises(UpstreamRejected):
            CHAT.encode_request(completion(prompt=prompt), "m")


@pytest.mark.parametrize("prompt", [None, [], 5, [1, "a"], [[]], [{}], True])
def test_21_wrong_prompts(prompt: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        completion(prompt=prompt)
    assert (caught.value.param or "").startswith("prompt")


def test_21_echo_and_suffix() -> None:
    req = completion(echo=True, suffix="end")
    assert dialects.lost(req, "openai.chat") == ("echo", "suffix")
    chat = json.loads(CHAT.encode_request(req, "m"))
    assert not {"echo", "suffix", "prompt"} & set(chat)
    reply = Reply("x", "m", (Choice(parts=(Text(" upon"),), finish="stop"),))
    assert json.loads(COMPLETIONS.encode_reply(reply, req))["choices"][0]["text"] == "Once upon"
    encoder = COMPLETIONS.stream_encoder(req, CREATED)
    made = frames(encoder.encode(Chunk(text=" upon")) + encoder.encode(Chunk(text=" a")))
    assert [f["choices"][0]["text"] for f in made] == ["Once upon", " a"]


def test_21_a_conversation_becomes_a_transcript() -> None:
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]
    chat = CHAT.decode_request({"model": "m", "messages": messages}, "r")
    prompt = json.loads(COMPLETIONS.encode_request(chat, "m"))["prompt"]
    assert prompt == "System: S\n\nUser: Hi\n\nAssistant:"


def test_21_reply() -> None:
    reply = COMPLETIONS.decode_reply(json.dumps(REPLIES["openai.completions"]).encode())
    assert (reply.text, reply.choices[0].finish) == (" there was", "length")
