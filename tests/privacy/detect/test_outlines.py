"""An outline is wherever a number is that its groups and check digits prove."""

from __future__ import annotations

import random

import pytest

from shortstop.privacy.detect.outlines import outlines

CARD = "4532015112830366"
IBAN = "DE89370400440532013000"
GAPS = [" ", ".", " | ", "\n", "\t", " - ", '", "', "·"]


def grouped(value: str, sizes: list[int], gap: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(value[at : at + size])
        at += size
    return gap.join(part for part in parts if part)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("sizes", [[4] * 4, [3] * 6, [2] * 8, [1] * 16])
def test_of_a_card(gap: str, sizes: list[int]) -> None:
    assert 4 in outlines("to: " + grouped(CARD, sizes, gap) + " now")


@pytest.mark.parametrize("gap", GAPS)
def test_of_an_iban_in_any_groups(gap: str) -> None:
    draw = random.Random(3)
    for _ in range(50):
        sizes = [draw.randint(1, 6) for _ in range(22)]
        assert 4 in outlines("to: " + grouped(IBAN, sizes, gap) + " now")


@pytest.mark.parametrize("gap", GAPS)
def test_of_a_french_number_as_it_is_printed(gap: str) -> None:
    assert 0 in outlines(grouped("185057800608491", [1, 2, 2, 2, 3, 3, 2], gap))


def test_offsets_are_characters() -> None:
    assert outlines("für „Jörg“: " + grouped(IBAN, [4] * 6, " "))[:1] == [12]


@pytest.mark.parametrize(
    "text",
    [
        "03-14T12:33:44.123Z INFO took 88 ms",
        "| Q1 | 48211 | 9120 |",
        "2169100 | 338209.26",
        "1,234,567 of 89",
    ],
)
def test_none_in_logs_and_tables(text: str) -> None:
    assert outlines(text) == []
