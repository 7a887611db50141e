"""Fields become a whole answer, the sure part of one, or nothing."""

from __future__ import annotations

import json

import pytest

from shortstop.specialists.composed.composed import (
    PARTLY,
    AnswerLayout,
    ComposedSpecialist,
    Levels,
    wording,
)
from shortstop.specialists.composed.field import (
    MISSING,
    ConstantField,
    FieldOpinion,
    spelling,
    value_of,
)
from shortstop.specialists.composed.records import Records
from shortstop.specialists.json_object import Style
from shortstop.specialists.novelty import Slot, Wordings
from shortstop.specialists.query import Query

NAMES = ("shop", "day", "total", "note")
LEVELS = Levels(
    {"known": 0.8, "new": 2.0},
    {"known": dict.fromkeys(NAMES, 0.9), "new": {"day": 0.5, "total": 0.5}},
)
PLAN = AnswerLayout(NAMES, Style(), ("shop",), LEVELS)


def read(known: bool = True, **confidences: float) -> dict[str, FieldOpinion | None]:
    sure = {name: confidences.get(name, 0.99) for name in NAMES}
    return {n: FieldOpinion(n.upper(), c, known) if c else None for n, c in sure.items()}


def test_a_sure_answer_is_whole_and_in_order() -> None:
    opinion = PLAN.opinion(read(), 0.7)
    assert opinion is not None
    assert list(json.loads(opinion.answer)) == list(NAMES)
    assert (opinion.stratum, opinion.similarity, opinion.unsure) == ("known", 0.7, ())
    assert opinion.confidence == pytest.approx(0.99**4)


def test_single_unsure_fields_are_named_and_null() -> None:
    opinion = PLAN.opinion(read(total=0.3), 1.0)
    assert opinion is not None
    assert opinion.unsure == ("total",)
    assert json.loads(opinion.answer) == {
        "shop": "SHOP", "day": "DAY", "total": None, "note": "NOTE",
    }  # fmt: skip
    assert opinion.stratum == PARTLY + "known"
    assert opinion.confidence == pytest.approx(0.99**3)


def test_each_stratum_has_its_own_levels() -> None:
    opinion = PLAN.opinion(read(known=False), 1.0)
    assert opinion is not None
    assert (opinion.stratum, opinion.unsure) == (PARTLY + "new", ("shop", "note"))


def test_with_most_fields_unsure_the_whole_is_told_as_it_is_or_nothing() -> None:
    opinion = PLAN.opinion(read(shop=0.2, day=0.2, total=0.2), 1.0)
    assert opinion is not None
    assert (opinion.stratum, opinion.unsure) == ("known", ())
    assert PLAN.opinion(read(shop=0, day=0.2, total=0.2), 1.0) is None


def test_what_is_missing_is_left_out() -> None:
    assert value_of(spelling(MISSING)) is MISSING
    values = {**read(), "note": FieldOpinion(MISSING, 0.99)}
    opinion = PLAN.opinion(values, 1.0)
    assert opinion is not None
    assert list(json.loads(opinion.answer)) == ["shop", "day", "total"]


def test_a_bad_record_makes_its_fields_unsure() -> None:
    fine, bad = dict.fromkeys(NAMES, 1.0), {**dict.fromkeys(NAMES, 1.0), "total": 0.2}
    plan = AnswerLayout(
        NAMES, Style(), ("shop",), LEVELS, {"shop": Records({"shop": bad}, fine, bad)}
    )
    one = plan.weighed(read())
    assert one["total"] is not None
    assert one["total"].confidence == pytest.approx(0.99 * 0.2)
    opinion = plan.opinion(one, 1.0)
    assert opinion is not None
    assert opinion.unsure == ("total",)
    other = plan.weighed({**read(), "shop": FieldOpinion("ELSE", 0.99, True)})
    assert other["total"] is not None
    assert other["total"].confidence == pytest.approx(0.99)


def test_a_wording_is_the_text_without_what_was_read() -> None:
    opinion = FieldOpinion("Ana", 1.0, True, (Slot(6, 9, "name"),))
    assert wording("I am, Ana", {"name": opinion, "age": None}).split() == ["I", "am,", "_name_"]


def test_a_specialist_answers_what_it_can_read() -> None:
    plan = AnswerLayout(("kind",), Style(), (), Levels({"all": 0.5}))
    one = ComposedSpecialist(plan, {"kind": ConstantField('"x"', 0.99)}, Wordings.of(["hello"]))
    known, empty = one.opine([Query("hello"), Query(" ")])
    assert known is not None
    assert (known.answer, known.similarity) == ('{"kind": "x"}', pytest.approx(1.0))
    assert empty is None
