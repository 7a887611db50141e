"""Who asks what on which day: nothing twice, nothing early, everything new on its day."""

from __future__ import annotations

import json

import pytest
from bench.company.apps import App, applications
from bench.company.sources import Item, Source, plain_text
from bench.company.stream import Ask, Stream, agree, plan
from bench.company.teacher import Teacher

DAYS = 5
VOLUMES = {"label": 20, "extract": 6, "faq": 8, "tools": 2, "bank": 1, "summary": 1, "hard": 1}


@pytest.fixture
def days(apps: list[App]) -> dict[int, list[Ask]]:
    calendar = plan(apps, DAYS, 7)
    teacher = Teacher(apps, calendar.policy, 0.07, 7)
    rival = Teacher(apps, calendar.policy, 0.3, 8)
    stream = Stream(apps, calendar, {"": teacher, "mini": rival}, VOLUMES, 7)
    return {day: stream.day(day) for day in range(1, DAYS + 1)}


def test_no_text_is_sent_twice_but_for_repeats(days: dict[int, list[Ask]]) -> None:
    seen: set[tuple[str, str]] = set()
    for asks in days.values():
        for ask in asks:
            about = ask.app, plain_text(ask.text) + json.dumps(ask.body.get("tools"))
            assert (ask.novelty == "repeat") == (about in seen)
        seen |= {(a.app, plain_text(a.text) + json.dumps(a.body.get("tools"))) for a in asks}


def test_the_last_days_draw_from_the_late_parts(
    days: dict[int, list[Ask]], apps: list[App]
) -> None:
    late = {(app.name, item.text) for app in apps for item in app.items if item.late}
    for day, asks in days.items():
        for ask in asks:
            if ask.novelty not in ("repeat", "outside"):
                assert ((ask.app, ask.text) in late) == (day > 3)


def test_what_has_no_answer_comes_on_every_day(days: dict[int, list[Ask]]) -> None:
    assert all(any(a.novelty == "outside" for a in asks) for asks in days.values())


def test_new_labels_and_vendors_come_on_their_day_and_not_before(
    days: dict[int, list[Ask]], apps: list[App]
) -> None:
    calendar = plan(apps, DAYS, 7)
    assert calendar.new == 3
    assert {app.kind for app in apps if app.name in calendar.held} == {"label", "extract"}
    new = [day for day, asks in days.items() if any(a.novelty == "new" for a in asks)]
    assert new[0] == 3


def test_the_policy_changes_on_the_last_day_but_one(apps: list[App]) -> None:
    calendar = plan(apps, DAYS, 7)
    assert calendar.policy.day == 4
    assert calendar.policy.renamed
    assert calendar.policy.titled


def test_two_days_know_no_drift(apps: list[App]) -> None:
    calendar = plan(apps, 2, 7)
    assert not calendar.held
    assert not calendar.policy.renamed


def test_gold_is_renamed_with_the_teacher(days: dict[int, list[Ask]]) -> None:
    renamed = [a for asks in days.values() for a in asks if a.novelty == "renamed"]
    assert all(a.gold.startswith("new_") and a.day >= 4 for a in renamed)


def test_the_same_seed_gives_the_same_days(apps: list[App]) -> None:
    def first(seed: int) -> list[str]:
        calendar = plan(apps, DAYS, seed)
        teacher = Teacher(apps, calendar.policy, 0.07, seed)
        return [a.id for a in Stream(apps, calendar, {"": teacher}, VOLUMES, seed).day(1)]

    assert first(1) == first(1) != first(2)


def test_the_teacher_agrees_with_itself(days: dict[int, list[Ask]]) -> None:
    assert all(ask.agrees(ask.teacher) for asks in days.values() for ask in asks)


def test_rivals_are_only_judged_where_there_is_gold(days: dict[int, list[Ask]]) -> None:
    for asks in days.values():
        assert all(bool(ask.rivals) == bool(ask.check) for ask in asks)


def test_only_sensitive_texts_are_marked() -> None:
    items = (Item("1", "secret", None, False, in_scope=False), Item("2", "none", None, False))
    apps = applications([Source("p", "assistant", items)])
    calendar = plan(apps, 1, 1)
    stream = Stream(apps, calendar, {"": Teacher(apps, calendar.policy, 0, 1)}, {"assistant": 9}, 1)
    assert {ask.text: ask.sensitive for ask in stream.day(1)} == {"secret": True, "none": False}


@pytest.mark.parametrize(
    ("kind", "answer", "teacher", "same"),
    [
        ("label", "Card_Lost.", "card_lost", True),
        ("label", "card_lost", '{"intent": "card_lost"}', True),
        ("extract", '{"a": "1.0"}', '{"a": "1.0 "}', True),
        ("extract", "no json", '{"a": "1"}', False),
        ("tools", '[{"f": {"a": 1}}]', '[{"f": {"a": 1}}]', True),
        ("tools", "I cannot.", "None of the functions can do that.", True),
        ("tools", "I cannot.", '[{"f": {}}]', False),
        ("faq", "As it stands.", "as it stands", True),
    ],
)
def test_when_two_answers_say_the_same(kind: str, answer: str, teacher: str, same: bool) -> None:
    assert agree(kind, answer, teacher) is same
