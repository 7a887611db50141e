"""What a new router knows: the committed file, as it was built, and lightly weighed."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from shortstop.errors import StoreError
from shortstop.routing import load_prior, packaged
from shortstop.routing.features import MARKS, prompt_features
from shortstop.routing.model import project
from shortstop.routing.prior import MAGIC, STRENGTH, blank, dump_prior


def test_the_committed_prior_is_read_once_and_whole() -> None:
    prior = packaged()
    assert packaged() is prior
    assert prior.index is not None
    assert prior.gap is not None
    assert prior.width == prior.embedder.width + MARKS == prior.index.places.shape[1]


def test_writing_it_again_gives_the_same_bytes() -> None:
    prior = packaged()
    assert prior.index is not None
    assert prior.gap is not None
    data = dump_prior(prior.embedder, prior.index, prior.gap)
    assert data == files("shortstop.routing").joinpath("data", "prior.bin").read_bytes()


def test_a_new_index_leaves_half_of_the_room_to_one_s_own_prompts() -> None:
    prior = packaged()
    assert prior.index is not None
    for landmarks in (16, 64, 512):
        index = prior.fresh_index(landmarks)
        assert index.limit == landmarks
        assert 0 < index.size <= landmarks // 2
        assert np.array_equal(index.places[: index.size], prior.index.places[: index.size])


def test_open_data_weighs_little_beside_one_s_own() -> None:
    prior = packaged()
    assert prior.index is not None
    assert prior.gap is not None
    index, gap = prior.fresh_index(512), prior.fresh_gap(512)
    assert index.documents == int(prior.index.documents * STRENGTH)
    assert gap.rows == pytest.approx(prior.gap.rows * STRENGTH)
    assert gap.mean == pytest.approx(prior.gap.mean, abs=0.02)
    common = prior.index.common >= 1
    assert (index.common[common] >= 1).all(), "every word met stays known"
    assert not index.common[~common].any()


def test_each_router_gets_its_own_copy() -> None:
    prior = packaged()
    one, two = prior.fresh_gap(64), prior.fresh_gap(64)
    index = prior.fresh_index(64)
    prompt = project(prompt_features("sort mail", prior.embedder), index)
    before = two.base(prompt)
    for _ in range(20):
        one.learn(prompt, "t", 1.0, index)
    assert two.base(prompt) == before
    assert prior.fresh_gap(64).base(prompt) == before


def test_harder_matters_have_a_larger_gap_before_anything_was_learned() -> None:
    prior = packaged()
    index, gap = prior.fresh_index(512), prior.fresh_gap(512)
    gap.solve(index)

    def expected(text: str) -> float:
        return gap.base(project(prompt_features(text, prior.embedder), index))

    proof = (
        "Let G be a finite abelian group. Which of these statements about its subgroups is false?"
    )
    assert expected(proof) > expected("Which animal says meow?")


def test_a_blank_prior_knows_nothing_and_says_so() -> None:
    prior = blank()
    assert not prior.embedder.embed("sort mail").any()
    assert prior.fresh_index(16).size == 0
    gap = prior.fresh_gap(16)
    assert (gap.rows, gap.solution) == (0, None)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"shortstop-prior-9\n", MAGIC, MAGIC + b"\x80"])
def test_what_is_not_a_prior_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="prior"):
        load_prior(data)
