"""Somebody's health told by all the words of a passage."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.privacy.detect import health_context
from shortstop.privacy.detect.combine import spelled
from shortstop.privacy.detect.health_context import PASSAGE, by_context, denied, passages
from shortstop.privacy.detect.linear import linear_model

ILL = [
    "My sister-in-law started dialysis in spring and her hands shake, what can we cook for her?",
    "been off my lithium since Easter, feeling great, do I go back on it?",
    "Opa hat nach dem Schlaganfall Mühe beim Schlucken, was darf er essen?",
    "Ma fille de 9 ans fait des crises d'asthme la nuit, le pédiatre a prescrit de la ventoline.",
]
NOBODY = [
    "What are the early signs of a stroke?",
    "Write an advert for a spray against hay fever, 60 words.",
    "my code is sick, it bleeds memory",
    "The server suffers from high load after the migration; draft a status note.",
    "Bestellung 4711: 250 Stück Kugellager, Liefertermin KW 21. Bitte bestätigen.",
]


@pytest.mark.parametrize("text", ILL)
def test_somebodys_health_is_told_from_the_words_around(text: str) -> None:
    assert by_context(text) is not None


@pytest.mark.parametrize("text", NOBODY)
def test_what_is_nobodys_is_none(text: str) -> None:
    assert by_context(text) is None


def test_a_question_with_answers_to_choose_from_is_not_read() -> None:
    assert by_context(f"{ILL[0]}\nA. rice\nB. beans\nC. bread\n") is None


@given(st.text(alphabet="ab .!\n\x1f。é", max_size=2_000))
def test_passages_are_in_order_and_hold_every_word(text: str) -> None:
    found = list(passages(text))
    assert all(a <= b <= a + PASSAGE * 1.3 for a, b in found)
    assert all(b <= c for (_, b), (c, _) in pairwise(found))
    assert "".join(text[a:b] for a, b in found) == text


def test_the_score_is_the_sum_over_its_features() -> None:
    model = linear_model(health_context.NAME)
    for text in ILL:
        features = health_context.features(text, spelled(text))
        expected = model.score(model.sum_of(features), len(features))
        assert health_context.score(text, spelled(text)) == pytest.approx(expected)


def test_passages_without_a_listed_word_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    monkeypatch.setattr(health_context, "score", lambda p, low: judged.append(p) or -1.0)
    prose = "Please write three hundred words on the oldest bridges of the town. " * 40
    assert by_context(prose) is None
    assert judged == []
    assert by_context(prose + "My brother has asthma. " + prose) is None
    assert len(judged) <= 2


def test_a_passage_is_denied_only_where_the_lists_believe_it_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_context, "score", lambda passage, low: -9.0)
    known = "My brother Paul has diabetes."
    split = (
        f"My brother Paul called. {'The bridge was closed and we all waited there. ' * 12}Diabetes."
    )
    assert denied(known, known.index("diabetes")) == (0, len(known))
    assert denied(split, split.index("Diabetes")) is None
    monkeypatch.setattr(health_context, "score", lambda passage, low: 0.0)
    assert denied(known, known.index("diabetes")) is None
