"""A head learns labels, and its held-out opinions tell how good it will be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shortstop.flywheel.train_head import FEW_ROWS, HeldOutLabels, train_head
from shortstop.specialists.label_head import LabelHead

pytest.importorskip("sklearn", reason="needs the extra [learn]")

WIDTH = 16
LABELS = ["card", "loan", "fees", "other"]
Rows = tuple[list[str], list[str], NDArray[np.float32]]


def rows(n: int, seed: int = 0, *, noise: float = 0.0, spread: float = 0.5) -> Rows:
    """Texts of which each label has its own words and its own place among the embeddings."""
    draws = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(len(LABELS), WIDTH))
    y = draws.integers(len(LABELS), size=n)
    units = centres[y] + spread * draws.normal(size=(n, WIDTH))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    told = np.where(draws.random(n) < noise, draws.integers(len(LABELS), size=n), y)
    texts = [f"about my {LABELS[k]} number {draws.integers(50)}" for k in y]
    return texts, [LABELS[k] for k in told], units.astype(np.float32)


def accuracy(head: LabelHead, data: Rows) -> float:
    texts, labels, units = data
    right = [
        head.judge(text, unit).answer == label
        for text, label, unit in zip(texts, labels, units, strict=True)
    ]
    return float(np.mean(right))


def test_it_learns_what_it_is_taught() -> None:
    head, held = train_head(*rows(400))
    assert accuracy(head, rows(400, seed=1)) > 0.95
    assert held.right.mean() == pytest.approx(accuracy(head, rows(400, seed=1)), abs=0.04)


def test_the_same_rows_and_seed_give_the_same_head() -> None:
    one, held = train_head(*rows(200), seed=3)
    two, again = train_head(*rows(200), seed=3)
    assert np.array_equal(one.weights, two.weights)
    assert np.array_equal(held.confidence, again.confidence)


def test_it_is_surer_of_what_is_right() -> None:
    _, held = train_head(*rows(600, noise=0.1, spread=0.9))
    assert held.confidence[held.right].mean() > held.confidence[~held.right].mean() + 0.05


def test_two_labels_are_enough_and_three_rows_of_a_third_harm_nobody() -> None:
    texts, labels, units = rows(200)
    two = [i for i, label in enumerate(labels) if label in ("card", "loan")]
    keep = two + [i for i, label in enumerate(labels) if label == "fees"][:3]
    for chosen in (two, keep):
        data = [texts[i] for i in chosen], [labels[i] for i in chosen], units[chosen]
        head, held = train_head(*data)
        assert len(head.labels) == len(set(data[1]))
        assert accuracy(head, data) > 0.9
        assert len(held.right) == len(chosen)


def test_words_are_tried_where_there_are_rows_enough() -> None:
    """The embeddings say little here, the words everything."""
    few, _ = train_head(*rows(300, spread=4.0))
    assert few.words is None
    many, held = train_head(*rows(FEW_ROWS, spread=4.0))
    assert many.words is not None
    assert many.word_share > 0
    assert held.right.mean() > 0.9


def test_held_out_opinions_have_the_type_that_thresholds_take() -> None:
    _, held = train_head(*rows(100))
    assert isinstance(held, HeldOutLabels)
    assert ((held.confidence >= 0) & (held.confidence <= 1)).all()
