"""A label head that was written and read again has the same opinions."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.errors import StoreError
from shortstop.specialists.about import ABOUT
from shortstop.specialists.head.evidence import SIGNALS, Acceptor
from shortstop.specialists.head.files import ARRAYS, dump_head, load_head
from shortstop.specialists.head.label_head import LabelHead, LetterHead, softmax
from shortstop.specialists.words import WordTable, grams

TEXTS = ["where is my card", "my card is lost", "cancel the order", "the order is late"]


def head(*, letters: bool, accepts: bool = False) -> LabelHead:
    draws = np.random.default_rng(0)
    examples = draws.normal(size=(20, 8)).astype(np.float32)
    examples /= np.linalg.norm(examples, axis=1, keepdims=True)
    table = WordTable.of(TEXTS, terms=grams)
    weights = draws.normal(size=(len(table.columns), 3)).astype(np.float32)
    signals = np.ones(SIGNALS, np.float32)
    return LabelHead(
        ("a", "b", "c"),
        draws.normal(size=(8, 3)).astype(np.float32),
        np.zeros(3, np.float32),
        examples,
        draws.integers(3, size=20),
        LetterHead(table, weights, np.zeros(3, np.float32)) if letters else None,
        0.3 if letters else 0.0,
        Acceptor(signals, -1.0, 0.5 * signals, signals) if accepts else None,
        frozenset({1}),
    )


@pytest.mark.parametrize("letters", [False, True])
@pytest.mark.parametrize("accepts", [False, True])
def test_a_head_travels(letters: bool, accepts: bool) -> None:
    one = head(letters=letters, accepts=accepts)
    again = load_head(dump_head(one))
    units = one.examples[: len(TEXTS)]
    for before, after in zip(one.judge(TEXTS, units), again.judge(TEXTS, units), strict=True):
        assert before.answer == after.answer
        assert before.stratum == after.stratum
        assert after.confidence == pytest.approx(before.confidence, abs=0.01)
        assert after.similarity == pytest.approx(before.similarity, abs=0.01)


def test_far_from_all_examples_it_is_not_sure() -> None:
    one = head(letters=False)
    near, far = one.judge(["x", "x"], np.stack([one.examples[0], -one.examples.mean(axis=0)]))
    assert far.similarity < near.similarity
    assert far.confidence < near.confidence


def test_probabilities_sum_to_one() -> None:
    assert softmax(np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32)).sum() == pytest.approx(2)


@pytest.mark.parametrize("name", [ABOUT, ARRAYS])
def test_a_damaged_head_is_refused(name: str) -> None:
    files = dump_head(head(letters=True, accepts=True))
    for bad in (b"", b"nonsense", files[name][: len(files[name]) // 2]):
        with pytest.raises(StoreError):
            load_head({**files, name: bad})
