"""Tokens cover the text, with their lines; features are the same every time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shortstop.specialists.copy.tokens import features, shape, tokens

RECEIPT = "TAN WOON YANN\nBOOK TA .K(TAMAN DAYA)\n\nDATE: 25/12/2018\nTOTAL RM 9.00"


def test_numbers_keep_their_marks_and_words_stand_alone() -> None:
    words = [token.word for token in tokens(RECEIPT)]
    assert "25/12/2018" in words
    assert "9.00" in words
    assert words[:3] == ["TAN", "WOON", "YANN"]
    assert words[4:8] == ["TA", ".", "K", "("]


def test_lines_are_counted_through_empty_ones() -> None:
    lines = {token.word: token.line for token in tokens(RECEIPT)}
    assert (lines["TAN"], lines["BOOK"], lines["DATE"], lines["TOTAL"]) == (0, 1, 3, 4)


@given(st.text(max_size=200))
def test_tokens_are_pieces_of_the_text_in_order_and_leave_only_blanks_out(text: str) -> None:
    found = tokens(text)
    assert all(text[t.start : t.end] == t.word for t in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    kept = "".join(t.word for t in found)
    assert len(kept) == sum(not c.isspace() for c in text) or not text.isascii()


def test_shapes() -> None:
    assert shape("RM12.50x") == "XXdd.ddx"
    assert shape("Größe") == "Xxxxx"


def test_one_list_of_features_for_each_token() -> None:
    found = tokens(RECEIPT)
    names = features(RECEIPT, found)
    assert len(names) == len(found)
    assert features("", []) == []
    nine = next(n for t, n in zip(found, names, strict=True) if t.word == "9.00")
    assert {"w=9.00", "s=d.dd", "w-1=rm", "b=total", "j=0", "g=00"} <= set(nine)


def test_they_are_the_same_every_time_but_for_their_order() -> None:
    found = tokens(RECEIPT)
    assert [sorted(n) for n in features(RECEIPT, found)] == [
        sorted(n) for n in features(RECEIPT, found)
    ]
