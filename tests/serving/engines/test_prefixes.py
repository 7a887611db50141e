"""What requests share is read ahead after a start, and nothing else is."""

from __future__ import annotations

import asyncio

from shortstop import dialects
from shortstop.app.engines import keep_warm
from shortstop.registry.vocabulary import Vocabulary
from shortstop.serving.engines.backend import LocalBackend
from shortstop.serving.engines.markers import Markers
from shortstop.serving.engines.prefixes import READ_AHEAD, REMEMBERED, Prefixes
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from shortstop.types import Message, Party, Request, Text, ToolCall
from tests.app.parts import ScriptedEngine
from tests.server.scripted import ScriptedModel

RULES = "You sort letters into trays. " * 10


def said(role: str, text: str) -> Message:
    return Message(role, (Text(text),))  # type: ignore[arg-type]


def asked(*texts: str, rules: str = RULES) -> tuple[Message, ...]:
    turns = [said("assistant" if i % 2 else "user", text) for i, text in enumerate(texts)]
    return (said("system", rules), *turns)


def test_what_two_requests_share_counts_and_what_one_had_does_not() -> None:
    prefixes = Prefixes()
    prefixes.note(asked("a bill"))
    assert prefixes.shared() == []
    prefixes.note(asked("a card"))
    assert prefixes.shared() == [asked()]


def test_examples_belong_to_it_and_come_after_what_they_begin_with() -> None:
    prefixes = Prefixes()
    for last in ("x", "y"):
        prefixes.note(asked("a bill", "invoices", "a card", "press", last))
    assert prefixes.shared() == [asked(), asked("a bill", "invoices", "a card", "press")]


def test_short_long_and_odd_ones_are_left_out() -> None:
    prefixes = Prefixes()
    calls = Message("assistant", (ToolCall("c1", "pay", "{}"),))
    for last in ("x", "y"):
        prefixes.note(asked(last, rules="Be kind."))
        prefixes.note(asked(last, rules="word " * 10_000))
        prefixes.note((said("user", RULES), calls, said("user", last)))
        prefixes.note(())
        prefixes.note((said("user", RULES),))
    assert prefixes.shared() == []


def test_memory_is_bounded_and_the_most_used_are_kept() -> None:
    prefixes = Prefixes((RULES,))
    for number in range(3 * REMEMBERED):
        for _ in range(3):
            prefixes.note(asked("?", rules=f"{number} {RULES}"))
    assert len(prefixes.shared()) == READ_AHEAD + 1
    assert asked() in prefixes.shared(), "what the operator named is always read"


async def test_after_each_start_it_is_read_while_nobody_waits() -> None:
    async with ScriptedModel("small").running() as model:
        server = ScriptedEngine()
        client, slots = LocalClient(f"{model.url}/v1"), Slots(1, 9, alone=True, rest_s=0.0)
        backend = LocalBackend(
            model="small",
            dialect=dialects.get("openai.chat"),
            client=lambda: client,
            slots=slots,
            embedded=lambda: Markers(Vocabulary()),
        )
        for question in ("!say one", "!say two"):
            await backend.answer(Request("r", "openai.chat", {}, "small", asked(question)))
        before = len(model.bodies)
        warming = asyncio.create_task(keep_warm(server, backend))
        async with asyncio.timeout(10), slots.take(Party("client")):
            server.enter("ready", "http://127.0.0.1:9")
            while not slots.waiting:
                await asyncio.sleep(0.01)
            assert len(model.bodies) == before, "a client has the engine"
        async with asyncio.timeout(10):
            while len(model.bodies) == before or slots.running:
                await asyncio.sleep(0.01)
        (ahead,) = model.bodies[before:]
        assert ahead["messages"][0] == {"role": "system", "content": RULES}
        assert ahead["max_tokens"] == 1
        assert slots.prefixes.shared() == [asked()], "reading ahead is no request"
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)
        await client.close()
