"""A tool's signature tells a model all that it must know to call it, in few words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shortstop.serving.engines.signature import signature
from shortstop.tokens import text_tokens
from shortstop.types import Json, Tool
from tests.serving.engines.test_calls import WEATHER


def shown(**properties: Any) -> str:
    """The signature's arguments, all required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return signature(Tool("f", "Does it.", schema)).removeprefix("f(").removesuffix("): Does it.")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string", "maxLength": 60}, "string"),
        ({"type": "string", "format": "date"}, "string as date"),
        ({"type": ["integer", "null"]}, "integer | null"),
        ({"enum": ["C", "F"]}, '"C" | "F"'),
        ({"const": 7}, "7"),
        ({}, "any"),
        ({"type": "array", "items": {"type": "number"}}, "[number]"),
        ({"type": "array"}, "[any]"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "string", "description": "Its name."}, "string (Its name.)"),
        (
            {
                "type": "object",
                "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
                "required": ["x"],
            },
            "{x: number, y?: number}",
        ),
    ],
)
def test_an_argument_is_told_by_its_type(schema: Json, told: str) -> None:
    assert shown(it=schema) == f"it: {told}"


def test_what_may_be_left_out_is_marked() -> None:
    tool = Tool("f", "Does it.", {"type": "object", "properties": {"a": {"type": "string"}}})
    assert signature(tool) == "f(a?: string): Does it."


def test_a_tool_without_arguments_has_none() -> None:
    assert signature(Tool("ping", "Pings.", {})) == "ping(): Pings."


def test_a_name_that_is_no_word_is_quoted() -> None:
    assert shown(**{"the city": {"type": "string"}}) == '"the city": string'


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/tree"},
        {"$ref": "elsewhere"},
        {"$ref": ["x"]},
        {"allOf": [{"type": "string"}]},
        {"type": "array", "items": {"$ref": "#/$defs/tree"}},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "array", "items": True},
        {"anyOf": [True, {"type": "string"}]},
    ],
)
def test_a_schema_of_another_kind_is_shown_as_it_is(schema: Json) -> None:
    tree = {"type": "array", "items": {"$ref": "#/$defs/tree"}}
    whole = {"type": "object", "properties": {"it": schema}, "$defs": {"tree": tree}}
    assert msgspec.json.encode(whole).decode() in signature(Tool("f", "Does it.", whole))


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": 5},
        {"properties": {"a": {"enum": 5, "anyOf": 5, "required": 5, "type": {"x": 1}}}},
        {"properties": {"a": {"type": "object", "properties": [1], "description": 5}}},
        {"$defs": 5, "definitions": [], "properties": {"a": {"oneOf": {}, "items": {}}}},
    ],
)
def test_a_schema_that_is_none_is_shown_somehow(schema: Json) -> None:
    assert signature(Tool("f", "Does it.", schema)).endswith("): Does it.")


def test_a_short_definition_is_told_in_its_place() -> None:
    assert (
        signature(WEATHER) == 'get_weather(city: string, unit: "C" | "F"): The weather of a city.'
    )


def test_definitions_that_refer_to_definitions_do_not_multiply() -> None:
    names = [f"d{number}" for number in range(40)]
    each = [{"items": [{"$ref": f"#/$defs/{name}"}] * 2} for name in names[1:]]
    definitions = dict(zip(names, [*each, {"type": "string"}], strict=True))
    schema = {"properties": {"it": {"$ref": "#/$defs/d0"}}, "$defs": definitions}
    assert len(signature(Tool("f", "Does it.", schema))) < 5000


def test_it_takes_half_of_the_schemas_tokens() -> None:
    whole = text_tokens(msgspec.json.encode(WEATHER.schema).decode())
    assert text_tokens(signature(WEATHER)) - text_tokens(WEATHER.description) < whole / 2
