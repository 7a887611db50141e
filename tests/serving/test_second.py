"""A second local answer: asked for in doubt, believed, paid for, never fatal."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from shortstop.dialects import get
from shortstop.errors import UpstreamFailed
from shortstop.ports import Via
from shortstop.serving.cascade import Asking, Served
from shortstop.serving.second import SecondLook, heated, together
from shortstop.types import Attempt, Choice, Cleared, Helpers, Reply, Request, Signals, Text, Usage
from tests.serving.test_cascade import OPEN, REQUEST, USED, Script, cascade, plan


class Moody(Script):
    """Says one thing, then another; the second may fail."""

    def __init__(self, *texts: str | None) -> None:
        super().__init__()
        self.texts = texts
        self.seen: list[Request] = []

    async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
        assert isinstance(request, Request)
        self.seen.append(request)
        text = self.texts[self.asked]
        self.asked += 1
        if text is None:
            raise UpstreamFailed("gone")
        return Reply("r", "m", (Choice(parts=(Text(text),), finish="stop"),), USED)


def run(small: Script, *, good: bool, doubt: bool = True) -> tuple[Served, list[Attempt]]:
    big, attempts = Script("from the frontier"), list[Attempt]()
    asking = Asking(REQUEST, OPEN, plan("small", "big"), attempts)
    served = asyncio.run(cascade(small, big, good=good, doubt=doubt).run(asking))
    return served, attempts


def test_agreement_keeps_a_doubtful_answer() -> None:
    served, attempts = run(Moody("blue", "blue"), good=False)
    assert served.target.name == "small"
    assert attempts[0].signals is not None
    assert attempts[0].signals.agreement == 1.0


def test_disagreement_escalates() -> None:
    served, attempts = run(Moody("blue", "green"), good=True)
    assert served.target.name == "big"
    assert [a.outcome for a in attempts] == ["rejected", "ok"]


def test_both_answers_are_paid_for() -> None:
    _, attempts = run(Moody("blue", "blue"), good=True)
    assert attempts[0].usage == together(USED, USED)
    assert attempts[0].usage is not None
    assert attempts[0].usage.output == 2 * USED.output


async def test_another_model_is_asked_the_same_and_not_at_another_temperature() -> None:
    asked: list[tuple[str, Request]] = []

    async def ask(name: str, request: Request) -> Reply:
        asked.append((name, request))
        return Reply("r", "m", (Choice(parts=(Text("blue"),)),), USED)

    def agree(task: str, one: str, other: str) -> tuple[float, Helpers]:
        return float(one == other), Helpers(0.5, 0.5)

    first = Choice(parts=(Text("blue"),))
    opinion = await SecondLook(agree, "twin").opinion(ask, "small", REQUEST, first, "t")
    assert (opinion.agreement, opinion.helpers, opinion.usage) == (1.0, Helpers(0.5, 0.5), USED)
    await SecondLook(agree, "small").opinion(ask, "small", REQUEST, first, "t")
    assert [name for name, _ in asked] == ["twin", "small"]
    assert asked[0][1].sampling == REQUEST.sampling
    assert asked[1][1] == heated(REQUEST)
    seen = opinion.seen(Signals(chars=4))
    assert (seen.chars, seen.agreement, seen.helpers) == (4, 1.0, Helpers(0.5, 0.5))


def test_a_second_answer_that_fails_decides_nothing() -> None:
    served, attempts = run(Moody("blue", None), good=True)
    assert served.target.name == "small"
    assert attempts[0].signals is not None
    assert attempts[0].signals.agreement is None
    assert attempts[0].usage == USED


def test_without_doubt_nothing_is_asked_twice() -> None:
    small = Moody("blue", "green")
    run(small, good=True, doubt=False)
    assert small.asked == 1


@pytest.mark.parametrize("dialect", ["openai.chat", "anthropic.messages"])
def test_the_heated_request_is_the_same_but_for_its_heat(dialect: str) -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 10,
        "stream": True,
        "temperature": 0.0,
    }
    request = get(dialect).decode_request(body, "r1")
    warm = heated(request)
    assert not warm.stream
    assert warm.sampling.temperature == 0.7
    assert warm.messages == request.messages
    again = get(dialect).decode_request(dict(warm.body), "r1")
    assert again.sampling.temperature == 0.7
    assert request.body["temperature"] == 0.0


def test_together_adds_every_class() -> None:
    one = Usage(1, 2, 3, 4, 5, 6, 7, 8)
    assert msgspec.structs.astuple(together(one, one))[:8] == (2, 4, 6, 8, 10, 12, 14, 16)
    assert together(one, None) == one
    assert together(None, one) is None
