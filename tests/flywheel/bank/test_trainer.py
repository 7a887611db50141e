"""A bank serves long answers that were given again and again, verbatim."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.flywheel.bank.trainer import BankTrainer
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import NotLearned, Recipe
from shortstop.specialists import kinds
from shortstop.specialists.query import Query
from tests.flywheel.traffic import WordEncoder, example, mails

pytest.importorskip("sklearn", reason="needs the extra [learn]")
RECIPE = Recipe(0.9, WordEncoder(), now=7.0)
LONG = {
    "card": "We have blocked your card; a new one reaches you by post within five working days.",
    "loan": "Your loan officer will call you on the next working day between nine and noon.",
    "fees": "The fee is explained on page three of your contract, under the heading of prices.",
}


def exactly(answer: str, row: Example) -> float:
    return float(answer == row.answer)


def faq(n: int, odd: int = 0) -> list[Example]:
    rows = [replace(row, answer=LONG[row.answer]) for row in mails(n)]
    strange = [
        example(n + i, f"poem {i} on autumn sea wind", f"A poem for this request alone, {i}.")
        for i in range(odd)
    ]
    return [*rows, *strange]


def test_answers_are_served_verbatim_and_after_a_journey() -> None:
    made = BankTrainer().train(faq(600, odd=120), RECIPE)
    gate = calibrated(made, exactly, 0.9)
    again = kinds.load(BankTrainer.kind, made.files, WordEncoder)
    for specialist in (made.specialist, again):
        card, poem = specialist.opine(
            [Query("my card is lost ticket 5 of mister 7"), Query("poem on autumn sea wind")]
        )
        assert card is not None
        assert card.answer == LONG["card"]
        assert gate.serves(card)
        assert poem is None or not gate.serves(poem)


@pytest.mark.parametrize(
    ("rows", "recipe", "why"),
    [
        (mails(200), RECIPE, "are labels"),
        (faq(10, odd=200), RECIPE, "given more than once"),
        (faq(200), Recipe(0.9, None, now=7.0), "encoder is not installed"),
    ],
)
def test_what_is_refused_says_why(rows: list[Example], recipe: Recipe, why: str) -> None:
    with pytest.raises(NotLearned, match=why):
        BankTrainer().train(rows, recipe)
