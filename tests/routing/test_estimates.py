"""An estimate is believed when there are pairs enough, of the task and of prompts like this one."""

from __future__ import annotations

import pytest

from shortstop.routing import State, packaged
from shortstop.routing.contract import Evidence
from shortstop.routing.estimates import KNOWN_PAIRS, UNKNOWN_GAP, Estimate, Estimator
from shortstop.routing.features import prompt_features
from shortstop.routing.model import Head, Projection, project
from shortstop.routing.policies import evidence_name, key_of, task_name
from shortstop.routing.task import OPEN
from tests.routing.test_constraints import SMALL

KEY, OWNER = key_of(SMALL), "acme"


class Lesson:
    """A state in which SMALL was compared on `n` prompts of a task."""

    def __init__(self, n: int, gap: float = 0.0, task: str = "mail") -> None:
        self.state = State(landmarks=64)
        self.index, _ = self.state.prepare(packaged())
        self.task = task
        if n:
            self.state.gaps[KEY] = packaged().fresh_gap(64)
            self.state.evidence_for(OWNER, evidence_name(task, KEY)).pairs = n
        for i in range(n):
            features = prompt_features(f"sort the mail, number {i}", packaged().embedder)
            prompt = project(features, self.index)
            self.index.add(features)
            self.state.gaps[KEY].learn(prompt, task_name(OWNER, task), gap, self.index)

    def prompt(self, text: str) -> Projection:
        return project(prompt_features(text, packaged().embedder), self.index)

    def grades(self, n: int, value: float, tenant: str = OWNER) -> None:
        """`n` words of a tenant in all about SMALL's answers to mail."""
        head = self.state.heads.setdefault(KEY, Head(64))
        prompt = self.prompt("sort the mail, number 99")
        while head.voices.get(tenant, 0) < n:
            assert head.hears(tenant)
            head.learn(prompt, task_name(tenant, "mail"), value, self.index)

    def of(
        self, text: str = "sort the mail, number 99", task: str | None = None, owner: str = OWNER
    ) -> Estimate:
        estimator = Estimator(self.state, self.index)
        return estimator.estimate(SMALL, self.prompt(text), task or self.task, owner)


def test_of_a_model_without_a_pair_nothing_is_known() -> None:
    estimate = Lesson(0).of()
    assert (estimate.gap, estimate.known, estimate.score) == (UNKNOWN_GAP, False, 1 - UNKNOWN_GAP)
    assert estimate.evidence == Evidence()


@pytest.mark.parametrize(("pairs", "known"), [(KNOWN_PAIRS - 1, False), (KNOWN_PAIRS, True)])
def test_it_is_believed_from_so_many_pairs_of_the_task_on(pairs: int, known: bool) -> None:
    assert Lesson(pairs).of().known is known


def test_pairs_of_another_task_do_not_make_it_known() -> None:
    estimate = Lesson(100).of(task="prose")
    assert not estimate.known
    assert estimate.gap != UNKNOWN_GAP, "but they say something"


def test_without_a_task_the_prompt_must_be_like_what_was_met() -> None:
    lesson = Lesson(40, task=OPEN)
    assert lesson.of("sort the mail, number 7").known
    assert not lesson.of("Ein Gedicht über das herbstliche Meer").known


def test_of_a_task_it_need_not_be() -> None:
    assert Lesson(40).of("Ein Gedicht über das herbstliche Meer").known


@pytest.mark.parametrize(("gap", "score"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_the_score_is_a_probability(gap: float, score: float) -> None:
    estimate = Lesson(100, gap).of()
    assert 0 <= estimate.score <= 1
    assert estimate.score == pytest.approx(score, abs=0.12)


def test_grades_from_outside_count_by_their_number_against_the_pairs() -> None:
    lesson = Lesson(40)
    before = lesson.of().score
    scores = [before]
    for n in (10, 50, 500):
        lesson.grades(n, 0.0)
        scores.append(lesson.of().score)
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > 0.7, "ten bad words against forty pairs"
    assert scores[-1] < 0.25


def test_another_tenant_s_grades_count_little_however_many() -> None:
    few, many = Lesson(40), Lesson(40)
    few.grades(20, 0.0, "rival")
    many.grades(2000, 0.0, "rival")
    assert many.of().score > 0.7
    assert many.of().score == pytest.approx(few.of().score, abs=0.12)
    assert many.of(owner="rival").score < few.of().score, "what it said of its own counts"


def test_another_tenant_s_pairs_make_nothing_known() -> None:
    lesson = Lesson(100)
    assert lesson.of().known
    estimate = lesson.of(owner="newcomer")
    assert (estimate.known, estimate.evidence.pairs) == (False, 0)


def test_estimating_changes_nothing() -> None:
    lesson = Lesson(30)
    assert lesson.of() == lesson.of()
    assert lesson.of("other", task="never met").evidence.pairs == 0
    assert list(lesson.state.evidence) == [OWNER]
    assert list(lesson.state.evidence[OWNER]) == [evidence_name("mail", KEY)]
