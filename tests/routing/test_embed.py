"""Static embeddings: word pieces, longest first; the same sum however a text is written."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing import packaged
from shortstop.routing.embed import ASCII, MAX_WORD_CHARS, NO_HASH, Embedder, plain

PIECES = ["sort", "so", "##rt", "mail", "##s", "!", "x", "café", "##e"]
TABLE = np.arange(1, 1 + 3 * len(PIECES), dtype=np.int8).reshape(len(PIECES), 3)
ROW = dict(zip(PIECES, TABLE.astype(np.float32), strict=True))


@pytest.fixture
def embedder() -> Embedder:
    return Embedder(PIECES, TABLE, np.array([1.0, 0.5, 2.0], np.float32))


def unit(*pieces: str) -> np.ndarray:
    total = sum((ROW[piece] for piece in pieces), np.zeros(3, np.float32))
    total = total * np.array([1.0, 0.5, 2.0], np.float32)
    return total / np.linalg.norm(total)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("sort", ["sort"]),
        ("SORT", ["sort"]),
        ("sort mail", ["sort", "mail"]),
        ("sorts", ["sort", "##s"]),
        ("soe", ["so", "##e"]),
        ("sort!!", ["sort", "!", "!"]),
        ("sort, mail?", ["sort", "mail"]),
        ("sort\n\tmail", ["sort", "mail"]),
    ],
)
def test_a_text_is_the_sum_of_its_pieces(embedder: Embedder, text: str, pieces: list[str]) -> None:
    assert embedder.embed(text) == pytest.approx(unit(*pieces), abs=1e-6)


@pytest.mark.parametrize("text", ["", "   ", "zzz", "sortz", "🙂", "日本"])
def test_what_is_made_of_no_known_piece_is_zeros(embedder: Embedder, text: str) -> None:
    assert not embedder.embed(text).any()


def test_an_unknown_word_does_not_hide_a_known_one(embedder: Embedder) -> None:
    assert embedder.embed("zzz sort qqq") == pytest.approx(unit("sort"), abs=1e-6)


def test_hashes_are_of_words_in_order_without_single_characters(embedder: Embedder) -> None:
    hashes = embedder.read("Sort x mail zzz sort").hashes
    assert hashes.tolist() == [crc32(word) for word in (b"sort", b"mail", b"zzz", b"sort")]
    assert NO_HASH not in hashes


def test_ascii_characters_are_tallied(embedder: Embedder) -> None:
    codes = embedder.read("a-b b\n$").codes
    assert codes.shape == (ASCII,)
    assert {chr(i): int(n) for i, n in enumerate(codes) if n} == {
        "a": 1, "-": 1, "b": 2, " ": 1, "\n": 1, "$": 1,
    }  # fmt: skip


def test_what_is_not_ascii_is_kept_in_order(embedder: Embedder) -> None:
    assert embedder.read("Über „Mail“ für 5 €").beyond == "ü„“ü€"
    assert embedder.read("plain").beyond == ""


def test_accents_do_not_hide_a_word() -> None:
    assert plain("café") == "cafe"
    assert plain("cafe") == "cafe"
    small = Embedder(["cafe", "##s"], np.ones((2, 4), np.int8), np.ones(4, np.float32))
    assert np.array_equal(small.embed("cafés"), small.embed("cafes"))


def test_a_word_as_long_as_a_page_does_no_harm(embedder: Embedder) -> None:
    long = "sort" + "s" * 100_000
    assert np.isfinite(embedder.embed(long)).all()
    assert np.array_equal(embedder.embed(long), embedder.embed("sort" + "s" * MAX_WORD_CHARS))


def test_parts_make_the_same_embedder_again(embedder: Embedder) -> None:
    embedder.embed("sorts mails soe")  # derived rows are no part of it
    again = Embedder(*embedder.parts())
    assert again.width == 3
    assert np.array_equal(again.embed("sort mails"), embedder.embed("sort mails"))
    assert again.parts()[0] == PIECES


def test_tokens_are_words_and_marks(embedder: Embedder) -> None:
    assert embedder.tokens("Sort 5 mails, please!") == 6
    assert embedder.tokens("") == 0


@given(st.text(max_size=80))
def test_any_text_has_an_embedding_of_length_one_or_none(text: str) -> None:
    length = float(np.linalg.norm(packaged().embedder.embed(text)))
    assert length == pytest.approx(1.0, abs=1e-4) or length == 0


@given(st.lists(st.sampled_from(["sort", "mail", "refund", "the", "tax"]), min_size=1, max_size=8))
def test_the_order_of_words_does_not_count(words: list[str]) -> None:
    embedder = packaged().embedder
    backwards = embedder.embed(" ".join(reversed(words)))
    assert np.array_equal(embedder.embed(" ".join(words)), backwards)
