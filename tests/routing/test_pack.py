"""What is packed comes back exactly; what is missing, damaged or of another shape is named."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shortstop.errors import StoreError
from shortstop.routing.features import BINS
from shortstop.routing.model import Head, PromptIndex, project
from shortstop.routing.pack import (
    KINDS,
    Array,
    Packed,
    pack_head,
    pack_index,
    pack_scorer,
    unpack_head,
    unpack_index,
    unpack_scorer,
)
from shortstop.routing.scorer import NO_HELPERS, WIDTH, AnswerScorer
from tests.routing.test_model import INDEX, LANDMARKS, MAIL, both, features, learned
from tests.routing.test_scorer import look, taught


def travelled(packed: Packed) -> Packed:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=Packed)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("shape", [(0,), (7,), (2, 3), (2, 0, 3)])
def test_arrays_come_back_as_they_were(kind: str, shape: tuple[int, ...]) -> None:
    array = (np.random.default_rng(0).random(shape) * 100).astype(kind)
    back = travelled(Packed.of(a=array))["a"]
    assert back.dtype == array.dtype
    assert back.shape == shape
    assert np.array_equal(back, array)
    back.fill(0)  # a copy, so that it may be written to


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=20))
def test_floats_keep_every_bit(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert travelled(Packed.of(a=array))["a"].tobytes() == array.tobytes()


def test_slices_and_big_endian_arrays_are_stored_plainly() -> None:
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    cuts: list[NDArray[np.float32]] = [whole[:, ::2], whole.T, whole.astype(">f4")]
    for cut in cuts:
        assert np.array_equal(travelled(Packed.of(a=cut))["a"], cut)


@pytest.mark.parametrize(
    "array",
    [
        Array("float32", [2], b"1234"),
        Array("float32", [1], b"123"),
        Array("object", [1], b"12345678"),
        Array("float32", [-1, -1], b"1234"),
        Array("float99", [1], b"1234"),
    ],
)
def test_a_damaged_array_is_named(array: Array) -> None:
    with pytest.raises(StoreError, match="'a'"):
        _ = Packed({"a": array})["a"]


def test_what_is_missing_is_named() -> None:
    with pytest.raises(StoreError, match="'weights'"):
        _ = Packed()["weights"]
    with pytest.raises(StoreError, match="'seen'"):
        Packed().number("seen")


# ------------------------------------------------------------ learners


def test_an_index_comes_back_and_goes_on() -> None:
    back = unpack_index(travelled(pack_index(INDEX)))
    assert (back.limit, back.size, back.documents) == (INDEX.limit, INDEX.size, INDEX.documents)
    for name in ("common", "places", "squares", "visits"):
        assert np.array_equal(getattr(back, name), getattr(INDEX, name)), name
    dense = features(MAIL[0]).dense
    assert np.array_equal(back.kernel(dense), INDEX.kernel(dense))


def test_an_index_without_a_prompt_comes_back() -> None:
    back = unpack_index(travelled(pack_index(PromptIndex(5, 3))))
    assert (back.size, back.documents, back.places.shape) == (0, 0, (5, 3))


def test_a_head_comes_back_and_goes_on_learning_alike() -> None:
    head, index = learned(both())
    back = unpack_head(travelled(pack_head(head)))
    for _ in range(40):
        prompt = project(features("what is 5 times 6"), index)
        assert back.expect(prompt, "t") == head.expect(prompt, "t")
        head.learn(prompt, "t", 1.0, index)
        back.learn(prompt, "t", 1.0, index)
    assert travelled(pack_head(back)) == travelled(pack_head(head))


def test_a_head_that_was_not_solved_yet_comes_back_unsolved() -> None:
    back = unpack_head(travelled(pack_head(Head(LANDMARKS))))
    assert back.solution is None
    assert (back.rows, back.total, back.unsolved) == (0, 0, 0)


def test_half_precision_is_smaller_and_nearly_the_same() -> None:
    head, index = learned(both())
    small, whole = pack_head(head, small=True), pack_head(head)
    size = {
        "small": len(msgspec.msgpack.encode(small)),
        "whole": len(msgspec.msgpack.encode(whole)),
    }
    assert size["small"] < size["whole"]
    prompt = project(features("what is 5 times 6"), index)
    assert unpack_head(small).base(prompt) == pytest.approx(head.base(prompt), abs=1e-3)


def test_a_scorer_comes_back() -> None:
    (scorer,) = taught(50).levels
    back = unpack_scorer(travelled(pack_scorer(scorer)))
    assert back.rows == 50
    assert back.correction(look(-2.0)) == scorer.correction(look(-2.0))
    for one in (scorer, back):
        one.learn_all(look(-1.0)[None, :], np.array([0.5]))
    assert np.array_equal(back.solution, scorer.solution)


def test_a_scorer_of_the_release_before_saw_no_helpers() -> None:
    (scorer,) = taught(50).levels
    width = WIDTH - len(NO_HELPERS)
    packed = Packed.of(
        moments=scorer.moments[:width, :width].copy(),
        targets=scorer.targets[:width].copy(),
        solution=scorer.solution[:width].copy(),
    )
    packed.numbers = {"seen": 50.0}
    back = unpack_scorer(packed)
    assert np.array_equal(back.solution, scorer.solution)
    back.learn_all(look(-1.0)[None, :], np.array([0.5]))


def test_a_scorer_of_other_marks_is_refused() -> None:
    packed = pack_scorer(AnswerScorer())
    packed.arrays["targets"] = Packed.of(targets=np.zeros(5)).arrays["targets"]
    with pytest.raises(StoreError, match="other marks"):
        unpack_scorer(packed)


@pytest.mark.parametrize("ids", [[BINS], [-1], [0, BINS + 5]])
def test_ids_beyond_the_bins_are_refused(ids: list[int]) -> None:
    head, index = pack_head(Head(4)), pack_index(INDEX)
    wrong = Packed.of(a=np.array(ids, np.int32)).arrays["a"]
    head.arrays["used"] = index.arrays["met"] = wrong
    with pytest.raises(StoreError, match="bins"):
        unpack_head(head)
    with pytest.raises(StoreError, match="bins"):
        unpack_index(index)
