"""A head learns labels, and its held-out opinions tell how good it will be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shortstop.flywheel.head.train import HeldOutLabels, TrainedHead, train_head
from shortstop.specialists.head.label_head import LabelHead

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


def taught(data: Rows, seed: int = 0, silent: str | None = None) -> TrainedHead:
    texts, labels, units = data
    return train_head(texts, labels, units, 0.9, seed, silent)


def accuracy(head: LabelHead, data: Rows) -> float:
    texts, labels, units = data
    told = head.judge(texts, units)
    return float(np.mean([one.answer == label for one, label in zip(told, labels, strict=True)]))


def right(trained: TrainedHead, data: Rows) -> NDArray[np.bool_]:
    """Of the held-out opinions."""
    names = np.array(trained.head.labels)
    return names[trained.held.labels] == np.array(data[1])[trained.held.rows]


def test_it_learns_what_it_is_taught() -> None:
    data = rows(400)
    trained = taught(data)
    assert accuracy(trained.head, rows(400, seed=1)) > 0.95
    assert right(trained, data).mean() == pytest.approx(
        accuracy(trained.head, rows(400, seed=1)), abs=0.04
    )


def test_labels_that_it_did_not_know_are_asked_about_and_wrong() -> None:
    data = rows(400)
    trained = taught(data)
    names = np.array(trained.head.labels)
    assert 15 <= len(trained.new.rows) <= 30
    assert not (names[trained.new.labels] == np.array(data[1])[trained.new.rows]).any()


def test_the_same_rows_and_seed_give_the_same_head() -> None:
    one, two = taught(rows(200), 3), taught(rows(200), 3)
    assert np.array_equal(one.head.weights, two.head.weights)
    assert np.array_equal(one.held.confidence, two.held.confidence)


def test_it_is_surer_of_what_is_right() -> None:
    _, labels, units = rows(600, spread=1.2)
    data = [f"number {n % 50}" for n in range(600)], labels, units
    trained = taught(data)
    good = right(trained, data)
    assert trained.held.confidence[good].mean() > trained.held.confidence[~good].mean() + 0.05


def test_two_labels_are_enough_and_three_rows_of_a_third_harm_nobody() -> None:
    texts, labels, units = rows(200)
    two = [i for i, label in enumerate(labels) if label in ("card", "loan")]
    keep = two + [i for i, label in enumerate(labels) if label == "fees"][:3]
    for chosen in (two, keep):
        data = [texts[i] for i in chosen], [labels[i] for i in chosen], units[chosen]
        trained = taught(data)
        assert len(trained.head.labels) == len(set(data[1]))
        assert accuracy(trained.head, data) > 0.9
        assert trained.held.rows.tolist() == list(range(len(chosen)))


def test_letters_are_used_where_the_embeddings_say_little() -> None:
    data = rows(500, spread=4.0)
    trained = taught(data)
    assert trained.head.letters is not None
    assert trained.head.letter_share > 0
    assert right(trained, data).mean() > 0.85


def test_of_what_it_is_silent_on_there_are_no_opinions() -> None:
    data = rows(400)
    trained = taught(data, silent="other")
    assert "other" not in {trained.head.labels[label] for label in trained.held.labels}
    assert not len(trained.new.rows), "it stands for what is new"


def test_held_out_opinions_have_the_type_that_thresholds_take() -> None:
    held = taught(rows(100)).held
    assert isinstance(held, HeldOutLabels)
    assert ((held.confidence >= 0) & (held.confidence <= 1)).all()
