"""A tenant's own terms and documents: found however they are written, kept as hashes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect.register import MIN_SHINGLES, SHINGLE, Register, shingles

PLAN = (
    "The quick plan is to open twelve new shops in the north before winter, and to close"
    " the two old ones by the sea as soon as their leases end."
)
WORDS = re.findall(r"\w+", PLAN)
PASSAGE = SHINGLE + MIN_SHINGLES - 1
"""Words in a row that prove a passage."""


def found(register: Register, text: str) -> list[str]:
    return [text[start:end] for _, _, start, end in register.hits(text)]


OSPREY = Register(["Project Osprey", "zorblatt", "C++ core", "Ω-7"])


@pytest.mark.parametrize(
    "text",
    [
        "Project Osprey",
        "tell me of project osprey.",
        "PROJECT OSPREY!",
        "(Project  Osprey)",
        "Project\nOsprey",
        "Ｐｒｏｊｅｃｔ Ｏｓｐｒｅｙ",
        "Project\u00a0Osprey",
        "Pro\u200bject Osp\u00adrey",
        "Рrоjесt Osprey",
    ],
)
def test_a_term_is_found_however_it_is_written(text: str) -> None:
    ((label, rule, start, end),) = OSPREY.hits(text)
    assert (label, rule) == ("DICTIONARY", "tenant-term")
    assert text[start:end].lower()[-3:] == text.strip("().!").lower()[-3:]


@pytest.mark.parametrize(
    "text", ["zorblatt", "a zorblatt, b", "Zorblatt: yes", "the C++ core!", "Ω-7"]
)
def test_terms_of_any_characters_are_taken_literally(text: str) -> None:
    assert len(found(OSPREY, text)) == 1


@pytest.mark.parametrize(
    "text", ["zorblatts", "azorblatt", "zorblatt2", "Project Ospreys", "projectosprey", "CCC core"]
)
def test_part_of_a_word_is_no_term(text: str) -> None:
    assert found(OSPREY, text) == []


def test_of_two_terms_that_begin_alike_the_longer_is_found() -> None:
    register = Register(["Osprey", "Osprey Two"])
    assert found(register, "on Osprey Two today") == ["Osprey Two"]


@pytest.mark.parametrize("terms", [(), ("",), ("  ", "\u200b")])
def test_no_terms_find_nothing(terms: tuple[str, ...]) -> None:
    assert found(Register(terms), "anything at all") == []


@given(
    st.integers(0, len(WORDS) - 1), st.integers(1, len(WORDS)), st.sampled_from([" ", "\n", ", "])
)
def test_a_passage_is_found_by_its_words_and_by_enough_of_them(
    first: int, count: int, gap: str
) -> None:
    """Whatever is between the words, and whatever comes before and after."""
    passage = WORDS[first : first + count]
    text = "so then: " + gap.join(passage).upper() + " -- or not"
    hits = list(Register(documents=[PLAN]).hits(text))
    assert bool(hits) == (len(passage) >= PASSAGE)
    for label, rule, start, end in hits:
        assert (label, rule) == ("FINGERPRINT", "registered-document")
        assert text[start:end] == gap.join(passage).upper()


@given(st.lists(st.sampled_from(WORDS), min_size=PASSAGE, max_size=20))
def test_the_same_words_in_another_order_are_no_passage(words: list[str]) -> None:
    text = " ".join(words)
    runs = {tuple(WORDS[i : i + SHINGLE]) for i in range(len(WORDS))}
    copied = sum(tuple(words[i : i + SHINGLE]) in runs for i in range(len(words) - SHINGLE + 1))
    assert bool(found(Register(documents=[PLAN]), text)) == (copied >= MIN_SHINGLES)


def test_two_places_of_one_document_are_one_passage_from_the_first_to_the_last() -> None:
    text = f"A {' '.join(WORDS[:PASSAGE])} B {' '.join(WORDS[-PASSAGE:])} C"
    assert found(Register(documents=[PLAN]), text) == [text[2:-2]]


def test_only_hashes_are_kept_and_they_are_enough() -> None:
    register = Register(documents=[PLAN])
    assert all(len(p) == 8 for p in register.prints)
    assert not any(word.encode() in p for p in register.prints for word in WORDS if len(word) > 3)
    again = Register(prints=register.prints)
    assert found(again, PLAN) == found(register, PLAN) != []


def test_a_document_of_fewer_words_than_a_fingerprint_has_none() -> None:
    assert Register(documents=["too short to tell"]).prints == frozenset()
    assert list(shingles(" ".join(WORDS[: SHINGLE - 1]))) == []


def test_one_tenants_register_knows_nothing_of_anothers() -> None:
    assert found(Register(["other"]), PLAN + " Project Osprey") == []
