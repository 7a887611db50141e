"""Values are found where they stand, by the reading that explains most of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from shortstop.flywheel.tools.align import Called, argument, by_label, readings, slots

TODAY = date(2026, 3, 4)


def called(text: str, **values: Any) -> Called:
    told = {k: v if isinstance(v, tuple) else (v,) for k, v in values.items()}
    return Called(text, TODAY, told)


def test_the_reading_is_chosen_by_what_was_called() -> None:
    rows = [
        called("book 5 May for 12 at 3pm", day="2026-05-05", seats=12, time="15:00"),
        called("tomorrow, three seats, 9:15", day="2026-03-05", seats=3, time="09:15"),
    ]
    assert readings(rows, "day") == ("day dmy %Y-%m-%d",)
    assert readings(rows, "seats") == ("number",)
    assert readings(rows, "time") == ("time %H:%M",)
    assert readings(rows, "absent") == ()


def test_values_that_are_not_in_the_requests_are_not_read() -> None:
    rows = [called(f"request {n}", id=f"secret-{n * 7919}") for n in range(40)]
    assert argument(rows, "id", ["id"], closed=False, many=False) is None


def test_one_that_never_changes_is_constant() -> None:
    rows = [called(f"weather in city {n}", unit="celsius") for n in range(9)]
    found = argument(rows, "unit", ["unit"], closed=True, many=False)
    assert found is not None
    assert (found.how, found.value) == ("constant", "celsius")


def test_values_of_a_list_are_read_by_phrase_whoever_of_its_kin_has_them() -> None:
    words = {"EUR": "euros", "USD": "dollars", "GBP": "pounds"}
    pairs = [(a, b) for a in words for b in words if a != b] * 2
    rows = [called(f"how much are {words[a]} in {words[b]}", source=a, target=b) for a, b in pairs]
    found = argument(rows, "source", ["source", "target"], closed=True, many=False)
    assert found is not None
    assert {found.read(said, None) for said in words.values()} == set(words)


def test_places_and_the_words_before_them() -> None:
    rows = [
        called("send 5 to room 12", count=5, room=12),
        called("send 7 to room 9", count=7, room=9),
        called("send 4 to room 4", count=4, room=4),
    ]
    arguments = {}
    for label in ("count", "room"):
        found = argument(rows, label, [label], closed=False, many=False)
        assert found is not None
        arguments[label] = found
    placed = slots(rows, arguments)[2]
    assert placed is not None
    assert {(slot.name, slot.start) for slot in placed} == {("count", 5), ("room", 15)}


def test_a_row_whose_value_is_nowhere_has_no_places() -> None:
    rows = [
        called("for Ann", who="Ann"),
        called("for Bob", who="Robert"),
        called("for Eve", who="Eve"),
    ]
    found = argument(rows, "who", ["who"], closed=False, many=False)
    assert found is not None
    assert [place is None for place in slots(rows, {"who": found})] == [False, True, False]


def test_lists_have_a_value_for_each_place() -> None:
    (row,) = by_label([("invite", {"to": ["a", "b"], "n": 1})], {"invite": {"to": "to", "n": "n"}})
    assert row == {"to": ("a", "b"), "n": (1,)}
