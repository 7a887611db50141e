"""A wallet's words are found without any word about wallets."""

from __future__ import annotations

import random
import re

import pytest

from shortstop.privacy.detect.rules import compile_pattern
from shortstop.privacy.detect.seedphrases import gates, spans
from shortstop.privacy.detect.wordlists import seed_words


def phrase(count: int, seed: int = 1) -> list[str]:
    return random.Random(seed).choices(sorted(seed_words()), k=count)


@pytest.mark.parametrize("count", [12, 15, 18, 24])
@pytest.mark.parametrize("between", [" ", "\n", ", ", " | "])
def test_a_phrase_is_found_in_place(count: int, between: str) -> None:
    words = between.join(phrase(count))
    text = f"Here: {words}. Thanks!"
    assert [text[a:b] for a, b in spans(text.encode())] == [words]
    assert re.search(gates()[0], text)


def test_a_numbered_list_of_words_is_one() -> None:
    assert list(spans(" ".join(f"{i}. {w}" for i, w in enumerate(phrase(12), 1)).encode()))


def test_eleven_words_or_other_words_are_none() -> None:
    assert not list(spans(" ".join(phrase(11)).encode()))
    assert not list(spans(b"some words that stand here were not drawn from any known list at all"))


def test_one_word_again_and_again_is_none() -> None:
    assert not list(spans(b"word " * 500))
    assert not list(spans(b"have you " * 20))


def test_there_are_2048_words_of_three_to_eight_letters() -> None:
    assert len(seed_words()) == 2048
    assert {len(word) for word in seed_words()} == set(range(3, 9))


def test_the_gate_holds_where_eight_words_of_the_list_are_in_a_row() -> None:
    pattern = compile_pattern(gates()[0])
    words = sorted(seed_words())
    assert all(pattern.search(" ".join(words[i : i + 8]).encode()) for i in range(0, 2040, 8))
    assert pattern.search(b"The plan is that we look at it and then write to a team.") is None
