"""The process beside the loop: batches, deaths, late answers; a real one each time."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shortstop.errors import Declined, EngineDown, UpstreamTimeout
from shortstop.serving.specialists import process as process_module
from shortstop.serving.specialists.backend import SpecialistBackend
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.opinion import Gate, Opinion
from shortstop.specialists.query import Query
from shortstop.types import Media, Message, Request, Text

CHILD = textwrap.dedent(
    """
    import os, sys, time
    from shortstop.serving.specialists.frames import Told, framed, questions
    from shortstop.specialists.opinion import Opinion
    while (asked := questions(sys.stdin.buffer)) is not None:
        if any(q.text == "die" for q in asked):
            os._exit(1)
        if any(q.text == "garble" for q in asked):
            sys.stdout.buffer.write(b"\\xff\\xff\\xff\\xff"); sys.stdout.buffer.flush(); continue
        if any(q.text == "hang" for q in asked):
            time.sleep(60)
        out = [
            Told(q.number, None, "odd") if q.text == "odd"
            else Told(q.number, None) if q.text == "silent"
            else Told(q.number, Opinion(f"{q.text} of {len(asked)}", 0.5 if "?" in q.text else 0.9))
            for q in asked
        ]
        sys.stdout.buffer.write(framed(out)); sys.stdout.buffer.flush()
    """
)
GATE = Gate({"all": 0.8})


@pytest.fixture
async def process() -> AsyncIterator[SpecialistProcess]:
    one = SpecialistProcess("/specialists", (sys.executable, "-c", CHILD))
    yield one
    await one.close()


def request(text: str, *, stream: bool = False) -> Request:
    message = Message("user", (Text(text),))
    return Request("r1", "openai.chat", {}, "auto", (message,), stream=stream)


@pytest.mark.slow
async def test_what_waits_is_asked_together(process: SpecialistProcess) -> None:
    await process.ask("a", Query("first"))
    found = await asyncio.gather(*(process.ask("a", Query(f"q{i}")) for i in range(20)))
    assert all(one is not None for one in found)
    assert max(int(one.answer.split()[-1]) for one in found if one) >= 10


@pytest.mark.slow
async def test_a_death_fails_what_waited_and_the_next_question_starts_it_again(
    process: SpecialistProcess,
) -> None:
    with pytest.raises(EngineDown):
        await process.ask("a", Query("die"))
    await asyncio.sleep(0)
    found = await process.ask("a", Query("again"))
    assert found == Opinion("again of 1", 0.9)


@pytest.mark.slow
async def test_one_that_always_dies_is_not_started_all_the_time(
    process: SpecialistProcess,
) -> None:
    for _ in range(2):
        with pytest.raises(EngineDown, match="has died"):
            await process.ask("a", Query("die"))
    with pytest.raises(EngineDown, match="not started again yet"):
        await process.ask("a", Query("fine"))


@pytest.mark.slow
async def test_a_garbled_answer_is_a_death(process: SpecialistProcess) -> None:
    with pytest.raises(EngineDown):
        await process.ask("a", Query("garble"))


@pytest.mark.slow
async def test_a_late_answer_is_a_time_out_and_the_loop_goes_on(
    process: SpecialistProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.ask("a", Query("warm"))
    monkeypatch.setattr(process_module, "PATIENCE", 0.05)
    with pytest.raises(UpstreamTimeout):
        await process.ask("a", Query("hang"))


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
    for unsure in ("really?", "silent"):
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
    assert chunks[-1].finish == "stop"


def test_the_command_is_ours() -> None:
    assert process_module.COMMAND[1:] == ("-m", "shortstop.app.specialists")
    assert Path(process_module.COMMAND[0]).exists()
