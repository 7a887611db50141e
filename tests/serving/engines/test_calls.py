"""Tool calls by schema: how a request is rewritten, and any cut of the reply is read back."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.errors import InvalidRequest
from shortstop.serving.engines.calls import CallReader, chunks_with_calls, with_calls
from shortstop.serving.engines.tools import offered, schema_of, without_tools
from shortstop.serving.gather import Gathering
from shortstop.types import (
    Choice,
    Chunk,
    Format,
    Message,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

WEATHER = Tool(
    "get_weather",
    "The weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"$ref": "#/$defs/unit"}},
        "required": ["city", "unit"],
        "additionalProperties": False,
        "$defs": {"unit": {"enum": ["C", "F"]}},
    },
)
TIME = Tool("get_time", "What time it is.", {"type": "object", "properties": {}})
CALL = {"name": "get_weather", "arguments": {"city": "Paris", "unit": "C"}}


FREE = ToolChoice()


def request(choice: ToolChoice = FREE, **more: Any) -> Request:
    messages = more.pop("messages", (Message("user", (Text("Weather in Paris?"),)),))
    return Request("r", "openai.chat", {}, "m", messages, (WEATHER, TIME), choice, **more)


def valid(asked: Request, reply: object) -> bool:
    schema = schema_of(asked, offered(asked))
    return bool(jsonschema_rs.validator_for(schema, offline=True).is_valid(reply))


def test_auto_admits_calls_and_words() -> None:
    asked = request()
    assert valid(asked, {"calls": [CALL]})
    assert valid(asked, {"calls": [CALL, {"name": "get_time", "arguments": {}}]})
    assert valid(asked, {"answer": "Sunny."})
    assert not valid(asked, {"calls": []})
    assert not valid(asked, {"calls": [{"name": "rm", "arguments": {}}]})
    assert not valid(asked, {"calls": [{**CALL, "arguments": {"city": "Paris", "unit": "K"}}]})


def test_required_admits_no_words_and_named_no_other_tool() -> None:
    assert not valid(request(ToolChoice("required")), {"answer": "Sunny."})
    named = request(ToolChoice("required", ("get_weather",)))
    assert valid(named, {"calls": [CALL]})
    assert not valid(named, {"calls": [{"name": "get_time", "arguments": {}}]})
    with pytest.raises(InvalidRequest, match="get_lost"):
        without_tools(request(ToolChoice("required", ("get_lost",))))


def test_parallel_calls_false_is_one_call() -> None:
    one = request(parallel_tool_calls=False)
    assert valid(one, {"calls": [CALL]})
    assert not valid(one, {"calls": [CALL, CALL]})


def test_the_answer_keeps_its_own_promised_shape() -> None:
    shape = {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}, "required": ["n"],
             "$defs": {"n": {"type": "integer"}}}  # fmt: skip
    asked = request(format=Format("json_schema", shape))
    assert valid(asked, {"answer": {"n": 1}})
    assert not valid(asked, {"answer": {"n": "one"}})
    assert not valid(asked, {"answer": "words"})


def test_what_is_posed_names_the_tools_and_carries_none() -> None:
    told = without_tools(request())
    assert told.tools == ()
    assert told.messages[0].role == "system"
    assert 'get_weather(city: string, unit: "C" | "F"): ' in told.messages[0].text
    assert told.format.kind == "json_schema"
    joined = without_tools(request(messages=(Message("system", (Text("Be kind."),)),)))
    assert joined.messages[0].text.startswith("Be kind.\n\nYou can call")


def test_none_offers_nothing() -> None:
    told = without_tools(request(ToolChoice("none")))
    assert (told.tools, told.format.kind, len(told.messages)) == ((), "text", 1)


def test_earlier_calls_and_results_are_written_out() -> None:
    talk = (
        Message("user", (Text("Weather in Paris?"),)),
        Message("assistant", (ToolCall("c1", "get_weather", '{"city":"Paris"}'),)),
        Message("tool", (ToolResult("c1", (Text("18 C"),)),)),
    )
    told = without_tools(request(messages=talk))
    assert [m.role for m in told.messages] == ["system", "user", "assistant", "user"]
    assert json.loads(told.messages[2].text) == {
        "calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    }
    assert told.messages[3].text == "Tool get_weather: 18 C"


# ---------------------------------------------------------------- reading

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
CALLS = st.lists(
    st.tuples(
        st.text('abc_"\\', min_size=1, max_size=6),
        st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
    ).map(lambda pair: {"name": pair[0], "arguments": pair[1]}),
    min_size=1,
    max_size=3,
)
REPLIES = st.fixed_dictionaries({"calls": CALLS}) | st.fixed_dictionaries(
    {"answer": st.text(max_size=30)}
)


@settings(max_examples=300, deadline=None)
@given(reply=REPLIES, ascii_=st.booleans(), indent=st.sampled_from([None, 1]), data=st.data())
def test_any_chunking_reads_the_same(
    reply: dict[str, Any], ascii_: bool, indent: int | None, data: st.DataObject
) -> None:
    text = json.dumps(reply, ensure_ascii=ascii_, indent=indent)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    reader, seen = CallReader(), Gathering()
    for piece in pieces:
        for chunk in chunks_with_calls(Chunk(text=piece), reader):
            seen.add(chunk)
    for chunk in chunks_with_calls(Chunk(finish="stop"), reader):
        seen.add(chunk)
    whole = with_calls(Choice(parts=(Text(text),), finish="stop"))
    for choice in (seen.choice, whole):
        if "answer" in reply:
            assert choice.text == reply["answer"]
            assert choice.finish == "stop"
            continue
        calls = [p for p in choice.parts if isinstance(p, ToolCall)]
        assert [(c.name, json.loads(c.arguments)) for c in calls] == [
            (c["name"], c["arguments"]) for c in reply["calls"]
        ]
        assert len({c.id for c in calls}) == len(calls)
        assert choice.finish == "tool_calls"
        assert choice.text == ""


def test_arguments_come_in_fragments_after_id_and_name() -> None:
    reader = CallReader()
    deltas = [
        delta
        for char in json.dumps({"calls": [CALL, CALL]})
        for chunk in reader.feed(char)
        for delta in chunk.tools
    ]
    named = [d for d in deltas if d.name]
    assert [(d.index, d.name) for d in named] == [(0, "get_weather"), (1, "get_weather")]
    assert len([d for d in deltas if d.arguments]) > 40
    assert all(d.id is None for d in deltas if not d.name)


@pytest.mark.parametrize("text", ["Sorry, no.", '{"city": "Paris"}', "", "[1]"])
def test_what_is_not_in_shape_comes_out_as_words(text: str) -> None:
    choice = with_calls(Choice(parts=(Text(text),), finish="stop"))
    assert choice.text == text
    assert choice.finish == "stop"


def test_a_cut_call_is_not_repaired() -> None:
    choice = with_calls(
        Choice(parts=(Text('{"calls":[{"name":"get_weather","arguments":{"ci'),), finish="length")
    )
    (call,) = [p for p in choice.parts if isinstance(p, ToolCall)]
    assert call.arguments == '{"ci'
    assert choice.finish == "length"
