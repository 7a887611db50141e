"""Places become arguments; whatever does not fit together is no call."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shortstop.specialists.novelty import Slot
from shortstop.specialists.tools.arguments import Argument, filled

TODAY = date(2026, 3, 4)
ARGUMENTS = {
    "customer": Argument("customer", "copied", ("text neat",), known=frozenset({"acme"})),
    "date": Argument("date", "copied", ("day dmy %Y-%m-%d",)),
    "time": Argument("time", "copied", ("time %H:%M",)),
    "count": Argument("count", "copied", ("number",)),
    "priority": Argument("priority", "phrase", phrases={"no rush": "low", "urgent": "high"}),
    "to": Argument("to", "copied", ("text neat",), many=True),
    "source": Argument("source", "constant", value="chat"),
}


def read(text: str, *parts: tuple[str, str], today: date | None = TODAY) -> dict[str, Any] | None:
    """`parts` are (words, label) in the order of the text."""
    slots, at = [], 0
    for words, label in parts:
        at = text.index(words, at)
        slots.append(Slot(at, at + len(words), label))
    found = filled(ARGUMENTS, text, slots, today)
    return found.arguments if found else None


def test_each_is_read_in_its_way() -> None:
    text = 'call "Acme", twelve times, tomorrow 15h, no rush, a@x.org and b@x.org'
    assert read(
        text,
        ('"Acme"', "customer"),
        ("twelve", "count"),
        ("tomorrow", "date"),
        ("15h", "time"),
        ("no rush", "priority"),
        ("a@x.org", "to"),
        ("b@x.org", "to"),
    ) == {
        "customer": "Acme",
        "count": 12,
        "date": "2026-03-05",
        "time": "15:00",
        "priority": "low",
        "to": ["a@x.org", "b@x.org"],
        "source": "chat",
    }


def test_what_is_not_there_is_left_out() -> None:
    assert read("call Acme", ("Acme", "customer")) == {"customer": "Acme", "source": "chat"}


def test_a_time_is_read_to_its_end() -> None:
    found = read("call Acme at 3:30 pm please", ("Acme", "customer"), ("3:30", "time"))
    assert found is not None
    assert found["time"] == "15:30"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("call Acme soon", [("Acme", "customer"), ("soon", "date")]),
        ("Acme or Globex", [("Acme", "customer"), ("Globex", "customer")]),
        ("call Acme", [("Acme", "company")]),
        ("call Acme tomorrow", [("Acme", "customer")]),
        ("call Acme 3 times", [("Acme", "customer")]),
        ("call Acme, urgent", [("Acme", "customer")]),
        ("call Acme, urgent", [("Acme, urgent", "customer")]),
    ],
    ids=["unreadable", "contradiction", "nobody's", "a day overlooked", "a number overlooked",
         "a phrase overlooked", "a phrase swallowed"],
)  # fmt: skip
def test_no_call(text: str, parts: list[tuple[str, str]]) -> None:
    assert read(text, *parts) is None


def test_a_number_within_another_argument_is_not_overlooked() -> None:
    assert read("call Studio 54", ("Studio 54", "customer")) is not None


def test_a_value_that_was_never_met_is_new() -> None:
    for text, new in (("call ACME", False), ("call Globex", True)):
        found = filled(ARGUMENTS, text, [Slot(5, len(text), "customer")], TODAY)
        assert found is not None
        assert found.new is new
