"""What learns beside the street: the side that did not answer is asked, compared and billed."""

from __future__ import annotations

import asyncio

import pytest

from shortstop.routing import Pair
from shortstop.routing.learner import Learner
from shortstop.types import Grade, Signals, Trace
from tests.app.parts import Home, soon
from tests.app.test_pipelines import Rig, rig

ALWAYS = "[routing]\nshadow_rate = 1\nexploration = 0\n"


class Lessons:
    """What the router was taught, and what was kept of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.pairs: list[tuple[Pair, Signals | None]] = []
        self.rows: list[Trace] = []
        self.grades: list[Grade] = []
        self.done = asyncio.Event()
        monkeypatch.setattr(Learner, "pair", self._pair)

    def _pair(self, pair: Pair, signals: Signals | None = None) -> bool:
        self.pairs.append((pair, signals))
        self.done.set()
        return True

    async def of(self, house: Rig, text: str = "!say yes") -> None:
        """Answer once, and wait until the pair has been compared."""
        traces = house.gateway._resources.traces
        self._patch.setattr(traces, "append", self.rows.append)
        self._patch.setattr(traces, "grade", self.grades.append)
        await house.chat(text)
        await soon(self.done)

    @property
    def kinds(self) -> list[tuple[str, str | None]]:
        return [(row.outcome, row.target) for row in self.rows]


@pytest.fixture
async def lessons(monkeypatch: pytest.MonkeyPatch) -> Lessons:
    return Lessons(monkeypatch)


async def test_the_side_that_did_not_answer_is_asked_and_compared(
    home: Home, lessons: Lessons
) -> None:
    async with rig(home, ALWAYS) as house:
        await lessons.of(house)
    ((pair, _),) = lessons.pairs
    assert (pair.candidate, pair.reference, pair.value) == ("small", "big", 1.0)
    assert lessons.kinds == [("ok", "big"), ("shadow", "small")], "both cost, and one is no request"
    assert [grade.source for grade in lessons.grades] == ["comparison"]
    assert [len(model.received) for model in (house.small, house.big)] == [1, 1]


async def test_a_shadow_run_is_counted_and_teaches_costs(home: Home, lessons: Lessons) -> None:
    async with rig(home, ALWAYS) as house:
        await lessons.of(house)
        text = house.gateway.metrics().decode()
        costs = house.gateway._runtime.learned.state.costs
    assert 'shortstop_shadow_runs_total{target="small"}' in text
    assert len(costs) == 2, "what a call to either takes is known now"


async def test_a_judge_grades_both_where_the_operator_names_one(
    home: Home, lessons: Lessons
) -> None:
    async with rig(home, ALWAYS + '[judge]\ntarget = "big"\nrate = 1\n') as house:
        await lessons.of(house)
    ((pair, _),) = lessons.pairs
    assert pair.value == pytest.approx(0.8), "9 and 7 of 10, in both orders"
    assert lessons.kinds[2:] == [("shadow", "big")] * 2, "it is asked twice, and that costs"
    assert {grade.source for grade in lessons.grades} == {"judge"}


async def test_where_second_answers_are_wanted_the_local_model_is_asked_twice(
    home: Home, lessons: Lessons
) -> None:
    async with rig(home, ALWAYS + "second_answer = true\n") as house:
        await lessons.of(house)
    ((_, signals),) = lessons.pairs
    assert signals is not None
    assert signals.agreement == 1.0
    assert [len(model.received) for model in (house.small, house.big)] == [2, 1]
