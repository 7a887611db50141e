"""OpenAI chat on the wire: cases 1-23 of the compatibility list, by number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from shortstop import dialects
from shortstop.errors import (
    EngineBusy,
    InvalidRequest,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamTimeout,
)
from shortstop.types import (
    Choice,
    Chunk,
    Media,
    Refusal,
    Reply,
    Request,
    Text,
    Thinking,
    TokenLogprob,
    ToolCall,
    ToolChoice,
    ToolDelta,
    ToolResult,
    Usage,
)

from .grammar import frames
from .samples import CREATED, REPLIES, SCHEMA, chat_frame

CHAT = dialects.get("openai.chat")
CLAUDE = dialects.get("anthropic.messages")


def request(**more: Any) -> Request:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}], **more}
    return CHAT.decode_request(body, "r1")


def sent(req: Request, model: str = "target", dialect: Any = CHAT) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(dialect.encode_request(req, model))
    return body


def rebuilt(**more: Any) -> dict[str, Any]:
    """What is sent when the neutral fields are all there is."""
    req = request(**more)
    return sent(Request(**{f: getattr(req, f) for f in req.__struct_fields__} | {"body": {}}))


def told(chunks: list[Chunk], **more: Any) -> bytes:
    encoder = CHAT.stream_encoder(request(stream=True, **more), CREATED)
    return b"".join([encoder.encode(c) for c in chunks]) + encoder.finish()


def stream(*frames_: dict[str, Any], done: bool = True) -> bytes:
    lines = b"".join(b"data: " + json.dumps(f).encode() + b"\n\n" for f in frames_)
    return lines + (b"data: [DONE]\n\n" if done else b"")


def refused(param: str, **more: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request(**more)
    assert caught.value.param == param


USED = Usage(input=3, output=4)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_01_usage_comes_last_and_only_when_asked(asked: bool, own: bool) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "x_cost": 1}
    data = stream(chat_frame({"content": "a"}), {**chat_frame(), "choices": [], "usage": usage})
    if own:
        chunks = CHAT.stream_decoder().feed(data)
    else:
        chunks = [Chunk(text="a"), Chunk(finish="stop", usage=USED)]
    options = {"stream_options": {"include_usage": True}} if asked else {}
    found = frames(told(chunks, **options))
    if not asked:
        assert all("usage" not in f for f in found)
        return
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 7
    assert [f["usage"] for f in found[:-1]] == [None] * (len(found) - 1)


def test_01_upstream_is_always_asked_for_usage() -> None:
    req = request(stream=True)
    assert sent(req)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in req.body
    kept = request(stream=True, stream_options={"include_obfuscation": False})
    assert sent(kept)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in sent(request())


@pytest.mark.parametrize("own", [True, False])
def test_02_role_first_and_done_last(own: bool) -> None:
    data = stream(
        chat_frame({"role": "assistant", "content": "a"}),
        chat_frame({"role": "assistant", "content": "b"}),
        chat_frame(finish_reason="stop"),
    )
    decoder = CHAT.stream_decoder()
    chunks = decoder.feed(data) if own else [Chunk(text="a"), Chunk(text="b", finish="stop")]
    made = told(chunks)
    assert made.endswith(b"data: [DONE]\n\n")
    roles = ["role" in f["choices"][0]["delta"] for f in frames(made)]
    assert roles == [True] + [False] * (len(roles) - 1)
    assert decoder.done is own


def test_03_same_id_created_and_model_in_all_chunks() -> None:
    odd = {**chat_frame({"content": "b"}), "id": "other", "created": 9, "model": "m2"}
    chunks = CHAT.stream_decoder().feed(stream(chat_frame({"content": "a"}), odd))
    heads = {(f["id"], f["created"], f["model"]) for f in frames(told(chunks))}
    assert heads == {("chatcmpl-r1", CREATED, "auto")}


def test_04_tool_deltas_keep_index_and_say_id_and_name_once() -> None:
    chunks = [
        Chunk(tools=(ToolDelta(0, "a", "f"),)),
        Chunk(tools=(ToolDelta(0, arguments='{"x"'),)),
        Chunk(tools=(ToolDelta(0, arguments=":1}"), ToolDelta(1, "b", "g", "{}"))),
        Chunk(finish="tool_calls"),
    ]
    calls: dict[int, dict[str, Any]] = {}
    for frame in frames(told(chunks)):
        for call in frame["choices"][0]["delta"].get("tool_calls", []):
            if "id" in call:
                assert call["index"] not in calls
                calls[call["index"]] = {"id": call["id"], **call["function"]}
            else:
                assert "name" not in call["function"]
                calls[call["index"]]["arguments"] += call["function"]["arguments"]
    assert calls == {
        0: {"id": "a", "name": "f", "arguments": '{"x":1}'},
        1: {"id": "b", "name": "g", "arguments": "{}"},
    }


def test_04_parallel_calls_that_all_claim_index_0_are_told_apart() -> None:
    def call(id: str, arguments: str = "{}") -> dict[str, Any]:
        function = {"name": "f", "arguments": arguments}
        return chat_frame({"tool_calls": [{"index": 0, "id": id, "function": function}]})

    chunks = CHAT.stream_decoder().feed(stream(call("a"), call("b", '{"x":'), call("b", "1}")))
    assert [c.tools[0] for c in chunks] == [
        ToolDelta(0, "a", "f", "{}"),
        ToolDelta(1, "b", "f", '{"x":'),
        ToolDelta(1, None, None, "1}"),
    ]
    passed = [f["choices"][0]["delta"]["tool_calls"][0] for f in frames(told(chunks))[:3]]
    assert [c["index"] for c in passed] == [0, 1, 1]
    assert "id" not in passed[2]


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter"])
def test_05_finish_reason(reason: str) -> None:
    body = json.loads(json.dumps(REPLIES["openai.chat"]))
    body["choices"][0]["finish_reason"] = reason
    reply = CHAT.decode_reply(json.dumps(body).encode())
    reason = "tool_calls" if reason == "stop" else reason  # the answer holds calls
    assert reply.choices[0].finish == reason
    bare = Reply("x", "m", reply.choices)
    assert json.loads(CHAT.encode_reply(bare, request()))["choices"][0]["finish_reason"] == reason


def test_06_content_is_null_beside_tool_calls() -> None:
    reply = Reply("x", "m", (Choice(parts=(ToolCall("a", "f", "{}"),), finish="tool_calls"),))
    message = json.loads(CHAT.encode_reply(reply, request()))["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


TOOL = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
TOOL_G = {"type": "function", "function": {"name": "g", "parameters": {}}}


def test_07_parallel_tool_calls_false() -> None:
    assert request(parallel_tool_calls=False).parallel_tool_calls is False
    assert rebuilt(tools=[TOOL], parallel_tool_calls=False)["parallel_tool_calls"] is False
    claude = sent(request(tools=[TOOL], parallel_tool_calls=False), dialect=CLAUDE)
    assert claude["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


NAMED = {"type": "function", "function": {"name": "f"}}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED] * 2}}


@pytest.mark.parametrize(
    ("wire", "neutral"),
    [
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        (NAMED, ToolChoice("required", ("f",))),
        (ALLOWED, ToolChoice("required", ("f", "f"))),
    ],
)
def test_08_tool_choice(wire: Any, neutral: ToolChoice) -> None:
    assert request(tools=[TOOL], tool_choice=wire).tool_choice == neutral
    assert rebuilt(tools=[TOOL], tool_choice=wire)["tool_choice"] == wire


def test_08_allowed_tools_are_the_only_ones_shown_to_claude() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}
    body = sent(request(tools=[TOOL, TOOL_G], tool_choice=choice), dialect=CLAUDE)
    assert [t["name"] for t in body["tools"]] == ["f"]


def test_09_n_interleaves_by_index() -> None:
    both = chat_frame({"content": "a"})
    both["choices"].append({"index": 1, "delta": {"content": "b"}, "finish_reason": None})
    chunks = CHAT.stream_decoder().feed(stream({**both, "usage": {"prompt_tokens": 1}}))
    assert [(c.index, c.text) for c in chunks[:2]] == [(0, "a"), (1, "b")]
    assert sum(c.usage is not None for c in chunks) == 1
    made = frames(told([*chunks, Chunk(index=1, finish="stop"), Chunk(index=0, finish="stop")]))
    first = [f["choices"][0] for f in made[:2]]
    assert [c["delta"] for c in first] == [
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    assert request(n=3).sampling.n == 3


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({}, None),
    ],
)
def test_10_max_tokens_by_both_names(said: dict[str, int], limit: int | None) -> None:
    req = request(**said)
    assert req.sampling.max_tokens == limit
    assert sent(req, dialect=CLAUDE)["max_tokens"] == (limit or 4096)


def test_10_max_tokens_under_the_name_that_the_upstream_knows() -> None:
    claude = CLAUDE.decode_request(
        {"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}, "r"
    )
    assert sent(claude, "gpt-5.2")["max_completion_tokens"] == 5
    assert sent(claude, "qwen3")["max_tokens"] == 5


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"max_tokens": 5}, {"max_completion_tokens": 5}),
        ({"max_completion_tokens": 6}, {"max_completion_tokens": 6}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, {"max_completion_tokens": 6}),
        ({"max_tokens": 5.0}, {"max_completion_tokens": 5}),
        ({}, {}),
    ],
)
def test_10_a_clients_own_body_fits_openai_and_stays_itself_elsewhere(
    said: dict[str, int], told: dict[str, int]
) -> None:
    """A client of `auto` cannot know that OpenAI refuses `max_tokens`, `top_k` and reasoning."""
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho", "reasoning_content": "They greet."},
        {"role": "user", "content": "Hi again"},
    ]
    req = request(messages=messages, top_k=40, **said)
    body = sent(req, "gpt-6.1-sol")
    assert {k: v for k, v in body.items() if k.startswith("max_")} == told
    assert "top_k" not in body
    assert body["messages"][1] == {"role": "assistant", "content": "Ho"}
    assert sent(req, "qwen3") == {**req.body, "model": "qwen3"}


def test_11_developer_stays_and_becomes_claudes_system() -> None:
    messages = [{"role": "developer", "content": "D"}, {"role": "user", "content": "Hi"}]
    req = request(messages=messages)
    assert req.messages[0].role == "developer"
    assert sent(req)["messages"] == messages
    assert sent(req, dialect=CLAUDE)["system"] == "D"


def test_12_response_format_strict_with_defs() -> None:
    said = {"name": "n", "schema": SCHEMA, "strict": True}
    form = {"type": "json_schema", "json_schema": said}
    assert rebuilt(response_format=form)["response_format"] == form
    assert request(response_format=form).format.schema == SCHEMA
    assert request(response_format={"type": "json_object"}).format.kind == "json_object"
    loose = request(response_format={"type": "json_object"})
    claude = dialects.get("anthropic.messages")
    assert dialects.lost(loose, "anthropic.messages") == ()
    assert "JSON object" in json.loads(claude.encode_request(loose, "m"))["system"]


def test_12_refusal() -> None:
    chunks = CHAT.stream_decoder().feed(stream(chat_frame({"refusal": "No."})))
    assert chunks[0].refusal == "No."
    reply = Reply("x", "m", (Choice(parts=(Refusal("No."),), finish="refusal"),))
    choice = json.loads(CHAT.encode_reply(reply, request()))["choices"][0]
    assert choice["message"]["refusal"] == "No."
    assert choice["finish_reason"] == "content_filter"


LOGPROB = {"token": "é", "logprob": -0.1, "bytes": [195, 169]}


def test_13_logprobs_with_bytes_in_streams() -> None:
    tokens = (TokenLogprob("é", -0.1, (("é", -0.1), ("e", -2.0))),)
    made = frames(told([Chunk(text="é", logprobs=tokens)], logprobs=True, top_logprobs=1))
    assert made[0]["choices"][0]["logprobs"]["content"] == [{**LOGPROB, "top_logprobs": [LOGPROB]}]
    silent = frames(told([Chunk(text="é", logprobs=tokens)]))
    assert silent[0]["choices"][0]["logprobs"] is None


def test_14_seed_fingerprint_and_tier() -> None:
    req = request(seed=1, service_tier="flex")
    assert sent(req)["seed"] == 1
    assert sent(req)["service_tier"] == "flex"
    assert dialects.lost(req, "anthropic.messages") == ("seed", "service_tier")
    reply = CHAT.decode_reply(json.dumps(REPLIES["openai.chat"]).encode())
    assert json.loads(CHAT.encode_reply(reply, req))["system_fingerprint"] == "fp_1"


def test_15_stop() -> None:
    assert request(stop="a").sampling.stop == ("a",)
    assert request(stop=["a", "b", "c", "d"]).sampling.stop == ("a", "b", "c", "d")
    assert request(stop=None).sampling.stop == ()
    assert len(request(stop=["a"] * 5).sampling.stop) == 5, "the vendor that is asked may take five"
    for bad in ([1], 3, {}):
        refused("stop", stop=bad)


def test_16_content_parts() -> None:
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "high"}},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        },
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    messages = [{"role": "user", "content": parts}]
    found = request(messages=messages).messages[0].parts
    assert [type(p) for p in found] == [Text, Media, Media, Media, Media]
    assert rebuilt(messages=messages)["messages"] == messages


def test_16_audio_for_claude_is_refused_not_dropped() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}}
    req = request(messages=[{"role": "user", "content": [part]}])
    with pytest.raises(UpstreamRejected) as caught:
        CLAUDE.encode_request(req, "claude")
    assert caught.value.code == "unsupported_content"


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_17_reasoning_in_and_out(key: str) -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "ok", key: "hmm"},
        {"role": "user", "content": "Go"},
    ]
    req = request(messages=messages, reasoning_effort="high")
    assert req.messages[1].parts == (Thinking("hmm"), Text("ok"))
    assert sent(req)["messages"] == messages
    claude = sent(req, dialect=CLAUDE)
    assert claude["messages"][1] == {"role": "assistant", "content": "ok"}, "unsigned: left out"
    assert claude["output_config"] == {"effort": "high"}
    chunk = CHAT.stream_decoder().feed(stream(chat_frame({key: "hm"})))[0]
    assert chunk.thinking == "hm"


BAD = [
    ("temperature", {"temperature": 2.1}),
    ("temperature", {"temperature": "hot"}),
    ("temperature", {"temperature": True}),
    ("top_p", {"top_p": -0.1}),
    ("presence_penalty", {"presence_penalty": 3}),
    ("frequency_penalty", {"frequency_penalty": -3}),
    ("n", {"n": 0}),
    ("max_tokens", {"max_tokens": 0}),
    ("max_tokens", {"max_tokens": 1.5}),
    ("max_completion_tokens", {"max_completion_tokens": -1}),
    ("top_logprobs", {"top_logprobs": 21}),
    ("logit_bias", {"logit_bias": []}),
    ("stream", {"stream": "yes"}),
    ("stream_options", {"stream_options": 1}),
    ("user", {"user": 1}),
    ("metadata", {"metadata": "x"}),
    ("model", {"model": None}),
    ("model", {"model": ""}),
    ("messages", {"messages": []}),
    ("messages", {"messages": None}),
    ("messages", {"messages": "Hi"}),
    ("messages[0]", {"messages": ["Hi"]}),
    ("messages[0].role", {"messages": [{"role": "king", "content": "x"}]}),
    ("messages[0].role", {"messages": [{"role": ["user"], "content": "x"}]}),
    ("messages[0].content", {"messages": [{"role": "user"}]}),
    ("messages[0].content", {"messages": [{"role": "user", "content": 5}]}),
    ("messages[0].content", {"messages": [{"role": "user", "content": []}]}),
    ("messages[0].content[0]", {"messages": [{"role": "user", "content": ["x"]}]}),
    (
        "messages[0].content[0].type",
        {"messages": [{"role": "user", "content": [{"type": 7}]}]},
    ),
    (
        "messages[0].content[0].image_url",
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "u"}]}]},
    ),
    ("messages[0].tool_call_id", {"messages": [{"role": "tool", "content": "x"}]}),
    ("messages[0].tool_calls", {"messages": [{"role": "assistant", "tool_calls": 1}]}),
    (
        "messages[0].tool_calls[0].function",
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]},
    ),
    ("messages[0].function_call.name", {"messages": [{"role": "assistant", "function_call": {}}]}),
    ("messages[0].name", {"messages": [{"role": "user", "content": "x", "name": 1}]}),
    ("tools", {"tools": {}}),
    ("tools[0].type", {"tools": [{"type": 7}]}),
    ("tools[0].function.name", {"tools": [{"type": "function", "function": {}}]}),
    ("tool_choice", {"tool_choice": "maybe"}),
    ("tool_choice", {"tool_choice": 4}),
    ("tool_choice.function.name", {"tool_choice": {"type": "function", "function": {}}}),
    (
        "tool_choice.allowed_tools.tools",
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
    ),
    ("response_format", {"response_format": "json"}),
    ("response_format.type", {"response_format": {"type": "yaml"}}),
    ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
    ("reasoning_effort", {"reasoning_effort": 3}),
    ("logit_bias", {"logit_bias": {"50256": 101}}),
    ("logit_bias", {"logit_bias": {"50256": "much"}}),
    ("max_tokens", {"max_tokens": 1.5}),
    ("tool_choice.type", {"tool_choice": {"type": "magic", "function": {"name": "f"}}}),
    (
        "messages[0].tool_calls[0].type",
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "magic"}]}]},
    ),
    (
        "response_format.json_schema.schema",
        {"response_format": {"type": "json_schema", "json_schema": {"schema": ""}}},
    ),
    (
        "response_format.json_schema.strict",
        {"response_format": {"type": "json_schema", "json_schema": {"strict": "yes"}}},
    ),
    (
        "messages[0].reasoning_content",
        {"messages": [{"role": "assistant", "reasoning_content": False}]},
    ),
]


@pytest.mark.parametrize(("param", "more"), BAD)
def test_18_wrong_values_are_400_with_their_param(param: str, more: dict[str, Any]) -> None:
    refused(param, **more)


def test_19_unknown_fields_are_carried() -> None:
    req = request(x_new={"a": 1}, min_p=0.1)
    assert req.extra == {"x_new": {"a": 1}, "min_p": 0.1}
    assert sent(req)["x_new"] == {"a": 1}
    assert sent(req, dialect=CLAUDE)["x_new"] == {"a": 1}


def test_20_known_extras_stay_with_openai() -> None:
    more = {
        "user": "u",
        "metadata": {"a": "b"},
        "store": True,
        "prediction": {"type": "content", "content": "x"},
        "prompt_cache_key": "k",
    }
    req = request(**more)
    assert sent(req).items() >= more.items()
    claude = sent(req, dialect=CLAUDE)
    assert claude["metadata"] == {"user_id": "u"}
    assert not {"store", "prediction", "prompt_cache_key", "user"} & set(claude)
    assert dialects.lost(req, "anthropic.messages") == (
        "metadata",
        "prediction",
        "prompt_cache_key",
        "store",
    )
    assert dialects.lost(req, "openai.chat") == ()


def test_21_legacy_functions() -> None:
    function = {"name": "f", "description": "d", "parameters": SCHEMA}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"},
    ]
    req = request(messages=messages, functions=[function], function_call={"name": "f"})
    assert req.tools[0].name == "f"
    assert req.tool_choice == ToolChoice("required", ("f",))
    assert req.messages[1].parts == (ToolCall("f", "f", "{}"),)
    assert req.messages[2].parts == (ToolResult("f", (Text("42"),)),)
    reply = Reply("x", "m", (Choice(parts=(ToolCall("a", "f", "{}"),), finish="tool_calls"),))
    choice = json.loads(CHAT.encode_reply(reply, req))["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["finish_reason"] == "function_call"


def test_22_characters_split_across_bytes() -> None:
    data = b'data: {"choices":[{"index":0,"delta":{"content":"\xf0\x9f\x90\xa8 \xc3\xa9"}}]}\n\n'
    decoder = CHAT.stream_decoder()
    chunks = [c for byte in data for c in decoder.feed(bytes([byte]))]
    assert [c.text for c in chunks] == ["🐨 é"]


def test_23_an_empty_answer_is_an_answer() -> None:
    body = json.loads(json.dumps(REPLIES["openai.chat"]))
    body["choices"][0]["message"] = {"role": "assistant", "content": ""}
    reply = CHAT.decode_reply(json.dumps(body).encode())
    assert reply.text == ""
    ChatCompletion.model_validate_json(CHAT.encode_reply(reply, request()))
    empty = Reply("x", "m", (Choice(finish="stop"),))
    message = json.loads(CHAT.encode_reply(empty, request()))["choices"][0]["message"]
    assert message["content"] == ""
    made = frames(told([]))
    assert [f["choices"][0]["finish_reason"] for f in made][-1] == "stop"
    for frame in made:
        ChatCompletionChunk.model_validate(frame)


def test_23_one_megabyte_in_one_line() -> None:
    data = stream(chat_frame({"content": "x" * 1_000_000}))
    decoder = CHAT.stream_decoder()
    pieces = [data[i : i + 4096] for i in range(0, len(data), 4096)]
    assert [len(c.text) for p in pieces for c in decoder.feed(p)] == [1_000_000]


def test_same_dialect_request_is_the_very_body() -> None:
    body = {"z": 1, "model": "auto", "messages": [{"role": "user", "content": "Hi"}], "a": None}
    req = CHAT.decode_request(body, "r")
    assert req.body is body
    assert list(sent(req)) == ["z", "model", "messages", "a"]
    assert body["model"] == "auto"


def test_usage_classes_are_disjoint() -> None:
    usage = CHAT.decode_reply(json.dumps(REPLIES["openai.chat"]).encode()).usage
    assert usage == Usage(input=35, cache_read=60, input_audio=5, output=30, reasoning=20)
    assert usage.prompt == 100
    assert usage.completion == 50


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[null]}', b"<html>"]
)
def test_never_200_with_null(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        CHAT.decode_reply(body)


@pytest.mark.parametrize(
    "frame",
    [b"data: {nope\n\n", b"data: 5\n\n", b"data: [1]\n\n", b'data: {"choices":[3]}\n\n'],
)
def test_garbage_in_a_stream_is_the_upstreams_failure(frame: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        CHAT.stream_decoder().feed(frame)


def test_error_frame_ends_the_stream_without_secrets() -> None:
    frame = b'data: {"error":{"message":"bad key sk-abcdef1234567890","type":"server_error"}}\n\n'
    with pytest.raises(UpstreamFailed) as caught:
        CHAT.stream_decoder().feed(frame)
    assert "sk-abc" not in str(caught.value)


# ---------------------------------------------------------------- errors (24, 26)


def decoded(status: int, message: str = "", **more: Any) -> Any:
    body = json.dumps({"error": {"message": message, **more}}).encode()
    return CHAT.decode_error(status, body, 2.0)


def test_24_error_body() -> None:
    error = EngineBusy("Full.", hint="Try later.", param="p")
    assert json.loads(CHAT.encode_error(error, "r")) == {
        "error": {
            "message": "Full. Try later.",
            "type": "server_error",
            "param": "p",
            "code": "engine_busy",
        }
    }


@pytest.mark.parametrize("status", [500, 502, 503, 520, 529])
def test_24_server_errors_are_the_upstreams(status: int) -> None:
    assert isinstance(decoded(status), UpstreamFailed)
    assert decoded(status).retry_after == 2.0


@pytest.mark.parametrize("status", [408, 504])
def test_24_timeouts(status: int) -> None:
    assert isinstance(decoded(status), UpstreamTimeout)


@pytest.mark.parametrize("status", [401, 403])
def test_24_a_bad_key_is_the_gateways_own_trouble(status: int) -> None:
    error = decoded(status, "Incorrect API key provided: sk-proj-12345678.")
    assert isinstance(error, UpstreamFailed)
    assert "sk-" not in str(error)


def test_24_529_is_a_full_upstream() -> None:
    error = CHAT.decode_error(529, b"{}", 3.0)
    assert isinstance(error, UpstreamFailed)
    assert (error.status, error.code, error.retry_after) == (503, "overloaded", 3.0)
    assert CLAUDE.description.status_of(error) == 529
    assert CHAT.description.status_of(error) == 503


def test_26_quota_and_rate_limit() -> None:
    assert decoded(429, code="insufficient_quota").code == "insufficient_quota"
    assert decoded(429, type="insufficient_quota").code == "insufficient_quota"
    assert decoded(429, "slow down").code == "rate_limit_exceeded"
    assert decoded(429).status == 429


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This model's maximum context length is 8192 tokens", None),
        ("x", "context_length_exceeded"),
        ("the request exceeds the available context size, try increasing it", None),
    ],
)
def test_26_context_length(message: str, code: str | None) -> None:
    error = decoded(400, message, code=code)
    assert isinstance(error, UpstreamRejected)
    assert error.code == "context_length_exceeded"
    assert decoded(400, "temperature is wrong", code="invalid_value").code == "invalid_value"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":5}', b'{"error":"x"}', b"\xff"])
@pytest.mark.parametrize("name", ["openai.chat", "anthropic.messages"])
def test_decode_error_never_raises(body: bytes, name: Any) -> None:
    assert dialects.get(name).decode_error(400, body, None).status == 400


@pytest.mark.parametrize(
    "secret",
    ["sk-ant-api03-abcdefgh", "Bearer abc.def", "api_key=hunter2hunter2", "AIzaSyA1234567890"],
)
def test_messages_hold_no_secret(secret: str) -> None:
    assert secret not in str(decoded(400, f"request with {secret} failed"))
