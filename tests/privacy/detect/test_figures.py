"""Cards and IBANs in the layouts of everyday, and figures that are none."""

from __future__ import annotations

import random

import pytest

from shortstop.privacy.detect.figures import figures
from shortstop.privacy.detect.numbers import loose_card

CARD = ["4532", "0151", "1283", "0366"]
IBAN = ["DE89", "3704", "0044", "0532", "0130", "00"]


def found(text: str) -> list[tuple[str, str]]:
    return [(s.label, text[s.start : s.end]) for s in figures(text)]


@pytest.mark.parametrize("gap", [".", "/", "\t", " | ", " • ", "_", "\n", "\n- ", '","', " -> "])
@pytest.mark.parametrize(("groups", "label"), [(CARD, "CARD"), (IBAN, "IBAN")])
def test_any_gap(gap: str, groups: list[str], label: str) -> None:
    value = gap.join(groups)
    assert (label, value) in found(f"take {value} please")


def test_scanned_letters_are_digits() -> None:
    assert [label for label, _ in found("card 4532 OlSl 1283 O366")] == ["CARD"]


def test_of_a_table_of_figures_nothing_is_taken() -> None:
    draw = random.Random(7)
    pinned = 0
    for _ in range(200):
        rows = "\n".join(
            "| " + " | ".join(str(draw.randint(1000, 9999)) for _ in range(4)) + " |"
            for _ in range(6)
        )
        pinned += bool(found(f"Revenue\n{rows}\nTotal?"))
    assert pinned <= 2


def test_a_card_of_odd_groups_needs_a_word() -> None:
    number = "45 320 15112 830 366"
    assert loose_card(number)
    assert found(f"sum {number} up") == []
    assert found(f"visa {number}") == [("CARD", number)]


def test_offsets_are_those_of_the_text() -> None:
    text = "x" * 500 + " IBAN " + ".".join(IBAN) + " y" * 300
    assert found(text) == [("IBAN", ".".join(IBAN))]
