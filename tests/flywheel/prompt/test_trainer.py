"""A prompt is worth having where the model answers better by it, and refused in words elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from shortstop.errors import EngineDown
from shortstop.flywheel.examine import calibrated
from shortstop.flywheel.prompt.trainer import TRIED, PromptTrainer
from shortstop.flywheel.trainer import AskLocal, NotLearned, Recipe
from shortstop.specialists.opinion import Shot
from shortstop.specialists.query import Query
from tests.flywheel.traffic import WordEncoder, mails


def recipe(local: AskLocal | None) -> Recipe:
    return Recipe(0.9, WordEncoder(), now=1.0, local=local)


def copies_the_last(query: Query, shots: Sequence[Shot]) -> str:
    return shots[-1].answer if shots else "I am a small model."


def ignores(query: Query, shots: Sequence[Shot]) -> str:
    return "I am a small model."


def is_down(query: Query, shots: Sequence[Shot]) -> str:
    raise EngineDown("down")


def test_a_model_that_learns_from_examples_passes_and_what_is_kept_asks_nobody() -> None:
    made = PromptTrainer().train(mails(300), recipe(copies_the_last))
    assert len(made.held_out) == TRIED
    gate = calibrated(made, lambda answer, row: float(answer == row.answer), 0.9)
    served = [(row, o) for row, o in made.held_out if o is not None and gate.serves(o)]
    assert len(served) > TRIED / 2
    assert all(o.answer == row.answer for row, o in served)


@pytest.mark.parametrize("model", [ignores, is_down])
def test_a_model_that_does_not_is_refused_with_both_figures(model: AskLocal) -> None:
    with pytest.raises(NotLearned, match=r"0\.00 with examples and 0\.00 without, on 80"):
        PromptTrainer().train(mails(300), recipe(model))


def test_without_a_model_or_an_encoder_it_says_so() -> None:
    with pytest.raises(NotLearned, match="none to ask"):
        PromptTrainer().train(mails(300), recipe(None))
    with pytest.raises(NotLearned, match="encoder"):
        PromptTrainer().train(mails(300), Recipe(0.9, None, now=1.0, local=ignores))


def test_a_row_is_never_its_own_example() -> None:
    seen: list[tuple[str, set[str]]] = []

    def watches(query: Query, shots: Sequence[Shot]) -> str:
        seen.append((query.text, {shot.text for shot in shots}))
        return copies_the_last(query, shots)

    rows = [replace(row, query=Query(f"{row.query.text} {i}")) for i, row in enumerate(mails(200))]
    PromptTrainer().train(rows, recipe(watches))
    assert all(text not in shots for text, shots in seen)
