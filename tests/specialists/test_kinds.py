"""A specialist that was written and read again has the same opinions."""

from __future__ import annotations

import numpy as np
import pytest

from shortstop.errors import StoreError
from shortstop.specialists.kinds import (
    ABOUT,
    ARRAYS,
    dump_copy,
    dump_head,
    load,
    load_copy,
    load_head,
)
from shortstop.specialists.label_head import LabelHead, WordHead, softmax
from shortstop.specialists.words import WordTable
from tests.flywheel.copy.test_train import receipts

TEXTS = ["where is my card", "my card is lost", "cancel the order", "the order is late"]


def head(*, words: bool) -> LabelHead:
    draws = np.random.default_rng(0)
    examples = draws.normal(size=(20, 8)).astype(np.float32)
    examples /= np.linalg.norm(examples, axis=1, keepdims=True)
    table = WordTable.of(TEXTS)
    weights = draws.normal(size=(len(table.columns), 3)).astype(np.float32)
    by_words = WordHead(table, weights, np.zeros(3, np.float32)) if words else None
    return LabelHead(
        ("a", "b", "c"),
        draws.normal(size=(8, 3)).astype(np.float32),
        np.zeros(3, np.float32),
        examples,
        by_words,
        0.3 if words else 0.0,
    )


@pytest.mark.parametrize("words", [False, True])
def test_a_head_travels(words: bool) -> None:
    one = head(words=words)
    again = load_head(dump_head(one))
    for text, unit in zip(TEXTS, one.examples, strict=False):
        before, after = one.judge(text, unit), again.judge(text, unit)
        assert before.answer == after.answer
        assert after.confidence == pytest.approx(before.confidence, abs=0.01)
        assert after.similarity == pytest.approx(1.0, abs=0.01), "it was learned from"


def test_far_from_all_examples_it_is_not_sure() -> None:
    one = head(words=False)
    near = one.judge("x", one.examples[0])
    far = one.judge("x", -one.examples.mean(axis=0))
    assert far.similarity < near.similarity
    assert far.confidence < near.confidence


def test_probabilities_sum_to_one() -> None:
    assert softmax(np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32)).sum() == pytest.approx(2)


@pytest.mark.parametrize("name", [ABOUT, ARRAYS])
def test_a_damaged_head_is_refused(name: str) -> None:
    files = dump_head(head(words=True))
    for bad in (b"", b"nonsense", files[name][: len(files[name]) // 2]):
        with pytest.raises(StoreError):
            load_head({**files, name: bad})


def test_an_extractor_travels() -> None:
    pytest.importorskip("pycrfsuite", reason="needs the extra [learn]")
    from shortstop.flywheel.copy.train import train_copy

    texts, answers = receipts(30)
    one, _ = train_copy(texts, answers)
    again = load_copy(dump_copy(one))
    for text in receipts(5, seed=3)[0]:
        assert again.read(text) == one.read(text)


def test_unknown_kinds_and_a_missing_encoder_are_refused() -> None:
    with pytest.raises(StoreError, match="not known here"):
        load("oracle", {}, None)
    with pytest.raises(StoreError, match="encoder"):
        load("label-head", {}, None)
    with pytest.raises(StoreError):
        load("copy", {ABOUT: b'{"fields":{"a":{"form":"same","memory":{},"snap":2}}}'}, None)
