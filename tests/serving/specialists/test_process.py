"""The process beside the loop: batches, deaths, late answers; a real one each time."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.errors import Declined, EngineDown, UpstreamTimeout
from shortstop.serving.specialists import process as process_module
from shortstop.serving.specialists.backend import SpecialistBackend
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.opinion import Gate, Opinion
from shortstop.specialists.query import Query
from shortstop.types import (
    Choice,
    Chunk,
    Media,
    Message,
    Reply,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)

CHILD = textwrap.dedent(
    """
    import os, sys, time
    from shortstop.serving.specialists.frames import Told, framed, questions
    from shortstop.specialists.invocation import Invocation
    from shortstop.specialists.opinion import Opinion, Shot

    partly = Opinion('{"a": null}', 1.0, unsure=("a",))

    def said(text, batch):
        return Opinion(f"{text} of {batch}", 0.5 if "?" in text else 0.9)

    def called(query):
        calls = tuple(Invocation(tool.name, '{"id":7}') for tool in query.tools)
        return Opinion("spelled", 0.9, calls=calls)

    while (asked := questions(sys.stdin.buffer)) is not None:
        if any(q.query.text == "die" for q in asked):
            os._exit(1)
        if any(q.query.text == "garble" for q in asked):
            sys.stdout.buffer.write(b"\\xff\\xff\\xff\\xff"); sys.stdout.buffer.flush(); continue
        if any(q.query.text == "hang" for q in asked):
            time.sleep(60)
        out = [
            Told(q.number, None, "odd") if q.query.text == "odd"
            else Told(q.number, None) if q.query.text == "silent"
            else Told(q.number, Opinion("", 0.9, shots=(Shot("q", "a"),)))
            if q.query.text == "prompt"
            else Told(q.number, partly) if q.query.text == "part"
            else Told(q.number, called(q.query)) if q.query.text.startswith("call")
            else Told(q.number, said(q.query.text, len(asked)))
            for q in asked
        ]
        sys.stdout.buffer.write(framed(out)); sys.stdout.buffer.flush()
    """
)
GATE = Gate({"all": 0.8})


@pytest.fixture
async def process(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpecialistProcess]:
    monkeypatch.setattr(process_module, "PATIENCE", 30.0)
    one = SpecialistProcess("/specialists", (sys.executable, "-c", CHILD))
    await one.open("a")
    yield one
    await one.close()


def request(text: str, *, stream: bool = False) -> Request:
    message = Message("user", (Text(text),))
    return Request("r1", "openai.chat", {}, "auto", (message,), stream=stream)


@pytest.mark.slow
async def test_what_waits_is_asked_together(process: SpecialistProcess) -> None:
    found = await asyncio.gather(*(process.ask("a", Query(f"q{i}")) for i in range(20)))
    assert all(one is not None for one in found)
    assert max(int(one.answer.split()[-1]) for one in found if one) >= 10


@pytest.mark.slow
async def test_a_death_fails_what_waited_and_the_next_question_starts_it_again(
    process: SpecialistProcess,
) -> None:
    with pytest.raises(EngineDown, match="has died"):
        await process.ask("a", Query("die"))
    with pytest.raises(EngineDown, match="not started yet"):
        await process.ask("a", Query("nobody waits for a start"))
    await process.open("a")
    assert await process.ask("a", Query("again")) == Opinion("again of 1", 0.9)


@pytest.mark.slow
async def test_one_that_always_dies_is_not_started_all_the_time() -> None:
    process = SpecialistProcess("/specialists", (sys.executable, "-c", "import os; os._exit(1)"))
    for _ in range(2):
        with pytest.raises(EngineDown, match="has died"):
            await process.open("a")
    with pytest.raises(EngineDown, match="not started again yet"):
        await process.open("a")
    await process.close()


@pytest.mark.slow
async def test_a_garbled_answer_is_a_death(process: SpecialistProcess) -> None:
    with pytest.raises(EngineDown):
        await process.ask("a", Query("garble"))


@pytest.mark.slow
async def test_behind_a_late_answer_nobody_waits(
    process: SpecialistProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "PATIENCE", 0.05)
    with pytest.raises(UpstreamTimeout):
        await process.ask("a", Query("hang"))
    with pytest.raises(EngineDown, match="behind"):
        await process.ask("a", Query("fine"))


@pytest.mark.slow
async def test_one_that_hangs_is_killed_and_started_again(
    process: SpecialistProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process_module, "HANGING", 0.2)
    with pytest.raises(EngineDown, match="has died"):
        await process.ask("a", Query("hang"))
    assert "does not answer: it is killed" in caplog.text
    await process.open("a")
    assert await process.ask("a", Query("again")) == Opinion("again of 1", 0.9)


@pytest.mark.slow
async def test_a_specialist_that_cannot_be_opened_fails_alone(process: SpecialistProcess) -> None:
    odd, fine = await asyncio.gather(
        process.ask("a", Query("odd")), process.ask("b", Query("x")), return_exceptions=True
    )
    assert isinstance(odd, EngineDown)
    assert isinstance(fine, Opinion)


@pytest.mark.slow
async def test_the_backend_serves_what_passes_and_declines_the_rest(
    process: SpecialistProcess,
) -> None:
    backend = SpecialistBackend("a", GATE, process)
    reply = await backend.answer(request("sure"))
    assert reply.text == "sure of 1"
    assert reply.usage is not None
    assert reply.usage.estimated
    for unsure in ("really?", "silent", "part"):
        with pytest.raises(Declined):
            await backend.answer(request(unsure))
    picture = Message("user", (Text("x"), Media("image", url="https://x")))
    with pytest.raises(Declined, match="text alone"):
        await backend.answer(Request("r", "openai.chat", {}, "auto", (picture,)))


@pytest.mark.slow
async def test_a_stream_is_the_same_in_one_piece(process: SpecialistProcess) -> None:
    backend = SpecialistBackend("a", GATE, process)
    chunks = [chunk async for chunk in backend.stream(request("sure", stream=True))]
    assert "".join(chunk.text for chunk in chunks) == "sure of 1"
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["stop"]
    assert chunks[-1].usage is not None


@pytest.mark.slow
async def test_calls_are_served_as_calls_whole_and_in_streams(process: SpecialistProcess) -> None:
    backend = SpecialistBackend("a", GATE, process)
    asked = replace(request("call them"), tools=(Tool("find"), Tool("book")))
    choice = (await backend.answer(asked)).choices[0]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert [(call.name, call.arguments) for call in calls] == [
        ("find", '{"id":7}'),
        ("book", '{"id":7}'),
    ]
    assert (choice.finish, choice.text) == ("tool_calls", "")
    assert len({call.id for call in calls}) == 2
    chunks = [chunk async for chunk in backend.stream(asked)]
    deltas = [delta for chunk in chunks for delta in chunk.tools]
    assert [(d.index, d.name, d.arguments) for d in deltas] == [
        (0, "find", '{"id":7}'),
        (1, "book", '{"id":7}'),
    ]
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["tool_calls"]
    assert not any(chunk.text for chunk in chunks)


@pytest.mark.slow
async def test_words_are_no_answer_where_a_call_is_wanted(process: SpecialistProcess) -> None:
    wanted = replace(request("sure"), tools=(Tool("find"),), tool_choice=ToolChoice("required"))
    with pytest.raises(Declined, match="a call is wanted"):
        await SpecialistBackend("a", GATE, process).answer(wanted)


def test_the_command_is_ours() -> None:
    assert process_module.COMMAND[1:] == ("-m", "shortstop.app.specialists")
    assert Path(process_module.COMMAND[0]).exists()


class Parrot:
    """A local model that says back what stood before the request."""

    async def answer(self, request: Request) -> Reply:
        texts = "|".join(message.text for message in request.messages)
        return Reply("r", "parrot", (Choice(parts=(Text(texts),), finish="stop"),))

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        yield Chunk(text=(await self.answer(request)).text)
        yield Chunk(finish="stop")


@pytest.mark.slow
async def test_a_prompt_is_answered_by_the_local_model(process: SpecialistProcess) -> None:
    backend = SpecialistBackend("a", GATE, process, Parrot())
    assert (await backend.answer(request("prompt"))).text == "q|a|prompt"
    chunks = [chunk async for chunk in backend.stream(request("prompt"))]
    assert "".join(chunk.text for chunk in chunks) == "q|a|prompt"
    with pytest.raises(Declined, match="no local model"):
        await SpecialistBackend("a", GATE, process).answer(request("prompt"))
