"""The book of names says what a dictionary of them would."""

from __future__ import annotations

import gzip
import random
from importlib.resources import files

import pytest

from shortstop.privacy.names.name_book import NameBook
from shortstop.privacy.names.people import first_names

TEXT = "al*\nalan\nalana*\nanna\nannabel\nbo\nwill*\nzoé"


@pytest.fixture(scope="module")
def book() -> NameBook:
    return NameBook(TEXT)


def test_each_name_is_only_a_name_or_a_word_as_well(book: NameBook) -> None:
    names = {"al": False, "alan": True, "alana": False, "anna": True, "annabel": True}
    assert dict(book) == {**names, "bo": True, "will": False, "zoé": True}
    assert len(book) == 8


@pytest.mark.parametrize(
    "other",
    ["", "a", "ala", "ann", "annab", "al*", "will*", "wil", "alan\n", "b", "annabella"],
)
def test_nothing_else_is_one(book: NameBook, other: str) -> None:
    assert book.get(other) is None
    assert other not in book
    with pytest.raises(KeyError):
        book[other]


def test_all_names_of_the_package_are_in_it() -> None:
    data = files("shortstop.privacy").joinpath("data/first_names.txt.gz").read_bytes()
    lines = gzip.decompress(data).decode().split("\n")
    expected = {line.removesuffix("*"): not line.endswith("*") for line in lines}
    assert dict(first_names()) == expected
    draw = random.Random(3)
    for name in draw.sample(sorted(expected), 500):
        for other in (name[:-1], name + "a", name[::-1], name[:3]):
            assert first_names().get(other) == expected.get(other), other
