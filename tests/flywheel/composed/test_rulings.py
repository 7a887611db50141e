"""A judge's word on single fields: who reads better than a teacher that errs may serve."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from shortstop.flywheel.appeal import Claim
from shortstop.flywheel.composed.trainer import ComposedTrainer
from shortstop.flywheel.examine import calibrated, examine
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Recipe
from shortstop.routing import grade
from tests.flywheel.papers import receipts, spelled
from tests.flywheel.traffic import WordEncoder, example
from tests.flywheel.umpires import TruthTeller

for library in ("pycrfsuite", "sklearn", "rapidfuzz"):
    pytest.importorskip(library, reason="needs the extra [learn]")


def exactly(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


def papers(n: int, seed: int = 0) -> list[Example]:
    texts, answers = receipts(n, seed)
    rows = zip(texts, answers, strict=True)
    return [example(i, text, spelled(answer)) for i, (text, answer) in enumerate(rows)]


def test_fields_are_judged_one_by_one() -> None:
    """In one paper of eight the teacher has a total wrong."""
    right = papers(240)
    rows = [
        replace(row, answer=row.answer.replace('"total": "', '"total": "9')) if i % 8 == 0 else row
        for i, row in enumerate(right)
    ]
    umpire = TruthTeller({row.id: row.answer for row in right})
    shares = []
    for recipe in (
        Recipe(0.95, WordEncoder(), now=7.0),
        Recipe(0.95, WordEncoder(), now=7.0, umpire=umpire),
    ):
        made = ComposedTrainer().train(rows, recipe)
        gate = calibrated(made, exactly, 0.95, recipe.umpire)
        examined = examine(made.specialist, gate, papers(60, seed=3), exactly)
        assert not examined.served or examined.right >= 0.95
        shares.append(examined.served)
    assert shares[1] > shares[0] + 0.3
    teacher = {row.id: json.loads(row.answer) for row in rows}
    assert umpire.said
    for id, answer in umpire.said:
        said = json.loads(answer)
        assert sum(said[name] != told for name, told in teacher[id].items()) == 1


def test_a_judge_that_sides_with_the_teacher_changes_nothing() -> None:
    rows = papers(160)

    class Teachers(TruthTeller):
        def rule(self, claims: list[Claim]) -> bool:  # type: ignore[override]
            assert all(claim.answer != claim.row.answer for claim in claims)
            return super().rule(claims)

    one = ComposedTrainer().train(rows, Recipe(0.95, WordEncoder(), now=7.0))
    umpire = Teachers({row.id: row.answer for row in rows})
    other = ComposedTrainer().train(rows, Recipe(0.95, WordEncoder(), now=7.0, umpire=umpire))
    assert one.files.keys() == other.files.keys()
    assert [o for _, o in one.held_out] == [o for _, o in other.held_out]
