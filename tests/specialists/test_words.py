"""Sparse TF-IDF rows are those that a dense computation gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.specialists.nearest import NearestTexts
from shortstop.specialists.words import WordTable, terms

NAMES = ["card", "lost", "my", "where", "is", "the", "new", "one", "?"]
WORDS = st.lists(st.sampled_from(NAMES), max_size=12)
TEXTS = st.lists(WORDS.map(" ".join), min_size=1, max_size=12)


def test_words_marks_and_pairs() -> None:
    assert terms("Lost my CARD!") == [
        "lost", "my", "card", "!", "lost my", "my card", "card !",
    ]  # fmt: skip


def test_rare_terms_weigh_more_and_those_of_one_text_are_left_out() -> None:
    table = WordTable.of(["my card", "my card", "my phone", "once"])
    assert "once" not in table.columns
    assert table.rarity[table.columns["card"]] > table.rarity[table.columns["my"]]


def test_the_table_is_bounded_and_the_same_every_time() -> None:
    texts = [f"word{i} word{i}" for i in range(50)] * 2
    table = WordTable.of(texts, most=10)
    assert len(table.columns) == 10
    assert table.columns == WordTable.of(texts, most=10).columns


@given(TEXTS)
def test_rows_have_unit_length_or_are_empty(texts: list[str]) -> None:
    table = WordTable.of(texts, least=1)
    for text in texts:
        row = table.row(text)
        assert len(row.columns) == len(set(row.columns.tolist()))
        assert float(row.values @ row.values) == pytest.approx(1.0 if len(row.columns) else 0.0)


@given(TEXTS, WORDS.map(" ".join))
def test_the_nearest_is_the_one_with_the_largest_cosine(texts: list[str], asked: str) -> None:
    index = NearestTexts.of(texts)
    table = index.table

    def dense(text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        out = np.zeros(len(table.columns) + 1, np.float32)
        row = table.row(text)
        out[row.columns] = row.values
        return out

    cosines = [float(dense(text) @ dense(asked)) for text in texts]
    near = index.nearest(asked)
    if near is None:
        assert max(cosines) == 0
    else:
        assert near.cosine == pytest.approx(min(1.0, max(cosines)), abs=1e-5)
        assert cosines[near.row] == pytest.approx(max(cosines), abs=1e-5)


def test_what_was_met_word_for_word_is_found() -> None:
    index = NearestTexts.of(["where is my card", "cancel my order", "hello there"])
    near = index.nearest("Cancel my order")
    assert near is not None
    assert (near.row, near.cosine) == (1, pytest.approx(1.0))
    assert index.nearest("zzz qqq") is None
