"""Addresses are read as a whole, with little else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect.addresses import addresses


def found(text: str) -> list[str]:
    return [text[a:b] for a, b in addresses(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I live at 12 Station Road, Leeds LS1 4AP now.", "12 Station Road, Leeds LS1 4AP"),
        ("ship to 1600 Pennsylvania Avenue, Washington, DC 20500", "1600 Pennsylvania Avenue"),
        ("Hauptstraße 5, 10115 Berlin", "Hauptstraße 5, 10115"),
        ("wohnt Am Alten Markt 12, 50667 Köln", "Markt 12, 50667"),
        ("35 Calle Mayor 7, Apt. 4\nMadrid\n28013", "35 Calle Mayor 7, Apt. 4\nMadrid\n28013"),
        ("12 rue de la Paix, 75002 Paris", "12 rue de la Paix, 75002"),
        ("Via Roma 10, 00184 Roma", "Via Roma 10, 00184"),
        ("ul. Długa 5, 00-238 Warszawa", "ul. Długa 5"),
        ("Keizersgracht 123, Amsterdam", "Keizersgracht 123"),
        ("P.O. Box 4711, Springfield", "P.O. Box 4711"),
        ("PSC 3, Box 1204, APO AE 09021", "PSC 3, Box 1204"),
        ("Flat 3, London", "Flat 3"),
        ("12 Willow, Apt. 4", "12 Willow, Apt. 4"),
        ("we live at 22 Baker Hill", "22 Baker Hill"),
    ],
)
def test_addresses_of_many_countries(text: str, wanted: str) -> None:
    assert any(wanted in one for one in found(text)), found(text)


@pytest.mark.parametrize(
    "text",
    [
        "In 2024 Apple sold 12 Macs in Version 3 of the plan",
        "the 3 Musketeers and 7 Samurai",
        "We have 12 apples and 4 pears.",
        "Python 3 is better than Python 2",
        "what is 4 times 12",
        "see Chapter 12",
        "",
    ],
)
def test_what_is_counted_is_no_address(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("12 Willow Brook is nice", False),
        ("he lives at 12 Willow Brook", True),
        ("12 Willow Brook, Unit 3", True),
        ("12 Willow Brook, Portland 97205", True),
        ("ship it to 12 Willow Brook", True),
    ],
)
def test_a_number_and_two_names_need_some_evidence(text: str, read: bool) -> None:
    assert bool(found(text)) is read


@pytest.mark.parametrize("word", ["This", "Phone", "Before", "You"])
def test_the_next_sentence_is_no_town(word: str) -> None:
    assert found(f"at 12 Station Road, {word} is fine") == ["12 Station Road"]


def test_a_town_in_another_line_counts_when_a_code_follows() -> None:
    assert found("12 Station Road\nLeeds\nLS1 4AP\nthanks") == ["12 Station Road\nLeeds\nLS1 4AP"]
    assert found("12 Station Road\nThanks\nJane") == ["12 Station Road"]


def test_quoted_lines_belong_together() -> None:
    assert found("> 12 Station Road\n> Leeds\n> LS1 4AP") == ["12 Station Road\n> Leeds\n> LS1 4AP"]


def test_two_addresses_are_two() -> None:
    text = "from 12 Station Road, Leeds LS1 4AP. To: Hauptstraße 5, 10115 Berlin."
    assert len(found(text)) == 2


PIECES = st.lists(
    st.sampled_from(
        ["12 ", "Station ", "Road", ", ", "\n", "Leeds ", "LS1 4AP", "Apt. 4", "rue de ", "Via ",
         "Hauptstraße ", "5", "10115 ", "> ", "lives at ", "this ", "P.O. Box 12", "é", "."]
    ),
    max_size=24,
)  # fmt: skip


@given(PIECES)
def test_spans_lie_inside_in_order_and_apart(pieces: list[str]) -> None:
    text = "".join(pieces)
    spans = addresses(text)
    edges = [x for span in spans for x in span]
    assert edges == sorted(edges)
    assert all(0 <= a < b <= len(text) for a, b in spans)


@pytest.mark.parametrize("piece", ["12 Aa ", "12 Aa, ", "Aa 1\n", "1 1 ", "rue de la ", "Aa's "])
def test_twice_the_text_takes_about_twice_as_long(piece: str) -> None:
    def took(length: int) -> float:
        text = piece * (length // len(piece))
        before = time.thread_time()
        addresses(text)
        return time.thread_time() - before

    took(1_000)
    assert min(took(40_000) for _ in range(3)) < 0.05 + 3 * min(took(20_000) for _ in range(3))
