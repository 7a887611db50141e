"""Expected quality is learned from outcomes, for prompts that are alike and for whole tasks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.routing import packaged
from shortstop.routing.features import BINS, PromptFeatures, prompt_features
from shortstop.routing.model import (
    LANDMARK_KERNEL,
    TASK_PSEUDO_PAIRS,
    Head,
    Projection,
    PromptIndex,
    TaskMean,
    project,
)

LANDMARKS = 32
WIDTH = packaged().width


def features(text: str) -> PromptFeatures:
    return prompt_features(text, packaged().embedder)


def index_of(*texts: str) -> PromptIndex:
    index = PromptIndex(LANDMARKS, WIDTH)
    for text in texts:
        index.add(features(text))
    return index


MAIL = [f"sort the mail of customer number {i}" for i in range(30)]
MATHS = [f"what is {i} times {i + 7}, step by step" for i in range(30)]


# ------------------------------------------------------------ the index


def test_a_prompt_that_is_far_from_all_others_becomes_a_landmark() -> None:
    index = index_of("sort the mail")
    assert index.size == 1
    index.add(features("sort the mail"))
    assert index.size == 1
    index.add(features("prove that there are infinitely many primes"))
    assert index.size == 2
    assert index.documents == 3


def test_landmarks_are_bounded_and_the_rest_is_still_counted() -> None:
    index = PromptIndex(4, WIDTH)
    for text in (*MAIL, *MATHS, "poem", "weather today?", "Übersetze das", "SELECT * FROM t"):
        index.add(features(text))
    assert index.size == 4
    assert index.documents == 64


def test_the_kernel_is_one_for_itself_and_small_for_others() -> None:
    index = index_of("sort the mail", "prove that there are infinitely many primes")
    kernel = index.kernel(features("sort the mail").dense)
    assert kernel.shape == (LANDMARKS + 1,)
    assert kernel[0] == pytest.approx(1.0, abs=1e-3)
    assert kernel[1] < LANDMARK_KERNEL
    assert not kernel[2:-1].any(), "places that are not taken"
    assert kernel[-1] == 1


@given(st.text(max_size=80))
def test_kernels_lie_between_0_and_1(text: str) -> None:
    kernel = INDEX.kernel(features(text).dense)
    assert ((kernel >= 0) & (kernel <= 1 + 1e-4)).all()


INDEX = index_of(*MAIL, *MATHS)


@given(st.text(max_size=80))
def test_words_never_met_weigh_nothing_the_others_one_together(text: str) -> None:
    weights = INDEX.weights(features(text))
    length = float(np.linalg.norm(weights))
    assert length == pytest.approx(1.0, abs=1e-4) or length == 0
    assert (weights >= 0).all()


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    index = index_of(*MAIL, "a xylophone")
    seen = features("mail xylophone")
    weight = dict(zip(seen.grams.tolist(), index.weights(seen).tolist(), strict=True))
    (mail,), (xylophone,) = features("mail").grams, features("xylophone").grams
    assert weight[xylophone] > weight[mail] > 0


def test_support_counts_prompts_that_were_alike() -> None:
    near = INDEX.support(INDEX.kernel(features(MAIL[3]).dense))
    far = INDEX.support(INDEX.kernel(features("ein Gedicht über das Meer").dense))
    assert near > 20 > 3 > far


def test_seeding_fills_the_room_and_no_more() -> None:
    index = PromptIndex(3, 8)
    index.seed_landmarks(np.ones((2, 8), np.float32))
    index.seed_landmarks(np.zeros((5, 8), np.float32))
    assert index.size == 3
    assert index.squares.tolist() == [8, 8, 0]
    index.seed_landmarks(np.ones((1, 8), np.float32))
    assert index.size == 3


def test_the_gram_matrix_is_a_kernel_among_landmarks() -> None:
    gram = INDEX.gram()
    assert gram.shape == (LANDMARKS + 1, LANDMARKS + 1)
    assert np.allclose(gram, gram.T, atol=1e-5)
    assert np.allclose(np.diag(gram), 1, atol=1e-4)
    assert np.linalg.eigvalsh(gram.astype(np.float64)).min() > -1e-3


# ------------------------------------------------------------ the head


def learned(outcomes: dict[str, float], task: str = "t") -> tuple[Head, PromptIndex]:
    head, index = Head(LANDMARKS), PromptIndex(LANDMARKS, WIDTH)
    for text, value in outcomes.items():
        seen = features(text)
        prompt = project(seen, index)
        index.add(seen)
        head.learn(prompt, task, value, index)
    return head, index


def both() -> dict[str, float]:
    """Mail is easy, mathematics hard; in turns."""
    pairs = zip(MAIL, MATHS, strict=True)
    return {text: value for m, s in pairs for text, value in ((m, 0.0), (s, 1.0))}


def test_a_new_head_expects_nothing() -> None:
    assert Head(LANDMARKS).expect(project(features("x"), INDEX), "t") == 0


def test_what_was_learned_carries_over_to_prompts_that_are_alike() -> None:
    head, index = learned(both())
    easy = head.base(project(features("sort the mail of customer number 77"), index))
    hard = head.base(project(features("what is 77 times 84, step by step"), index))
    assert easy < 0.3
    assert hard > 0.7


def test_a_task_s_own_mean_is_added_shrunk() -> None:
    mean = TaskMean()
    for n in range(1, 41):
        mean.residual += 0.5
        mean.seen += 1
        assert mean.shift == pytest.approx(0.5 * n / (n + TASK_PSEUDO_PAIRS))
    head, index = learned(dict.fromkeys(MAIL, 0.4))
    prompt = project(features(MAIL[0]), index)
    assert head.expect(prompt, "t") == head.base(prompt) + head.tasks["t"].shift
    assert head.expect(prompt, "unknown task") == head.base(prompt)


def test_the_regression_is_solved_again_and_again_not_every_time() -> None:
    head, index = Head(LANDMARKS), INDEX
    solved = []
    for i, text in enumerate((*MAIL, *MATHS) * 5):
        head.learn(project(features(text), index), "t", 1.0, index)
        if head.unsolved == 0:
            solved.append(i)
    assert solved[0] == 15
    assert 5 < len(solved) < 40


def test_one_by_one_or_at_once_the_regression_is_the_same() -> None:
    values = np.array([float(i % 2) for i in range(60)])
    prompts = [project(features(text), INDEX) for text in (*MAIL, *MATHS)]
    at_once, one_by_one = Head(LANDMARKS), Head(LANDMARKS)
    at_once.learn_all(prompts, values, INDEX)
    for prompt, value in zip(prompts, values.tolist(), strict=True):
        one_by_one.learn(prompt, "t", value, INDEX)
    one_by_one.solve(INDEX)
    assert at_once.solution is not None
    assert one_by_one.solution is not None
    assert np.allclose(at_once.solution, one_by_one.solution, atol=1e-4)
    assert at_once.mean == pytest.approx(one_by_one.mean)
    assert at_once.tasks == {}


def test_adding_up_late_is_adding_up() -> None:
    head = Head(2)
    kernels = [np.array([1, i, 0.5], np.float32) for i in range(5)]
    for kernel in kernels:
        prompt = Projection(np.zeros(0, np.int64), np.zeros(0, np.float32), kernel)
        head.learn(prompt, "t", 1.0, PromptIndex(2, 3))
    expected = sum(np.outer(k, k) for k in kernels)
    assert np.allclose(head.moments, expected)
    assert np.allclose(head.moments, expected), "reading it twice adds nothing"


def test_a_prompt_without_a_word_is_learned_from_as_well() -> None:
    head, index = learned({"": 1.0, "?!": 1.0, "…": 1.0})
    assert head.rows == 3
    assert np.isfinite(head.expect(project(features(""), index), "t"))
    assert head.weights.shape == (BINS,)
