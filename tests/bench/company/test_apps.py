"""Each application asks as a real one would."""

from __future__ import annotations

import json

from bench.company.apps import App, applications, functions
from bench.company.sources import Item, Source


def of_kind(apps: list[App], kind: str) -> App:
    return next(app for app in apps if app.kind == kind)


def test_there_are_several_clients_and_streams(apps: list[App]) -> None:
    assert {app.client for app in apps} == {"openai", "anthropic"}
    assert {app.stream for app in apps} == {True, False}


def test_the_second_label_application_wants_json_and_another_dialect() -> None:
    items = (Item("1", "a", "x", False), Item("2", "b", "y", False))
    bare, in_json = applications([Source("p", "label", items), Source("q", "label", items)])
    assert bare.says("x", items[0]) == "x"
    assert json.loads(in_json.says("x", items[0])) == {"intent": "x"}
    assert bare.client != in_json.client
    assert "x\ny" in bare.system


def test_fields_are_asked_for_by_schema(apps: list[App]) -> None:
    app = of_kind(apps, "extract")
    schema = app.body(app.items[0])["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["shop", "total"]


def test_fields_that_are_sometimes_absent_are_optional() -> None:
    items = (Item("1", "t", {"a": "1"}, False), Item("2", "u", {"a": "2", "b": ["x"]}, False))
    (app,) = applications([Source("p", "extract", items)])
    assert app.schema is not None
    assert app.schema["required"] == ["a"]
    assert app.schema["properties"]["b"]["type"] == "array"


def test_functions_have_names_and_types_as_vendors_allow(apps: list[App]) -> None:
    app = of_kind(apps, "tools")
    (function,) = functions(app.items[0].tools)
    assert function["name"] == "math_add"
    assert function["parameters"]["type"] == "object"


def test_tools_that_recur_are_an_application_of_their_own() -> None:
    tools = json.dumps([{"name": "f", "parameters": {}}])
    items = [Item(str(k), f"t{k}", [{"f": {}}], False, tools=tools) for k in range(25)]
    rest = Item("r", "other", [], False, tools="[]")
    apps = applications([Source("p", "tools", (*items, rest))])
    assert [len(app.items) for app in apps] == [25, 1]


def test_what_no_answer_fits_gets_a_reply_of_its_own(apps: list[App]) -> None:
    app = of_kind(apps, "faq")
    outside = [i for i in app.items if not i.in_scope]
    assert app.says(None, outside[0]) != app.says(None, outside[1])
