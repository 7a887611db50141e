"""What a local model writes under an adapter is looked at before anybody sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from math import log

import pytest

from shortstop.errors import Declined, EngineDown
from shortstop.serving.specialists.backend import SpecialistBackend
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.opinion import Gate, Opinion
from shortstop.specialists.query import Query
from shortstop.types import Choice, Chunk, Message, Reply, Request, Text, TokenLogprob, Usage

GATE = Gate({"all": 0.8}, 0.5)


class Knows(SpecialistProcess):
    """A process that has one opinion about everything."""

    def __init__(self, similarity: float = 0.9) -> None:
        self._similarity = similarity

    async def ask(self, specialist: str, query: Query) -> Opinion | None:
        return Opinion("", 1.0, self._similarity, writes=40)


class Writes:
    """A local model that is as sure of what it writes as it is told to be."""

    def __init__(self, sure: float, text: str = " a note \n") -> None:
        self.sure, self.text = sure, text
        self.asked: list[Request] = []

    async def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        logprobs = (TokenLogprob("t", log(self.sure)),)
        choice = Choice(parts=(Text(self.text),), finish="stop", logprobs=logprobs)
        return Reply("r", "small", (choice,), Usage(input=5, output=3))

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        raise AssertionError("what is not looked at whole must not leave")
        yield


class Down(Writes):
    async def answer(self, request: Request) -> Reply:
        raise EngineDown("down")


def request() -> Request:
    told = Message("system", (Text("Sum up."),)), Message("user", (Text("a call"),))
    return Request("r", "openai.chat", {}, "auto", told)


async def test_what_it_is_sure_of_is_served_under_the_specialists_name() -> None:
    model = Writes(0.9)
    reply = await SpecialistBackend("adapter-1", GATE, Knows(), model).answer(request())
    assert (reply.text, reply.model) == ("a note", "adapter-1")
    assert reply.usage == Usage(input=5, output=3)
    assert reply.choices[0].logprobs == ()
    assert [m.text for m in model.asked[0].messages] == ["a call"]
    assert model.asked[0].sampling.max_tokens == 40


@pytest.mark.parametrize("model", [Writes(0.7), Writes(0.9, "  ")])
async def test_what_it_is_unsure_of_is_declined_whole_and_in_streams(model: Writes) -> None:
    backend = SpecialistBackend("adapter-1", GATE, Knows(), model)
    with pytest.raises(Declined, match="of what it wrote"):
        await backend.answer(request())
    with pytest.raises(Declined, match="of what it wrote"):
        [chunk async for chunk in backend.stream(request())]


async def test_a_stream_is_the_same_in_one_piece() -> None:
    backend = SpecialistBackend("adapter-1", GATE, Knows(), Writes(0.9))
    chunks = [chunk async for chunk in backend.stream(request())]
    assert "".join(chunk.text for chunk in chunks) == "a note"
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["stop"]
    assert chunks[-1].usage == Usage(input=5, output=3)


async def test_nobody_is_asked_about_what_is_worded_otherwise() -> None:
    model = Writes(0.9)
    with pytest.raises(Declined):
        await SpecialistBackend("adapter-1", GATE, Knows(0.4), model).answer(request())
    assert model.asked == []


async def test_a_model_that_is_down_or_missing_is_no_answer() -> None:
    with pytest.raises(EngineDown):
        await SpecialistBackend("adapter-1", GATE, Knows(), Down(0.9)).answer(request())
    with pytest.raises(Declined, match="no local model"):
        await SpecialistBackend("adapter-1", GATE, Knows()).answer(request())
