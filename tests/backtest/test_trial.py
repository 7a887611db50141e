"""What the trial of a task says, on tasks whose answer is known."""

from __future__ import annotations

import random

import pytest

from shortstop.backtest.trial import TARGETS, KindResult, Trial, tried
from shortstop.flywheel.encoding import StaticTextEncoder
from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.trainer import HeadTrainer
from shortstop.flywheel.repeats.trainer import RepeatsTrainer
from shortstop.flywheel.trainer import Recipe
from shortstop.routing import grade, packaged
from tests.backtest.logs import learn_rows, texts

pytest.importorskip("sklearn")
TRAINERS = (RepeatsTrainer(), HeadTrainer())


def same(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


def of(pairs: list[tuple[str, str]]) -> Trial:
    recipe = Recipe(0.95, StaticTextEncoder(packaged().embedder), 0.0)
    return tried(learn_rows(pairs), TRAINERS, same, recipe)


def kinds_at(trial: Trial, target: float) -> dict[str, KindResult]:
    return {one.kind: one for one in trial.kinds if one.target == target}


def test_labels_are_learned_and_served() -> None:
    found = of(texts(300))
    best = kinds_at(found, 0.95)["label-head"]
    assert best.served > 0.7
    assert best.right > 0.97
    assert found.asked == pytest.approx(60, abs=5)
    assert found.proven or found.more is not None
    assert [sum(row) for row in found.served] == sorted(map(sum, found.served), reverse=True)


def test_random_answers_are_not() -> None:
    chance = random.Random(0)
    found = of([(text, chance.choice("abc")) for text, _ in texts(200)])
    assert found.kinds == ()
    assert "label-head" in found.refused


def test_what_is_asked_again_counts_as_often_as_it_is_asked() -> None:
    """Half of the requests are ten texts, the other half is never asked twice."""
    pairs = []
    for n, (text, _) in enumerate(texts(150)):
        again = f"What are your opening hours, version {n % 10 * 7 + 13}?"
        pairs += [(text, f"answer {n}, which is unlike the others in its words {n * 7}")]
        pairs += [(again, f"We open at {n % 10} on weekdays and stay until late.")]
    found = of(pairs)
    repeats = kinds_at(found, TARGETS[1]).get("repeats")
    assert repeats is None or repeats.right > 0.95


def test_few_requests_are_said_to_be_few() -> None:
    assert "100 are needed" in of(texts(30)).refused["all"]
