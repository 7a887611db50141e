"""The look at an answer: what it shows, what was not seen, and what is learned from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shortstop.routing.scorer import (
    NO_MARKS,
    WIDTH,
    AnswerScorer,
    PooledScorer,
    answer_features,
    helper_marks,
    marks_of,
    signal_marks,
    text_marks,
)
from shortstop.types import Helpers, Signals
from tests.odd import ODD
from tests.routing.test_constraints import ask

MEASURED = Signals(40, 200, -0.5, -0.1, -0.01, -0.05, 0.05, 0.0, "stop", 1.0)
MAYBE = st.none() | st.floats(-50, 50)
SIGNALS = st.builds(
    Signals,
    st.integers(0, 5000),
    st.integers(0, 50_000),
    *[MAYBE] * 5,
    repetition=st.floats(0, 1),
    finish=st.sampled_from([None, "stop", "length", "tool_calls", "content_filter"]),
    agreement=st.none() | st.floats(0, 1),
)


@given(SIGNALS, st.text(max_size=400), st.integers(0, 9000), st.floats(0, 1))
def test_any_answer_has_features_of_one_size_and_scale(
    signals: Signals, text: str, prompt_chars: int, expected: float
) -> None:
    features = answer_features(expected, signals, text_marks(text, prompt_chars))
    assert features.shape == (WIDTH,)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= 9


@pytest.mark.parametrize(
    "name", ["logprob_min", "logprob_p10", "logprob_p50", "logprob_mean", "entropy", "agreement"]
)
def test_what_was_not_measured_is_flagged_not_guessed(name: str) -> None:
    """A missing value is told from a measured one of the same scaled value."""
    with_it, without = signal_marks(MEASURED), signal_marks(_without(name))
    changed = np.flatnonzero(with_it != without)
    assert len(changed) == 2, "the value and its flag"
    assert (without[changed] == 0).all()
    assert with_it[changed[1]] == 1


def _without(name: str) -> Signals:
    values = {field: getattr(MEASURED, field) for field in MEASURED.__struct_fields__}
    return Signals(**{**values, name: None})


@pytest.mark.parametrize(
    ("finish", "flags"),
    [
        ("stop", (0, 0)),
        ("tool_calls", (0, 0)),
        (None, (0, 0)),
        ("length", (1, 0)),
        ("error", (0, 1)),
    ],
)
def test_how_it_ended_is_a_mark(finish: str | None, flags: tuple[int, int]) -> None:
    assert tuple(signal_marks(Signals(finish=finish))[-2:]) == flags


def test_no_text_leaves_no_marks() -> None:
    assert text_marks("", 100) is NO_MARKS
    assert not NO_MARKS.any()
    assert text_marks("x", 100)[0] == 1


SUMS, WRONG = 10, 11
"""Places of the marks about worked sums."""


@pytest.mark.parametrize(
    ("text", "worked", "wrong"),
    [
        ("no sums at all", 0, 0),
        ("3 + 4 = 7", 1, 0),
        ("3 + 4 = 8", 1, 1),
        ("$1,200 / 3 = $400 and 2 * 2 = 5", 2, 1),
        ("10 - 4 = 6, 3 x 5 = 15, 9 ÷ 3 = 3", 3, 0),
        ("50% x 200 = 100", 1, 0),
        ("7 / 3 = 2.33", 1, 0),
        ("7 / 0 = 1", 1, 1),
        ("1+1=3 1+1=4 1+1=5", 3, 2),
    ],
)
def test_worked_sums_are_checked(text: str, worked: int, wrong: int) -> None:
    marks = text_marks(text, 100)
    assert marks[WRONG] == wrong, "two wrong ones are as bad as it gets"
    others = [text_marks(t, 100)[SUMS] for t in ("", "1 + 1 = 2", "1 + 1 = 2, 1 + 1 = 2")]
    if worked < 3:
        assert marks[SUMS] == pytest.approx(others[worked] if worked else marks[SUMS])
    else:
        assert marks[SUMS] > others[2]


def test_the_last_number_s_kind_and_whether_the_text_ends_are_marks() -> None:
    whole, broken = text_marks("It is 42.", 10), text_marks("It is 42.5.", 10)
    assert whole[12] == 1
    assert broken[12] == 0
    finished, cut = text_marks("It is done.", 10), text_marks("It is do", 10)
    assert finished[-1] == 0
    assert cut[-1] == 1


def test_marks_travel_as_plain_numbers_and_hold_no_word() -> None:
    marks = marks_of("The secret is 42", ask("what is it"))
    assert all(isinstance(mark, float) for mark in marks)
    assert np.array(marks, np.float32).tolist() == text_marks("The secret is 42", 10).tolist()


# ------------------------------------------------------------ learning


def look(p10: float, expected: float = 0.5) -> np.ndarray:
    return answer_features(expected, Signals(40, 200, p10 - 1, p10, finish="stop"))


def taught(n: int, *, informative: bool = True) -> PooledScorer:
    """Answers with low probabilities are bad, if they are informative."""
    scorer, draws = PooledScorer(AnswerScorer()), np.random.default_rng(0)
    for _ in range(n):
        good = bool(draws.random() < 0.5)
        shown = good if informative else bool(draws.random() < 0.5)
        scorer.learn(0.5, look(-0.1 if shown else -2.0), float(good))
    return scorer


def test_who_has_learned_nothing_repeats_the_prompt_s_estimate() -> None:
    assert PooledScorer(AnswerScorer()).expect(0.37, look(-9.0)) == 0.37
    assert PooledScorer().expect(0.37, look(-9.0)) == 0.37


def test_good_answers_are_told_from_bad_ones() -> None:
    scorer = taught(200)
    assert scorer.expect(0.5, look(-0.1)) > 0.85
    assert scorer.expect(0.5, look(-2.0)) < 0.15


def test_where_the_look_tells_nothing_it_changes_nothing() -> None:
    scorer = taught(1000, informative=False)
    for p10 in (-0.1, -2.0):
        assert scorer.expect(0.5, look(p10)) == pytest.approx(0.5, abs=0.08)


def test_trust_grows_with_what_was_learned() -> None:
    after = [taught(n).expect(0.5, look(-2.0)) for n in (0, 5, 20, 200)]
    assert after == sorted(after, reverse=True)


def test_one_by_one_or_at_once_is_the_same() -> None:
    scorer, rows, missed = AnswerScorer(), [], []
    pooled = PooledScorer(scorer)
    for i in range(30):
        row, quality = look(-i / 10), float(i % 3 == 0)
        pooled.learn(0.4, row, quality)
        rows.append(row)
        missed.append(quality - 0.4)
    at_once = AnswerScorer()
    at_once.learn_all(np.stack(rows), np.array(missed))
    assert at_once.rows == scorer.rows == 30
    assert np.allclose(at_once.solution, scorer.solution, atol=1e-9)


def test_a_task_s_own_scorer_is_drawn_towards_the_general_one_until_it_knows_better() -> None:
    """In general sure answers are good; in this task they are the bad ones."""
    general, own = taught(300).levels[0], AnswerScorer()
    pooled = PooledScorer(general, own)
    seen = []
    for i in range(200):
        sure = bool(i % 2)
        row = look(-0.1 if sure else -2.0)
        own.learn_all(row[None, :], np.array([-0.5 if sure else 0.5]), general)
        seen.append(pooled.expect(0.5, look(-0.1)))
    assert seen[0] > 0.6
    assert seen[-1] < 0.2
    assert PooledScorer(general).expect(0.5, look(-0.1)) > 0.85


def test_helpers_leave_marks_only_where_somebody_was_asked() -> None:
    alone, agreed = Signals(40, 200), Signals(40, 200, agreement=0.5)
    assert not helper_marks(alone).any()
    assert not helper_marks(agreed).any(), "by an earlier release"
    heard = replace(agreed, helpers=Helpers(0.7, 0.2, None, 300))
    several = replace(agreed, helpers=Helpers(0.7, 0.2, 1.0, 300))
    assert helper_marks(heard)[3] == 0.0
    assert helper_marks(several)[5] == pytest.approx(0.5)


@given(st.floats(0, 1), st.floats(-9, 0))
def test_an_expectation_is_a_quality(expected: float, p10: float) -> None:
    assert 0 <= taught(40).expect(expected, look(p10, expected)) <= 1


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text[:12]))
def test_odd_answers_have_finite_marks(text: str) -> None:
    assert np.isfinite(text_marks(text, 100)).all()
