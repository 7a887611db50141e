"""A number told over several turns is one number."""

from __future__ import annotations

import pytest

from shortstop.privacy.detect.dictated import dictated
from shortstop.privacy.leaves import Leaf


def heard(*texts: str, spoken: bool = True) -> list[str]:
    key = "" if spoken else "parts"
    leaves = [Leaf(f"$.x[{i}].content", text, key, spoken) for i, text in enumerate(texts)]
    return [sighting.label for _, sighting in dictated(leaves)]


@pytest.mark.parametrize(
    "turns",
    [
        ("The card starts with 4532", "go on", "0151", "next?", "then 1283", "and?", "0366"),
        ("4532", "4532, got it", "0151", "ok", "1283", "ok", "0366"),
        (
            "Meine Karte:",
            "vier fünf drei zwei",
            "null eins fünf eins",
            "1283",
            "null drei sechs sechs",
        ),
    ],
)
def test_a_card_in_instalments(turns: tuple[str, ...]) -> None:
    assert heard(*turns) == ["CARD"]


def test_cells_of_an_array_are_read_together() -> None:
    assert heard("DE89", "3704", "0044", "0532", "0130", "00", spoken=False) == ["IBAN"]


def test_a_game_of_numbers_is_no_card() -> None:
    assert heard("Guess", "1500", "lower", "1250", "higher", "1375", "lower", "1312", "yes") == []


def test_settings_are_no_phone() -> None:
    assert heard("phone", "2024", "1500", "30", spoken=False) == []


def test_digit_by_digit() -> None:
    assert heard(*"4532015112830366", spoken=False) == ["CARD"]


def test_a_number_that_the_turn_before_announces() -> None:
    assert heard("What is your passport number?", "X1234567") == ["PASSPORT"]
    assert heard("What is your order number?", "X1234567") == []


def test_what_is_said_after_somebody_counts_once() -> None:
    turns = (
        "four five three two",
        "4532. Next?",
        "0151",
        "4532 0151, next?",
        "1283",
        "and?",
        "0366",
    )
    assert heard("my card", *turns) == ["CARD"]
