"""Real values come back over any chunking, in any case, and inside JSON."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.replace.restore import CORE, Buffer, Restorer
from tests.privacy.conftest import BODIES

WORDS = BODIES.words
VALUES = {"ab": "X", "abc": 'Y"q\n', "bcd": "Z", "person-kx@example.org": "jane@acme.com"}


def chunked(text: str, sizes: list[int]) -> list[str]:
    chunks, position, i = [], 0, 0
    while position < len(text):
        chunks.append(text[position : position + sizes[i % len(sizes)]])
        position, i = position + sizes[i % len(sizes)], i + 1
    return chunks


def streamed(restorer: Restorer, chunks: list[str], *, escaped: bool = False) -> str:
    buffer = Buffer(restorer, escaped=escaped)
    return "".join(buffer.push(c) for c in chunks) + buffer.push("", final=True)


SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=40)


@given(st.text("abcdx@", max_size=40), SIZES)
def test_chunking_makes_no_difference(text: str, sizes: list[int]) -> None:
    restorer = Restorer(VALUES)
    assert streamed(restorer, chunked(text, sizes)) == restorer.text(text)


@given(
    st.dictionaries(st.text("abAB-", min_size=1, max_size=4), st.text(max_size=4), max_size=4),
    st.text("abAB-x", max_size=30),
    SIZES,
    st.booleans(),
)
def test_nor_does_it_for_any_values(
    values: dict[str, str], text: str, sizes: list[int], escaped: bool
) -> None:
    restorer = Restorer(values)
    whole = restorer.text(text, escaped=escaped)
    assert streamed(restorer, chunked(text, sizes), escaped=escaped) == whole


def test_twenty_thousand_random_chunkings() -> None:
    draw, restorer = random.Random(1), Restorer(VALUES)
    for n in range(20_000):
        pieces = draw.choices([*VALUES, "a", " ", "é", "ABC", "person-"], k=6)
        text, escaped = "".join(pieces), bool(n % 2)
        buffer, out, at = Buffer(restorer, escaped=escaped), "", 0
        while at < len(text):
            step = draw.randint(1, 6)
            out += buffer.push(text[at : at + step])
            at += step
        assert out + buffer.push("", final=True) == restorer.text(text, escaped=escaped)


@given(st.text("abcdx@", max_size=40), SIZES)
def test_no_more_is_held_back_than_a_surrogate_is_long(text: str, sizes: list[int]) -> None:
    restorer = Restorer({"abcd": "1", "ab": "2"})
    buffer, passed, given_ = Buffer(restorer), "", ""
    for chunk in chunked(text, sizes):
        given_ += chunk
        passed += buffer.push(chunk)
        held = buffer._held
        assert len(held) < len("abcd")
        assert restorer.text(given_).startswith(passed) or held


def test_a_text_without_surrogates_is_not_held_back_at_all() -> None:
    buffer = Buffer(Restorer({"person-kx@example.org": "jane@acme.com"}))
    assert buffer.push("all is well") == "all is well"
    assert buffer.push(" and now person") == " and now "
    assert buffer.push("s unknown") == "persons unknown"


def test_the_longest_surrogate_wins() -> None:
    assert Restorer({"ab": "1", "abc": "2"}).text("abc ab abx") == "2 1 1x"


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("Belvawick", "Jane"),
        ("belvawick", "Jane"),
        ("BELVAWICK", "JANE"),
        ("Belvawick's", "Jane's"),
    ],
)
def test_a_name_comes_back_in_the_case_of_its_surrogate(written: str, wanted: str) -> None:
    assert Restorer({"Belvawick": "Jane"}).text(written) == wanted


@pytest.mark.parametrize(
    ("value", "written", "wanted"),
    [
        ("JANE", "Belvawick", "Jane"),
        ("jane", "Belvawick", "Jane"),
        ("jane", "belvawick", "jane"),
        ("JANE", "belvawick", "JANE"),
        ("McDonald", "Belvawick", "McDonald"),
        ("J", "Belvawick", "J"),
        ("x@y.de", "BELVAWICK", "x@y.de"),
    ],
)
def test_whatever_the_case_of_the_value(value: str, written: str, wanted: str) -> None:
    assert Restorer({"Belvawick": value}).text(written) == wanted


@given(
    st.dictionaries(st.from_regex(r"S[0-9]{3}", fullmatch=True), st.text(max_size=8), max_size=3)
)
def test_a_text_inside_json_stays_json(values: dict[str, str]) -> None:
    restorer = Restorer(values)
    text = json.dumps({"x": " ".join(values)}, ensure_ascii=False)
    wanted = {"x": " ".join(values.values())}
    assert json.loads(restorer.text(text, escaped=True)) == wanted
    assert restorer.json({"arguments": text}, WORDS) == {
        "arguments": json.dumps(wanted, ensure_ascii=False)
    }


def test_a_json_value_is_restored_everywhere_but_in_what_a_vendor_signed() -> None:
    restorer = Restorer({"S1": "Jane"})
    body = {
        "text": "S1", "thinking": "S1", "signature": "S1", "reasoning_content": "S1",
        "list": ["S1", {"text": "S1"}], "n": 1, "none": None, "S1": True,
    }  # fmt: skip
    assert restorer.json(body, WORDS) == {
        "text": "Jane", "thinking": "S1", "signature": "S1", "reasoning_content": "S1",
        "list": ["Jane", {"text": "Jane"}], "n": 1, "none": None, "S1": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I wrote to person-kxvbnmqw", True),
        ("to person kxvbnmqw at example dot org", True),
        ("PERSON-KXVBNMQW@EXAMPLE.ORG", True),
        ("I wrote to somebody at example.org", False),
        ("", False),
    ],
)
def test_a_respelled_surrogate_is_noticed(text: str, left: bool) -> None:
    assert Restorer({"person-kxvbnmqw@example.org": "jane@acme.com"}).is_left(text) is left


def test_a_short_surrogate_is_never_said_to_be_left() -> None:
    """Its letters are in other texts by chance."""
    assert len("Rosmo") < CORE
    assert not Restorer({"Rosmo": "Jane"}).is_left("r-o-s-m-o")


def test_nothing_to_restore_changes_nothing() -> None:
    restorer = Restorer({})
    assert restorer.text("person-kx@example.org") == "person-kx@example.org"
    assert streamed(restorer, ["a", "", "b"]) == "ab"
