"""A sample of the log put to a local model, within a time: how many answers are as the log's own.

Only what was answered in time counts, whoever ends it. What the model could not answer at all, a
prompt that is too long for it among them, is an answer that is not as good.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from shortstop.backtest.outlook import Z90
from shortstop.backtest.result import LocalAsking, LocalTrial
from shortstop.backtest.sample import DrawnRow, RequestSample
from shortstop.errors import ShortstopError
from shortstop.evaluate.figures import wilson
from shortstop.flywheel.examples import Example, told
from shortstop.routing import grader_for
from shortstop.types import Reply, Request

HOPELESS = 5
"""Failures in a row, with nothing answered before, after which the model is left alone."""
Ask = Callable[[Request], Awaitable[Reply]]
Compare = Callable[[str, str, Example], float]
"""(task, answer, the log's row) -> how good it is, 0 to 1."""


async def within(seconds: float, stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> str:
    """Do `work` until it is done, the time is up or `stop` is set; which of these cut it short, in
    words, or "". Raises what it raises."""
    doing, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait([doing, stopped], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    done = doing.done()
    doing.cancel()
    stopped.cancel()
    await asyncio.gather(doing, stopped, return_exceptions=True)
    if done:
        doing.result()
        return ""
    return "it was interrupted" if stop.is_set() else f"the time was up ({seconds:g} s)"


@dataclass(slots=True)
class _TaskScore:
    grades: list[float] = field(default_factory=list)
    failed: int = 0
    graders: Counter[str] = field(default_factory=Counter)


class SampleAsking:
    """One model's turn. `grader` names a task's grader where somebody declared one."""

    def __init__(
        self, sample: RequestSample, compare: Compare, grader: Callable[[str], str | None]
    ) -> None:
        self._sample = sample
        self._compare = compare
        self._grader = grader
        self._scores: dict[str, _TaskScore] = {}
        self._asked = self._failed = 0
        self._why = ""

    async def run(self, ask: Ask, at_once: int, done: Callable[[], None]) -> None:
        """Ask all of the sample, so many at a time; `done` is told of each answer."""
        rows = self._sample.turns()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._ask_on(rows, ask, done))

    async def _ask_on(
        self, rows: Iterator[tuple[str, DrawnRow]], ask: Ask, done: Callable[[], None]
    ) -> None:
        for task, row in rows:
            if self._why:
                return
            try:
                reply = await ask(row.request)
            except ShortstopError as error:
                self._note(task, None, row.example)
                if self._failed == self._asked >= HOPELESS:
                    self._why = f"the model does not answer: {error.message.rstrip('.')}"
            else:
                self._note(task, reply, row.example)
            done()

    def _note(self, task: str, reply: Reply | None, example: Example) -> None:
        score = self._scores.setdefault(task, _TaskScore())
        answer = None if reply is None else told(reply.choices)
        self._asked += 1
        self._failed += reply is None
        score.failed += answer is None
        score.grades.append(0.0 if answer is None else self._compare(task, answer, example))
        score.graders[self._grader(task) or grader_for(None, example.answer)] += 1

    def trials(self) -> tuple[LocalTrial, ...]:
        """What was asked so far, by task."""
        return tuple(_trial(task, score) for task, score in self._scores.items())

    def summary(self, model: str, seconds: float, cap: float, ended: str) -> LocalAsking:
        """`ended`: why not all were asked, "" where they were or the model is to blame."""
        return LocalAsking(model, len(self._sample), self._asked, seconds, cap, self._why or ended)


def _trial(task: str, score: _TaskScore) -> LocalTrial:
    asked, alike = len(score.grades), sum(grade >= 1.0 for grade in score.grades)
    low, high = wilson(alike, asked, Z90)
    ((grader, _),) = score.graders.most_common(1)
    mean = sum(score.grades) / asked
    return LocalTrial(task, asked, alike, low, high, mean, grader, score.failed)
