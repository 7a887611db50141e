"""The size of a JSON Schema, and shapes that no answer can have."""

from __future__ import annotations

from typing import Any

import pytest

from shortstop.schemas import COUNTED, EAGER, GUIDED, Extent, contradiction, extent, is_large
from shortstop.types import Format, Json, Request, Tool, ToolChoice


def enum(number: int) -> Json:
    return {"type": "object", "properties": {"tray": {"enum": [f"t{i}" for i in range(number)]}}}


def nested(depth: int) -> Json:
    schema: Json = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def lists(*bounds: int) -> Json:
    schema: Json = {"type": "integer"}
    for bound in bounds:
        schema = {"type": "array", "items": schema, "minItems": bound}
    return schema


def test_the_parts_are_counted() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "yy", 3]}, "b": {"type": "string"}},
        "required": ["a"],
    }
    text = len("typepropertiesrequiredobjectabenumxyytypestringa")
    assert extent(schema) == Extent(entries=4, width=3, depth=4, repeats=1, chars=text)


@pytest.mark.parametrize(
    ("schema", "eager", "guided"),
    [
        ({}, True, True),
        (enum(200), True, True),
        (enum(2_000), False, True),
        (enum(25_000), False, False),
        ({"anyOf": [{"const": i} for i in range(2_000)]}, False, True),
        ({"anyOf": [{"anyOf": [{"const": 1}] * 200}] * 200}, False, False),
        ({"properties": {f"k{i}": {} for i in range(500)}}, False, True),
        ({"properties": {f"k{i}": {} for i in range(5_000)}}, False, False),
        (nested(20), True, True),
        (nested(99), False, True),
        (nested(500), False, False),
        ({"minItems": 1_000}, False, True),
        ({"minItems": 1_000_000}, False, False),
        ({"maxItems": 1_000_000}, True, True),
        (lists(40, 40), False, True),
        (lists(90, 90), False, False),
        ({"minLength": 10**6}, True, True),
        ({"pattern": "^(" + "a|" * 20_000 + "b)$"}, False, True),
        ({"enum": ["x" * 1000] * 2_000}, False, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, True, True),
    ],
)
def test_what_a_grammar_of_either_kind_takes(schema: Json, eager: bool, guided: bool) -> None:
    size = extent(schema)
    assert (size.within(EAGER), size.within(GUIDED)) == (eager, guided)


def test_a_schema_without_end_is_not_walked_to_its_end() -> None:
    looped: Json = {"items": {}}
    looped["items"] = looped
    assert not extent(looped).within(GUIDED)
    assert extent({"anyOf": [{}] * (2 * COUNTED)}).depth == COUNTED


def asked(**more: Any) -> Request:
    return Request("r", "openai.chat", {}, "auto", (), **more)


def test_a_request_is_large_by_its_format_or_its_tools() -> None:
    large = enum(25_000)
    assert not is_large(asked())
    assert is_large(asked(format=Format("json_schema", large)))
    assert not is_large(asked(format=Format("json_object", large)))
    tools = tuple(Tool(f"t{i}", schema=enum(5_000)) for i in range(5))
    assert is_large(asked(tools=tools)), "together they are"
    assert not is_large(asked(tools=tools[:3]))
    assert not is_large(asked(tools=tools, tool_choice=ToolChoice("none")))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "string", "minLength": 5, "maxLength": 2}, "minLength 5 is above maxLength 2"),
        ({"type": "array", "minItems": 3, "maxItems": 1}, "minItems 3 is above maxItems 1 at #"),
        ({"minProperties": 2, "maxProperties": 1}, "minProperties"),
        ({"type": "number", "minimum": 1.5, "maximum": 1}, "minimum"),
        ({"type": "string", "minLength": 100_000}, "an answer of 50 tokens cannot have minLength"),
        ({"type": "array", "minItems": 10_000}, "cannot have minItems 10000"),
        (
            {"properties": {"a": {"minLength": 9, "maxLength": 1}}, "required": ["a"]},
            "at #/a",
        ),
        (
            {"type": "array", "minItems": 1, "items": {"minimum": 3, "maximum": 2}},
            "at #/items",
        ),
    ],
)
def test_a_shape_that_no_answer_has_is_told(schema: Json, why: str) -> None:
    found = contradiction(schema, 50)
    assert found is not None
    assert why in found


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"minLength": 2, "maxLength": 2},
        {"minLength": 700},
        {"properties": {"a": {"minLength": 9, "maxLength": 1}}},
        {"anyOf": [{"minLength": 9, "maxLength": 1}, {"type": "null"}]},
        {"minLength": "many", "maxLength": None},
        {"minLength": True, "maxLength": False},
        {"required": "a", "properties": []},
        {"minItems": 1, "items": [{}]},
    ],
)
def test_a_shape_that_some_answer_has_or_that_is_odd_is_let_through(schema: Json) -> None:
    assert contradiction(schema, 50) is None


def test_without_a_limit_of_tokens_length_is_no_contradiction() -> None:
    assert contradiction({"minLength": 10**6}, None) is None
    assert contradiction({"minLength": 2, "maxLength": 1}, None) is not None
