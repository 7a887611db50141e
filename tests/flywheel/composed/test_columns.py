"""A field is learned by the first kind that serves it, and says why by none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from shortstop.flywheel.composed.columns import Column, learn_column, right
from shortstop.flywheel.composed.corpus import Corpus
from shortstop.flywheel.trainer import NotLearned
from shortstop.specialists.composed.field import MISSING, FieldOpinion
from tests.flywheel.traffic import WordEncoder, example

for library in ("pycrfsuite", "sklearn", "rapidfuzz"):
    pytest.importorskip(library, reason="needs the extra [learn]")


def corpus(texts: list[str], values: list[Any], encoder: Any = None) -> Corpus:
    answers = [json.dumps({} if v is MISSING else {"f": v} | {"g": 1}) for v in values]
    rows = [example(i, *pair) for i, pair in enumerate(zip(texts, answers, strict=True))]
    return Corpus(rows, encoder)


def column(texts: list[str], values: list[Any], encoder: Any = None) -> Column:
    one = corpus(texts, values, encoder)
    return learn_column(one, "f", np.arange(len(one)) % 4)


def good(one: Column, values: list[Any]) -> float:
    return float(np.mean([right(o, v) for o, v in zip(one.held, values, strict=True)]))


def test_a_constant_needs_no_model() -> None:
    values = ["EUR"] * 80
    assert good(column([f"text {i}" for i in range(80)], values), values) == 1.0


def test_labels_need_the_encoder() -> None:
    texts = [f"this is {'bad' if i % 2 else 'good'} no {i}" for i in range(80)]
    values = [bool(i % 2) for i in range(80)]
    assert good(column(texts, values, WordEncoder()), values) > 0.9
    assert "encoder is not installed" in column(texts, values).why


def test_what_can_be_copied_is_not_a_label() -> None:
    """A label head would find an old city in a text about a new one."""
    cities = ["Rome", "Oslo", "Bath", "Lyon"]
    values = [cities[i % 4] for i in range(80)]
    one = column([f"from {v}\nno {i}" for i, v in enumerate(values)], values, WordEncoder())
    assert good(one, values) == 1.0
    assert all(opinion is not None and opinion.slots for opinion in one.held)


def test_numbers_lists_and_what_is_sometimes_absent_are_copied() -> None:
    draws = np.random.default_rng(0)
    numbers = [float(draws.integers(1000, 9999)) / 100 for _ in range(120)]
    texts = [f"order {i}\ntotal EUR {v:,.2f}\nbye" for i, v in enumerate(numbers)]
    assert good(column(texts, numbers), numbers) > 0.97
    lists = [[f"K{draws.integers(100, 999)}" for _ in range(i % 3)] for i in range(120)]
    texts = [f"parts: {' and '.join(v) or 'none'} please" for v in lists]
    assert good(column(texts, lists), lists) > 0.97
    notes = [f"N{draws.integers(100, 999)}" if i % 2 else None for i in range(120)]
    texts = [f"note {v}\nthanks" if v else "thanks for all" for v in notes]
    assert good(column(texts, notes), notes) > 0.97


def test_what_nobody_learns_says_why() -> None:
    one = column([f"text {i}" for i in range(80)], [f"tale of {i * 7919}" for i in range(80)])
    assert one.fit is None
    assert "stands in 0% of the texts" in one.why


@pytest.mark.parametrize(
    ("said", "value", "same"),
    [
        ("ACME Ltd", "acme, ltd", True),
        (["A", "b"], ["a", "B"], True),
        (12, 12.0, True),
        ("", None, False),
        (MISSING, MISSING, True),
        ("-", "+", False),
    ],
)
def test_blanks_marks_and_case_do_not_count(said: Any, value: Any, same: bool) -> None:
    assert right(FieldOpinion(said, 1.0), value) is same
    assert not right(None, value)


def test_fields_are_the_usual_ones_in_their_order() -> None:
    rows = [example(i, f"text {i}", '{"a": 1, "b": {"c": 2, "d": []}}') for i in range(60)]
    rows += [example(60 + i, f"more {i}", '{"a": 1, "z": 3}') for i in range(4)]
    rows += [example(70 + i, f"null {i}", '{"a": 1, "b": null}') for i in range(9)]
    one = Corpus(rows, None)
    assert one.names == ("a", "b.c", "b.d")
    assert len(one) == 60
    with pytest.raises(NotLearned):
        Corpus([*rows, *(example(100 + i, f"t {i}", "no") for i in range(60))], None)
