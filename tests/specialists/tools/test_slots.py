"""Places are whole runs of one label; strange words are hidden from the model."""

from __future__ import annotations

from shortstop.specialists.copy.tokens import tokens
from shortstop.specialists.novelty import Slot
from shortstop.specialists.tools.slots import _slots, features


def test_places_of_tags() -> None:
    text = "call Ann Lee on 3 May or 4 May"
    tags = ["O", "B who", "I who", "O", "B day", "I day", "O", "B day", "I day"]
    assert list(_slots(tokens(text), tags)) == [
        Slot(5, 12, "who"), Slot(16, 21, "day"), Slot(25, 30, "day")
    ]  # fmt: skip


def test_a_run_without_a_beginning_is_a_place_too() -> None:
    found = list(_slots(tokens("a b c"), ["I x", "I y", "O"]))
    assert found == [Slot(0, 1, "x"), Slot(2, 3, "y")]


def test_a_word_that_training_did_not_meet_shows_its_looks_alone() -> None:
    text = "call Zorblax today"
    rows = features(text, tokens(text), "phone", {"call", "today"})
    assert "w=?" in rows[1]
    assert "s=Xx" in rows[1]
    assert "w-1=call" in rows[1]
    hidden = features(text, tokens(text), "phone", {"call", "zorblax", "today"}, {1})
    assert "w=?" in hidden[1]
    assert not any(name.startswith(("p=", "e=")) for name in hidden[1])


def test_addresses_and_quotes_are_marked() -> None:
    text = 'tell ann@x.org "be there"'
    rows = features(text, tokens(text), "t", set())
    marked = [[n for n in row if n.startswith(("address", "quoted"))] for row in rows]
    assert marked[1:6] == [["address=B"], *[["address=I"]] * 4]
    assert marked[7:9] == [["quoted=B"], ["quoted=I"]]
