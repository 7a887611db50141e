"""Answers of which one value is open: what is certain is not generated, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop import dialects
from shortstop.registry import ModelRecord
from shortstop.registry.vocabulary import read_vocabulary
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.closed import ClosedReader, closed_answer
from shortstop.serving.engines.embedded import EmbeddedServer
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from shortstop.types import Chunk, Format, Message, Request, Sampling, Text, Tool

TRAYS = ["invoices", "complaints", "press", "press room"]
MAIL = {
    "type": "object",
    "properties": {"kind": {"const": "mail"}, "tray": {"enum": TRAYS}, "v": {"enum": [2]}},
    "required": ["kind", "tray", "v"],
    "additionalProperties": False,
}


def asked(schema: Any, **more: Any) -> Request:
    said = (
        Message("system", (Text("You sort mail into trays: " + ", ".join(TRAYS)),)),
        Message("user", (Text("My parcel never came and I am angry."),)),
    )
    wanted = Format("json_schema", schema, name="mail")
    return Request("r", "openai.chat", {}, "small", said, format=wanted, **more)


def test_all_but_one_value_is_certain() -> None:
    closed = closed_answer(asked(MAIL))
    assert closed is not None
    assert closed.before == '{"kind": "mail", "tray": "'
    assert closed.values == ('invoices"', 'complaints"', 'press"', 'press room"')
    assert closed.after == ', "v": 2}'


SCALARS = st.one_of(st.text(max_size=8), st.booleans(), st.integers(-99, 99), st.none())


@given(
    values=st.lists(SCALARS, min_size=2, max_size=6, unique_by=json.dumps),
    constants=st.dictionaries(st.text(max_size=5), SCALARS, max_size=3),
    at=st.integers(0, 3),
    cut=st.integers(1, 5),
)
def test_whatever_is_written_the_answer_is_valid(
    values: list[Any], constants: dict[str, Any], at: int, cut: int
) -> None:
    properties: list[tuple[str, Any]] = [(k, {"const": v}) for k, v in constants.items()]
    properties.insert(at, ("label", {"enum": values}))
    schema = {"type": "object", "properties": dict(properties), "required": list(dict(properties))}
    closed = closed_answer(asked(schema))
    if closed is None or "label" in constants:
        return
    for chosen in closed.values:
        reader = ClosedReader(closed)
        for i in range(0, len(chosen), cut):
            assert not reader.done or reader.value == chosen
            if reader.done:
                break
            reader.feed(Chunk(text=chosen[i : i + cut]))
        assert reader.value == chosen
        text = "".join(chunk.text for chunk in reader.rest())
        jsonschema_rs.validate(schema, json.loads(text))


def test_an_engine_that_repeats_the_beginning_is_understood() -> None:
    closed = closed_answer(asked(MAIL))
    assert closed is not None
    reader = ClosedReader(closed)
    for text in (closed.before, "in"):
        reader.feed(Chunk(text=text))
    assert reader.value == 'invoices"'


def test_what_was_cut_off_is_handed_on_as_it_is() -> None:
    closed = closed_answer(asked(MAIL))
    assert closed is not None
    reader = ClosedReader(closed)
    cut = [Chunk(text="press"), Chunk(finish="length")]
    for chunk in cut:
        reader.feed(chunk)
    assert (reader.done, reader.rest()) == (False, cut)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"enum": ["one"]},
        {"enum": [1, 12]},
        {"enum": [{"a": 1}, "b"]},
        {"enum": TRAYS, "pattern": "^p"},
        {**MAIL, "required": ["tray"]},
        {**MAIL, "additionalProperties": True},
        {**MAIL, "minProperties": 2},
        {"properties": {"a": {"enum": [1, 2]}, "b": {"enum": [1, 2]}}, "required": ["a", "b"]},
        {**MAIL, "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"enum": [str(i) for i in range(600)]},
    ],
)
def test_anything_else_is_generated_as_ever(schema: Any) -> None:
    assert closed_answer(asked(schema)) is None


@pytest.mark.parametrize(
    "more",
    [
        {"sampling": Sampling(logprobs=True)},
        {"sampling": Sampling(stop=("p",))},
        {"sampling": Sampling(n=2)},
        {"tools": (Tool("pay", "Pays.", {}),)},
    ],
)
def test_a_client_that_wants_to_see_each_token_does(more: Any) -> None:
    assert closed_answer(asked(MAIL, **more)) is None


@pytest_asyncio.fixture
async def backend(model: ModelRecord) -> AsyncIterator[LocalBackend]:
    server = EmbeddedServer(model.path, EngineOptions(1, 2048, 1, cache_mib=0))
    await server.start()
    client = LocalClient(f"{server.url}/v1", api_key=server.api_key)
    markers = Markers(read_vocabulary(model.path))
    yield LocalBackend(
        model="small",
        dialect=dialects.get("openai.chat"),
        client=lambda: client,
        slots=Slots(1, 1),
        tools_by_schema=True,
        embedded=lambda: markers,
    )
    await client.close()
    await server.stop()


async def test_the_real_model_writes_a_label_in_a_few_tokens(backend: LocalBackend) -> None:
    whole = await backend.answer(asked(MAIL, sampling=Sampling(logprobs=True)))
    short = await backend.answer(asked(MAIL))
    assert short.usage is not None
    assert whole.usage is not None
    assert 1 <= short.usage.completion < 6 <= whole.usage.completion
    assert short.usage.prompt > 20
    assert short.choices[0].finish == "stop"
    assert short.choices[0].logprobs
    jsonschema_rs.validate(MAIL, json.loads(short.text))
    pieces = [chunk async for chunk in backend.stream(replace(asked(MAIL), stream=True))]
    assert "".join(chunk.text for chunk in pieces) == short.text
    odd = asked({"enum": ["a <|im_end|> b", 'ä\n"c"']})
    assert json.loads((await backend.answer(odd)).text) in odd.format.schema["enum"]
