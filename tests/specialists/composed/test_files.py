"""A composed specialist that was written and read again has the same opinions."""

from __future__ import annotations

import pytest

from shortstop.errors import StoreError
from shortstop.specialists.about import ABOUT
from shortstop.specialists.composed.files import load_composed
from shortstop.specialists.encoder import Encoder
from shortstop.specialists.query import Query
from tests.flywheel.papers import orders
from tests.flywheel.traffic import WordEncoder


def no_encoder() -> Encoder:
    raise StoreError("The sentence encoder is not installed.")


def test_a_specialist_travels() -> None:
    for library in ("pycrfsuite", "sklearn", "rapidfuzz"):
        pytest.importorskip(library, reason="needs the extra [learn]")
    from shortstop.flywheel.composed.trainer import ComposedTrainer
    from tests.flywheel.composed.test_trainer import RECIPE, examples

    made = ComposedTrainer().train(examples(orders(120)), RECIPE)
    again = load_composed(made.files, WordEncoder)
    queries = [Query(text) for text in orders(10, seed=3)[0]]
    for one, two in zip(made.specialist.opine(queries), again.opine(queries), strict=True):
        assert one is not None
        assert two is not None
        assert (one.answer, one.stratum, one.unsure) == (two.answer, two.stratum, two.unsure)
        assert two.confidence == pytest.approx(one.confidence, abs=0.02)
    with pytest.raises(StoreError, match="not installed"):
        load_composed(made.files, no_encoder)
    for name in made.files:
        with pytest.raises(StoreError):
            load_composed({n: data for n, data in made.files.items() if n != name}, WordEncoder)


def test_a_field_without_its_model_is_refused() -> None:
    pytest.importorskip("pycrfsuite", reason="needs the extra [learn]")
    about = (
        b'{"plan":{"names":["a"],"style":{}},"fields":{"a":{"kind":"copy","taggers":1,'
        b'"copy":{"name":"a","form":"same"}}}}'
    )
    with pytest.raises(StoreError, match="tagger cannot be read"):
        load_composed({ABOUT: about}, no_encoder)
