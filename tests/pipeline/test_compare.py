"""A comparison is graded by the task's grader or the judge, kept, and learned from."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shortstop.pipeline.compare import Comparison, agreement_by
from shortstop.pipeline.judge import Judge
from shortstop.pipeline.shadow import Side
from shortstop.routing import Pair, marks_of
from shortstop.types import Choice, Decision, Grade, Signals, Text
from tests.conftest import FakeClock
from tests.pipeline.test_grading import GradeList
from tests.pipeline.test_judge import QUESTION, TRACE, Bench, fair
from tests.serving.test_cascade import TARGETS

ROW = replace(TRACE, decision=Decision(("big", "small"), "mail", 0.6, 0.5, 1.0, "test"))
SIGNALS = Signals(3, 5, finish="stop")


class PairList:
    """A router that only remembers what it is to learn."""

    def __init__(self, grader: str | None) -> None:
        self._grader = grader
        self.learned: list[tuple[Pair, Signals | None]] = []

    def grader(self, task: str) -> str | None:
        assert task == "mail"
        return self._grader

    def pair(self, pair: Pair, signals: Signals | None) -> bool:
        self.learned.append((pair, signals))
        return True


def side(target: str, text: str) -> Side:
    signals = SIGNALS if TARGETS[target].local else None
    return Side(Choice(parts=(Text(text),)), TARGETS[target], signals)


async def compared(
    grader: str | None, answer: str, reference: str, judge: Judge | None = None
) -> tuple[Pair, GradeList]:
    router, grades = PairList(grader), GradeList()
    comparison = Comparison(router, judge, grades, FakeClock(7.0))
    await comparison(QUESTION, ROW, side("small", answer), side("big", reference), 0)
    ((pair, signals),) = router.learned
    assert signals == SIGNALS
    assert pair.marks == marks_of(answer, QUESTION)
    return replace(pair, marks=()), grades


@pytest.mark.parametrize(
    ("grader", "answer", "reference", "value", "name"),
    [
        ("exact", "Paris.", "paris", 1.0, "exact"),
        ("numeric", "about 12", "12", 1.0, "numeric"),
        (None, '{"a": 1}', '{"a": 2}', 0.0, "json"),
        (None, "Lyon", "Paris", 0.0, "exact"),
        (
            None,
            "the same seven words in one line",
            "the same seven words in one line",
            1,
            "similar",
        ),
    ],
)
async def test_a_program_compares_and_its_name_is_kept(
    grader: str | None, answer: str, reference: str, value: float, name: str
) -> None:
    pair, grades = await compared(grader, answer, reference)
    assert pair == Pair("r1", "big", "small", value)
    assert grades == [Grade("r1", "acme", "comparison", "small", value, 7.0, "big", name)]


async def test_where_the_judge_is_wanted_its_grades_are_learned_and_kept_by_it() -> None:
    bench = Bench(fair)
    pair, grades = await compared("judge", "Lyon", "Paris", bench.judge)
    assert pair == Pair("r1", "big", "small", 0.2, 0.9, source="judge")
    assert grades == []
    assert len(bench.grades) == 2


async def test_a_judge_without_a_verdict_leaves_it_to_the_program() -> None:
    pair, grades = await compared(None, "Paris", "Paris", Bench(lambda m: "no idea").judge)
    assert (pair.value, pair.source) == (1.0, "comparison")
    assert grades[0].grader == "exact"


async def test_a_judge_is_not_asked_about_tasks_of_another_grader() -> None:
    bench = Bench(fair)
    pair, _ = await compared("exact", "Paris", "Paris", bench.judge)
    assert pair.source == "comparison"
    assert bench.asked == []


def test_agreement_is_measured_by_the_task_s_grader() -> None:
    assert agreement_by(PairList("numeric"))("mail", "I get 7", "7")[0] == 1.0
    assert agreement_by(PairList("exact"))("mail", "I get 7", "7")[0] == 0.0


async def test_a_judge_that_a_key_may_not_use_reads_nothing_of_it() -> None:
    bench = Bench(fair)
    router = PairList("judge")
    asked: list[str | None] = []

    def never(key: str | None) -> bool:
        asked.append(key)
        return False

    row = replace(ROW, key="key_1")
    comparison = Comparison(router, bench.judge, GradeList(), FakeClock(7.0), never)
    await comparison(QUESTION, row, side("small", "a"), side("big", "b"), 0)
    assert asked == ["key_1"]
    assert bench.asked == []
    assert router.learned[0][0].source != "judge"


@pytest.mark.parametrize(
    ("answer", "reference", "gap", "asked"),
    [
        ("Paris", "Lyon", -1.0, True),
        ("Lyon", "Paris", 1.0, True),
        ("Paris", "paris.", 0.0, False),
    ],
)
async def test_a_specialist_that_differs_is_judged_so_that_it_can_be_the_one_who_is_right(
    answer: str, reference: str, gap: float, asked: bool
) -> None:
    bench = Bench(fair, rate=0.0)
    router, grades = PairList(None), GradeList()
    comparison = Comparison(router, bench.judge, grades, FakeClock(7.0))
    sorter = Side(Choice(parts=(Text(answer),)), replace(TARGETS["small"], specialist="x"), None)
    await comparison(QUESTION, ROW, sorter, side("big", reference), 0)
    ((pair, _),) = router.learned
    assert pair.gap == gap
    assert [grade.source for grade in bench.grades] == ["judge"] * 2 * asked
    assert [grade.source for grade in grades] == ["comparison"] * (not asked)


async def test_where_the_judge_sees_no_winner_the_frontier_counts_as_right() -> None:
    bench = Bench(lambda material: {"first": 8, "second": 7}, rate=0.0)
    router = PairList(None)
    comparison = Comparison(router, bench.judge, GradeList(), FakeClock(7.0))
    sorter = Side(Choice(parts=(Text("a"),)), replace(TARGETS["small"], specialist="x"), None)
    await comparison(QUESTION, ROW, sorter, side("big", "b"), 0)
    assert router.learned[0][0].gap == 1.0
