"""Words that count, and what makes two requests different ones."""

from __future__ import annotations

import pytest

from shortstop.specialists.repeats.wording import differing, same_request, wording

IDLE = frozenset({"just", "quickly", "my", "the"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What are your opening hours?", "hello, what are your opening hours please"),
        ("Cancel my order.", "cancel my order"),
        ("Qual é o horário?", "Olá! qual é o horário"),
        ("Where is it?  ", "where is  it"),
    ],
)
def test_the_same_words_have_one_key(one: str, other: str) -> None:
    assert wording(one).key == wording(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cancel my order", "don't cancel my order"),
        ("cancel my order", "do not cancel my order"),
        ("quero cancelar", "não quero cancelar"),
        ("pay 10 euros", "pay 100 euros"),
        ("pay 1.50 euros", "pay 150 euros"),
        ("a call from Ann", "a call from Bob"),
        ("flight from Rome to Paris", "flight from Paris to Rome"),
        ("is A-12 in stock", "is A-13 in stock"),
        ("write to a@x.org", "write to b@x.org"),
        ("solve x + 1", "solve x - 1"),
        ("refund order 7 without fee", "refund order 7 with fee"),
    ],
)
def test_values_names_negations_and_order_are_never_idle(one: str, other: str) -> None:
    first, second = wording(one), wording(other)
    words = frozenset({*first.words, *second.words})
    idle = words - first.fixed - second.fixed if first.fixed != second.fixed else IDLE
    assert first.key != second.key
    assert not same_request(first, second, idle)


def test_idle_words_may_differ() -> None:
    one, other = wording("just cancel my order quickly"), wording("cancel order")
    assert same_request(one, other, IDLE)
    assert not same_request(one, other, frozenset())


def test_what_differs_is_told_in_order() -> None:
    assert differing(("a", "b", "c"), ("a", "x", "c", "d")) == ["b", "x", "d"]


def test_nothing_is_nothing() -> None:
    assert wording("").words == ()
    assert wording("?!").words == ()
