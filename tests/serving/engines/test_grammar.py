"""A schema becomes a grammar where it is small enough, and words where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shortstop.serving.engines.grammar import COMPACT, SHOWN, constrained, tidied
from shortstop.types import Format, Json, Message, Request, Text

TRAY: Json = {
    "type": "object",
    "properties": {"tray": {"enum": ["bills", "cards"]}},
    "required": ["tray"],
}


def asked(schema: Json | None, *messages: Message) -> Request:
    return _with(Format() if schema is None else Format("json_schema", schema), messages)


def _with(format: Format, messages: tuple[Message, ...]) -> Request:
    turns = messages or (Message("user", (Text("Sort."),)),)
    return Request("r", "openai.chat", {}, "small", turns, format=format)


def grammar(extra: Json) -> Json:
    start, schema = extra["grammar"].split("\n", 1)
    assert start == "%llguidance {}"
    found: Json = json.loads(schema.removeprefix("start: %json "))
    return found


def enum(number: int) -> Json:
    return {"enum": [f"label {i}" for i in range(number)]}


def test_the_embedded_engine_is_given_the_schema_as_its_own_grammar() -> None:
    request, extra = constrained(asked(TRAY), guided=True)
    assert request.format == Format(), "not twice"
    assert grammar(extra) == {**TRAY, "additionalProperties": False, "x-guidance": COMPACT}


def test_another_server_is_given_a_small_schema_as_it_came() -> None:
    request = asked(TRAY)
    assert constrained(request, guided=False) == (request, {})


@pytest.mark.parametrize("guided", [False, True])
def test_what_promises_no_schema_is_left_alone(guided: bool) -> None:
    for request in (asked(None), _with(Format("json_object"), ())):
        assert constrained(request, guided=guided) == (request, {})


@pytest.mark.parametrize(("number", "guided"), [(2_000, False), (30_000, True)])
def test_beyond_its_bound_a_schema_is_told_in_words(number: int, guided: bool) -> None:
    request, extra = constrained(asked(enum(number)), guided=guided)
    assert extra == {}
    assert request.format == Format()
    system, user = request.messages
    assert (system.role, user.text) == ("system", "Sort.")
    assert "JSON alone" in system.text
    assert "label 7" not in system.text, "too long to be shown"


def test_a_schema_that_is_short_but_costly_is_shown() -> None:
    costly = {"type": "array", "items": {"type": "integer"}, "minItems": 5_000}
    assert len(json.dumps(costly)) < SHOWN
    system = Message("system", (Text("You sort."),))
    request, extra = constrained(asked(costly, system), guided=True)
    assert extra == {}
    assert request.messages[0].text.startswith("You sort.\n\nAnswer with JSON alone")
    assert '"minItems":5000' in request.messages[0].text


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"maxItems": 10**6}, {}),
        ({"maxLength": 10**9, "minLength": 3}, {"minLength": 3}),
        ({"maxItems": 10}, {"maxItems": 10}),
        ({"properties": {}}, {"properties": {}, "additionalProperties": False}),
        (
            {"properties": {}, "additionalProperties": True},
            {"properties": {}, "additionalProperties": True},
        ),
        (
            {"properties": {"maxItems": {"type": "integer"}}},
            {"properties": {"maxItems": {"type": "integer"}}, "additionalProperties": False},
        ),
        ({"properties": {}, "$ref": "#"}, {"properties": {}, "$ref": "#"}),
        ({"allOf": [{"properties": {}}]}, {"allOf": [{"properties": {}}]}),
        (
            {"anyOf": [{"properties": {}}]},
            {"anyOf": [{"properties": {}, "additionalProperties": False}]},
        ),
        ({"enum": [{"properties": {}}]}, {"enum": [{"properties": {}}]}),
        (
            {"$defs": {"a": {"properties": {}}}},
            {"$defs": {"a": {"properties": {}, "additionalProperties": False}}},
        ),
        ({"items": True, "x": None}, {"items": True, "x": None}),
    ],
)
def test_a_schema_is_tidied(schema: Any, wanted: Any) -> None:
    before = json.dumps(schema)
    assert tidied(schema) == wanted
    assert json.dumps(schema) == before
