"""Phrases that ask for a value, and nothing that only stands beside it."""

from __future__ import annotations

from shortstop.flywheel.tools.phrases import grams, phrases


def test_phrases_are_found_by_what_they_are_asked_for() -> None:
    texts, values = [], []
    for n in range(12):
        words, value = [("no rush", "low"), ("it is urgent", "high"), ("", "")][n % 3]
        texts.append(f"open a ticket for case {'abcdefghijkl'[n]} {words}")
        values.append(frozenset([value]) if value else frozenset[str]())
    found = phrases(texts, values)
    assert found["no rush"] == "low"
    assert found["it is urgent"] == "high"
    assert not any(words == "ticket" for words in found)


def test_a_word_that_is_said_without_the_value_is_no_phrase() -> None:
    texts = ["please hurry", "please wait", "please stay", "please hurry up"]
    values = [frozenset(["fast"]), frozenset(), frozenset(), frozenset(["fast"])]
    assert set(phrases(texts, values)) == {"please hurry"}


def test_figures_end_a_phrase() -> None:
    assert grams("in 3 days") == ["in", "days"]
