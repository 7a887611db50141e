"""JSON answers are learned field by field, whatever their kinds, and what is not is left open."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from shortstop.flywheel.composed.trainer import ComposedTrainer
from shortstop.flywheel.examine import calibrated, examine, finished
from shortstop.flywheel.examples import Example
from shortstop.flywheel.trainer import Made, NotLearned, Recipe
from shortstop.routing import grade
from shortstop.specialists.composed.composed import PARTLY, ComposedSpecialist
from shortstop.specialists.composed.field import ConstantField, LabelField
from shortstop.specialists.copy.field import CopyField
from shortstop.specialists.query import Query
from tests.flywheel.papers import Answer, orders, receipts, spelled
from tests.flywheel.traffic import WordEncoder, example

for library in ("pycrfsuite", "sklearn", "rapidfuzz"):
    pytest.importorskip(library, reason="needs the extra [learn]")
RECIPE = Recipe(0.9, WordEncoder(), now=7.0)


def exactly(answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


def examples(papers: tuple[list[str], list[Answer]]) -> list[Example]:
    return [example(i, text, spelled(a)) for i, (text, a) in enumerate(zip(*papers, strict=True))]


def fields(made: Made) -> dict[str, Any]:
    assert isinstance(made.specialist, ComposedSpecialist)
    return made.specialist.fields


def answered(made: Made, text: str) -> str:
    (opinion,) = made.specialist.opine([Query(text)])
    assert opinion is not None
    return opinion.answer


@pytest.fixture(scope="module")
def made() -> Made:
    return ComposedTrainer().train(examples(orders(240)), RECIPE)


def test_each_field_is_learned_by_a_kind_of_its_own(made: Made) -> None:
    kinds = {name: type(field) for name, field in fields(made).items()}
    assert kinds == {
        "currency": ConstantField,
        "mood": LabelField,
        "express": LabelField,
        "total": CopyField,
        "parts": CopyField,
        "phone": CopyField,
        "buyer.city": CopyField,
    }


def test_new_answers_are_right_and_written_as_the_teacher_writes(made: Made) -> None:
    texts, answers = orders(60, seed=1)
    right = sum(answered(made, t) == spelled(a) for t, a in zip(texts, answers, strict=True))
    assert right >= 54


def test_it_is_examined_like_every_kind(made: Made) -> None:
    gate = calibrated(made, exactly, 0.9)
    examined = examine(made.specialist, gate, examples(orders(80, seed=2)), exactly)
    assert examined.served > 0.6
    assert examined.right > 0.9


def test_slips_of_the_teacher_are_left_out() -> None:
    """Prose on Tuesdays, code fences, an extra key, another key for a while."""
    rows = examples(receipts(200))
    draws = np.random.default_rng(0)
    for i, row in enumerate(rows):
        if i % 7 == 1:
            rows[i] = replace(row, answer="I am sorry, I cannot read this.")
        elif draws.random() < 0.05:
            rows[i] = replace(row, answer=f"```json\n{row.answer}\n```")
        elif draws.random() < 0.05:
            rows[i] = replace(row, answer=row.answer.replace("{", '{"note": "x",', 1))
    made = ComposedTrainer().train(rows, RECIPE)
    assert set(fields(made)) == {"shop", "date", "total"}
    texts, answers = receipts(30, seed=1)
    right = sum(answered(made, t) == spelled(a) for t, a in zip(texts, answers, strict=True))
    assert right >= 28


def test_a_field_that_nobody_learns_is_unsure_and_the_others_are_served() -> None:
    draws = np.random.default_rng(0)
    texts, answers = receipts(240)
    told = [{**a, "story": f"tale {draws.integers(1 << 40)} told"} for a in answers]
    made = ComposedTrainer().train(examples((texts, told)), RECIPE)
    (opinion,) = made.specialist.opine([Query(receipts(1, seed=5)[0][0])])
    assert opinion is not None
    assert opinion.unsure == ("story",)
    assert opinion.stratum.startswith(PARTLY)
    assert json.loads(opinion.answer)["story"] is None
    gate = calibrated(made, exactly, 0.9)
    assert gate.serves(opinion)
    row = examples((texts, told))[0]
    assert exactly(finished(replace_answer(opinion, row), row), row) == 1.0


def replace_answer(opinion: Any, row: Example) -> Any:
    """The opinion about that row."""
    told = {**json.loads(row.answer), "story": None}
    return replace(opinion, answer=json.dumps(told))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([example(i, f"text {i}", "no") for i in range(200)], "no JSON objects"),
        (
            [example(i, f"t {i}", f'{{"a": "tale {i * 7919}"}}') for i in range(200)],
            "Too few of its fields are learned: a ",
        ),
        (examples(receipts(20)), "20 of its answers have the usual fields"),
    ],
)
def test_what_is_not_learned_says_why(rows: list[Example], why: str) -> None:
    with pytest.raises(NotLearned, match=why):
        ComposedTrainer().train(rows, RECIPE)


def test_a_new_shop_is_a_new_layout() -> None:
    made = ComposedTrainer().train(examples(receipts(120)), RECIPE)
    text = receipts(1)[0][0]
    known, new = made.specialist.opine(
        [Query(text), Query("ZETA TOOLS" + text[text.index("\n") :])]
    )
    assert known is not None
    assert known.stratum == "known"
    assert new is None or new.stratum.endswith("new")


def test_nothing_is_said_about_nothing_and_too_much(made: Made) -> None:
    assert made.specialist.opine([Query(""), Query("x " * 5000)]) == [None, None]


def test_a_vendor_whose_answers_are_foul_is_left_alone() -> None:
    """The teacher writes the date of another day for one shop; nobody can learn which."""
    draws = np.random.default_rng(0)
    texts, answers = receipts(400)
    foul = [
        {**a, "date": f"{draws.integers(10, 28)}/11/2011"} if a["shop"] == "DELTA FUEL" else a
        for a in answers
    ]
    made = ComposedTrainer().train(examples((texts, foul)), RECIPE)
    gate = calibrated(made, exactly, 0.9)
    served = {True: 0, False: 0}
    for text, answer in zip(*receipts(60, seed=1), strict=True):
        (opinion,) = made.specialist.opine([Query(text)])
        sure = opinion is not None and gate.serves(opinion) and "date" not in opinion.unsure
        served[answer["shop"] == "DELTA FUEL"] += sure
    assert served[True] == 0
    assert served[False] > 35
