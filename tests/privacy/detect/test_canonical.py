"""One plain spelling, and the exact way back to the original."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shortstop.privacy.detect.canonical import _MARK as MARK
from shortstop.privacy.detect.canonical import PlainView, Stretch, canonical, fold, plain, rewrite

ODD = (
    "－１２３４٠９０аеоΑΒΕ＠ｊａｎｅ⑨ﬁ½㎏ªéΩ漢字🙂\u00ad\u200b\u2063\u202e\ufe0f\u2009\u2028\u00a0"
)
TEXTS = st.text(alphabet=st.sampled_from("ab1 @-\n" + ODD) | st.characters(), max_size=60)


@given(TEXTS)
@example("ﬁ½㎏")
def test_every_character_knows_where_it_came_from(text: str) -> None:
    """The plain text is the folded characters in a row, each with its own offset. Marks over
    a letter go with it: see the next test."""
    assume(MARK.search(text) is None)
    view = canonical(text)
    folded = [c if c.isascii() else fold(c) for c in text]
    assert view.text == "".join(folded)
    origins = [i for i, spelling in enumerate(folded) for _ in spelling]
    assert [view.raw(i) for i in range(len(view.text))] == origins
    assert view.raw(len(view.text)) == len(text)


@given(st.text(st.sampled_from("aé1 \u0301\u0338\u1ab0\u20e3x"), max_size=30))
def test_marks_go_with_their_letter_and_offsets_only_grow(text: str) -> None:
    view = canonical(text)
    assert MARK.search(view.text) is None
    offsets = [view.raw(i) for i in range(len(view.text) + 1)]
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(text) for offset in offsets)


@given(TEXTS, st.integers(0, 70), st.integers(0, 70))
def test_a_span_covers_exactly_the_characters_it_was_made_of(text: str, a: int, b: int) -> None:
    view = canonical(text)
    start, end = sorted((min(a, len(view.text)), min(b, len(view.text))))
    first, last = view.span(start, end)
    assert 0 <= first <= last <= len(text)
    if start < end:
        piece = canonical(text[first:last]).text
        assert view.text[start:end] in piece
        assert (first, last) == (view.raw(start), view.raw(end - 1) + 1)


@given(st.text(max_size=60))
def test_offsets_stay_inside_and_rise(text: str) -> None:
    view = canonical(text)
    places = [view.raw(i) for i in range(len(view.text) + 1)]
    assert places == sorted(places)
    assert all(0 <= p <= len(text) for p in places)


@given(st.characters())
def test_folding_twice_folds_no_further(char: str) -> None:
    once = fold(char)
    assert "".join(c if c.isascii() else fold(c) for c in once) == once


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_left_alone_and_costs_nothing(text: str) -> None:
    assert canonical(text).text is text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ｊａｎｅ＠ａｃｍｅ", "jane@acme"),
        ("０８８－３２－１２９６", "088-32-1296"),
        ("٠٨٨-٣٢-١٢٩٦", "088-32-1296"),
        ("088–32—1296", "088-32-1296"),
        ("jane.d\u200boe", "jane.doe"),
        ("088-3\u00ad2", "088-32"),
        ("5474\u20090399\u00a06012", "5474 0399 6012"),
        ("а\u2028b", "a\nb"),
        ("jаne@аcme", "jane@acme"),
        ("ΑΒΕ", "ABE"),
        ("straße, naïve, 漢字", "straße, naïve, 漢字"),
        ("ok\ufe0f", "ok"),
        ("⑨", "9"),
    ],
)
def test_spellings(text: str, wanted: str) -> None:
    assert canonical(text).text == wanted


def test_letters_of_another_script_that_look_like_none_of_ours_stay() -> None:
    text = "жду щенка"
    assert [c for c in canonical(text).text if c in "жщ"] == ["ж", "щ"]


PARTS = st.lists(st.sampled_from(["%41", "x", "%2E%2e", "é", " ", "%", "%zz"]), max_size=12)


@given(PARTS)
def test_a_rewritten_match_points_into_itself(parts: list[str]) -> None:
    """What was not matched is found at its own place, what was replaced inside its match."""
    text = "".join(parts)
    pattern = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
    view = rewrite(text, pattern, lambda m: "#" * (len(m.group()) // 3))
    matches = [m.span() for m in pattern.finditer(text)]
    for i, char in enumerate(view.text):
        origin = view.raw(i)
        inside = any(a <= origin < b for a, b in matches)
        assert inside == (char == "#")
        if not inside:
            assert text[origin] == char
    assert view.text.count("#") == sum((b - a) // 3 for a, b in matches)


def test_a_replacement_longer_than_its_match_stays_within_it() -> None:
    view = rewrite("ab", re.compile("a"), lambda m: "12345")
    assert view.text == "12345b"
    assert [view.raw(i) for i in range(7)] == [0, 0, 0, 0, 0, 1, 2]


def test_a_replacement_shorter_than_its_match_begins_where_it_does_and_runs_in_step() -> None:
    view = rewrite("a%41%42b", re.compile("(?:%..)+"), lambda m: "AB")
    assert [view.raw(i) for i in range(5)] == [0, 1, 2, 7, 8]


def test_a_change_that_changes_nothing_makes_no_view() -> None:
    text = "aXbX"
    assert rewrite(text, re.compile("X"), lambda m: "X").text is text


def test_removed_characters_leave_no_gap() -> None:
    view = rewrite("a--b", re.compile("-+"), lambda m: "")
    assert (view.text, view.span(0, 2), view.span(1, 2)) == ("ab", (0, 4), (3, 4))


def test_an_empty_span_is_empty() -> None:
    view = canonical("a\u200bb")
    assert view.span(1, 1) == (view.raw(1), view.raw(1))


def test_the_view_that_changes_nothing_is_the_identity() -> None:
    view = plain("abc")
    assert [view.raw(i) for i in range(4)] == [0, 1, 2, 3]
    assert view == PlainView("abc", raw_length=3)


def test_a_stretch_knows_only_its_whole() -> None:
    assert Stretch(3, 9).span(1, 2) == (3, 9)
