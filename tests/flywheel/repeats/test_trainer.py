"""Answers are vetted by a teacher that says the same again, or by a person."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.examples import Example
from shortstop.flywheel.fingerprints import distinct
from shortstop.flywheel.repeats.idle import idle_words
from shortstop.flywheel.repeats.trainer import RepeatsTrainer, vetted
from shortstop.flywheel.trainer import NotLearned, Recipe
from shortstop.specialists.query import Query
from tests.flywheel.traffic import example

RECIPE = Recipe(0.9, None, now=7.0)


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


def asked(texts: int, times: int, *, start: int = 0) -> list[Example]:
    """Each text so many times, always with its own answer."""
    return [
        example(start + n, f"how tall is mount number {n % texts}", f"It is {n % texts} km tall.")
        for n in range(texts * times)
    ]


def test_what_was_answered_alike_twice_is_served_again() -> None:
    made = RepeatsTrainer().train(distinct(asked(40, 3)), RECIPE)
    gate = calibrated(made, exactly, 0.9)
    opinions = made.specialist.opine([Query("How tall is mount number 7?"), Query("mount 77?")])
    assert opinions[0] is not None
    assert opinions[0].answer == "It is 7 km tall."
    assert gate.serves(opinions[0])
    assert opinions[1] is None


def test_what_was_answered_differently_is_never_served() -> None:
    rows = asked(40, 3)
    rows[2] = replace(rows[2], answer="Right now it is hidden by a cloud.")
    made = RepeatsTrainer().train(distinct(rows), RECIPE)
    assert made.specialist.opine([Query("how tall is mount number 2")]) == [None]


def test_a_person_vets_alone_and_against_the_teacher() -> None:
    rows = [*asked(2, 3), example(99, "how tall is mount number 1", "Nobody knows.", gold=True)]
    assert vetted(distinct(rows))["how tall is mount number 1"] == "Nobody knows."


def test_a_teacher_that_seldom_repeats_itself_proves_nothing() -> None:
    """Of those asked again half got another answer the last time."""
    rows = asked(60, 3)
    turned = [
        replace(r, answer="Changed.") if n >= 120 and n % 2 else r for n, r in enumerate(rows)
    ]
    made = RepeatsTrainer().train(distinct(turned), RECIPE)
    gate = calibrated(made, exactly, 0.9)
    (opinion,) = made.specialist.opine([Query("how tall is mount number 2")])
    assert opinion is not None
    assert not gate.serves(opinion)


def test_few_repeats_are_told() -> None:
    with pytest.raises(NotLearned, match="are needed"):
        RepeatsTrainer().train(distinct(asked(50, 1)), RECIPE)


def test_idle_words_are_those_that_never_changed_an_answer() -> None:
    places = [f"town{n}" for n in range(12)]
    rows = []
    for n, place in enumerate(places):
        rows += [
            example(4 * n, f"how late opens the shop in {place} street", f"At {n}."),
            example(4 * n + 1, f"how late really opens the shop in {place} street", f"At {n}."),
            example(4 * n + 2, f"how late closes the shop in {place} street", f"At {n + 12}."),
        ]
    idle = idle_words(rows)
    assert "really" in idle
    assert not {"opens", "closes", *places} & idle
