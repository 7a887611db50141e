"""The model that judges a value by all words around it."""

from __future__ import annotations

from shortstop.privacy.detect import secret_context
from shortstop.privacy.detect.candidates import candidates
from shortstop.privacy.detect.linear import linear_model


def test_the_score_is_the_sum_over_its_features() -> None:
    text = "Hey, the staging box wants R7&blanket#41x when it asks, can you write the page?"
    model = linear_model(secret_context.NAME)
    wording = secret_context.WordedText(text)
    for suspect in candidates(text):
        features = secret_context.features(wording, suspect)
        expected = model.score(model.sum_of(features), len(features))
        assert secret_context.score(wording, suspect) == expected
        assert secret_context.score(wording, suspect) == expected


def test_order_and_shape_are_features() -> None:
    text = "the box wants R7&blanket#41x today"
    features = secret_context.features(secret_context.WordedText(text), next(candidates(text)))
    assert {"B1=wants", "A1=today", "F=mixed", "sg=#", "w=box"} <= set(features)
