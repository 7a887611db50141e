"""The teacher is wrong as often as it is told to be, plausibly, and always in the same way."""

from __future__ import annotations

import json
import random

import pytest
from bench.company.apps import NO_CALL, App
from bench.company.sources import Item
from bench.company.stream import agree
from bench.company.teacher import Policy, Teacher, neighbours, wrong_call, wrong_fields

NEVER = Policy(day=99)


@pytest.mark.parametrize("kind", ["label", "extract", "faq", "tools", "bank"])
def test_it_is_always_or_never_wrong(apps: list[App], kind: str) -> None:
    app = next(app for app in apps if app.kind == kind)
    right = Teacher(apps, NEVER, 0.0, 1)
    wrong = Teacher(apps, NEVER, 1.0, 1)
    item = next(i for i in app.items if i.in_scope)
    said = app.says(item.gold, item)
    assert right.answer(app, item, 1) == said
    assert not agree(kind, wrong.answer(app, item, 1), said)


def test_the_same_request_gets_the_same_answer(apps: list[App]) -> None:
    app = next(app for app in apps if app.kind == "label")
    first, second = Teacher(apps, NEVER, 0.5, 3), Teacher(apps, NEVER, 0.5, 3)
    said = [first.answer(app, item, 1) for item in app.items]
    assert said == [second.answer(app, item, 2) for item in app.items]
    wrong = sum(a != i.gold for a, i in zip(said, app.items, strict=True))
    assert 0.3 < wrong / len(said) < 0.7


def test_errors_fall_into_classes_of_similar_words() -> None:
    items = [
        Item("1", "my card is lost", "lost", False),
        Item("2", "my card was stolen", "stolen", False),
        Item("3", "exchange rate of euro", "rate", False),
    ]
    assert neighbours(items)["lost"][0] == "stolen"


def test_a_label_is_renamed_from_its_day_on(apps: list[App]) -> None:
    app = next(app for app in apps if app.kind == "label")
    item = app.items[0]
    policy = Policy(3, renamed={app.name: (item.gold, "other")})
    teacher = Teacher(apps, policy, 0.0, 1)
    assert teacher.answer(app, item, 2) == item.gold
    assert teacher.answer(app, item, 3) == "other"
    assert policy.changes(app, item)


def test_a_format_changes_from_its_day_on(apps: list[App]) -> None:
    app = next(app for app in apps if app.kind == "extract")
    item = Item("1", "SHOP A", {"shop": "SHOP A", "total": "1"}, False)
    teacher = Teacher(apps, Policy(3, titled={app.name: "shop"}), 0.0, 1)
    assert json.loads(teacher.answer(app, item, 3)) == {"shop": "Shop A", "total": "1"}


def test_a_wrong_field_is_another_piece_of_the_text() -> None:
    chance = random.Random(1)
    wrong = wrong_fields("total 12.30 paid 15.00", {"total": "12.30"}, chance)
    assert wrong == {"total": "15.00"}


def test_a_field_without_a_double_is_cut_or_left_out() -> None:
    chance = random.Random(1)
    assert wrong_fields("one two", {"name": "one two"}, chance) == {"name": "one"}
    assert wrong_fields("one", {"name": "one"}, chance) == {}


def test_a_call_loses_or_changes_an_argument() -> None:
    chance = random.Random(1)
    assert json.loads(wrong_call('[{"f": {"a": 1}}]', chance)) == [{"f": {"a": 2}}]
    assert wrong_call('[{"f": {}}]', chance) == NO_CALL
    assert wrong_call(NO_CALL, chance) != NO_CALL
