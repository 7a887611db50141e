"""A sample put to a model: what counts as good, what ends it, and that nothing said is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shortstop.backtest.asking import HOPELESS, SampleAsking, within
from shortstop.backtest.sample import DrawnRow, RequestSample
from shortstop.errors import EngineDown
from shortstop.evaluate.figures import wilson
from shortstop.flywheel.examples import Example
from shortstop.routing import grade
from shortstop.types import Choice, Reply, Request, Text
from tests.backtest.logs import example, request

Answer = Callable[[str], Awaitable[str | None]]
FOREVER = 60.0


def compare(task: str, answer: str, row: Example) -> float:
    return grade(None, answer, row.answer)


def asking(**tasks: list[tuple[str, str]]) -> SampleAsking:
    """Of rows (text, the log's answer) by task."""
    sample = RequestSample(1000)
    for name, pairs in tasks.items():
        for n, (text, answer) in enumerate(pairs):
            sample.add(name, DrawnRow(request(n, text), example(n, text, answer)))
    return SampleAsking(sample, compare, lambda task: None)


def run(
    one: SampleAsking,
    answer: Answer,
    seconds: float = FOREVER,
    *,
    at_once: int = 1,
    stop: asyncio.Event | None = None,
) -> tuple[str, int]:
    """Why it ended, and how often it told of an answer."""
    told: list[int] = []

    async def ask(request: Request) -> Reply:
        said = await answer(request.messages[-1].text)
        finish = "stop" if said is not None else "length"
        return Reply("", "", (Choice(parts=(Text(said or "and so"),), finish=finish),))

    work = one.run(ask, at_once, lambda: told.append(1))
    ended = asyncio.run(within(seconds, stop or asyncio.Event(), work))
    return ended, len(told)


async def parrot(text: str) -> str:
    return text


def test_the_share_is_of_answers_as_good_as_the_logs() -> None:
    one = asking(sort=[("card", "card"), ("pin", "pin"), ("rate", "card"), ("Rate.", "rate")])
    assert run(one, parrot) == ("", 4)
    (trial,) = one.trials()
    assert (trial.asked, trial.alike, trial.failed, trial.grader) == (4, 3, 0, "exact")
    assert (trial.low, trial.high) == wilson(3, 4, 1.645)
    assert trial.share.value == trial.mean == 0.75
    told = one.summary("small", 1.0, 2.0, "")
    assert (told.drawn, told.asked, told.ended) == (4, 4, "")


def test_an_answer_that_breaks_off_or_never_comes_is_not_as_good() -> None:
    async def odd(text: str) -> str | None:
        if text == "down":
            raise EngineDown("gone", retry_after=1)
        return None if text == "long" else text

    one = asking(sort=[("down", "down"), ("long", "long"), ("pin", "pin")])
    assert run(one, odd) == ("", 3)
    (trial,) = one.trials()
    assert (trial.asked, trial.alike, trial.failed) == (3, 1, 2)


def test_a_model_that_answers_nothing_is_left_alone() -> None:
    async def dead(text: str) -> str:
        raise EngineDown("It is not there.", retry_after=1)

    one = asking(sort=[(str(n), "a") for n in range(50)])
    run(one, dead)
    told = one.summary("small", 1.0, 2.0, "")
    assert told.asked == HOPELESS
    assert told.ended == "the model does not answer: It is not there"


@pytest.mark.parametrize("by", ["time", "hand"])
def test_what_was_asked_before_the_end_counts_and_nothing_else(by: str) -> None:
    stop = asyncio.Event()

    async def slow(text: str) -> str:
        if text == "two":
            if by == "hand":
                stop.set()
            await asyncio.sleep(FOREVER)
        return text

    one = asking(a=[("one", "one")], b=[("two", "two")])
    ended, told = run(one, slow, 0.2 if by == "time" else FOREVER, stop=stop)
    assert told == 1
    assert ended == {"time": "the time was up (0.2 s)", "hand": "it was interrupted"}[by]
    assert [(trial.task, trial.asked, trial.alike) for trial in one.trials()] == [("a", 1, 1)]


def test_several_are_asked_at_a_time_where_the_model_can() -> None:
    gate, waiting = asyncio.Event(), 0

    async def together(text: str) -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            gate.set()
        await gate.wait()
        return text

    one = asking(a=[(str(n), str(n)) for n in range(3)])
    assert run(one, together, at_once=3) == ("", 3)
    assert one.trials()[0].alike == 3


def test_prose_is_not_called_right_or_wrong() -> None:
    one = asking(chat=[("we will look into it at once", "we will certainly look into this today")])
    run(one, parrot)
    (trial,) = one.trials()
    assert trial.grader == "similar"
    assert 0.3 < trial.mean < 1.0
