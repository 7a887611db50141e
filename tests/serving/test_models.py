"""Every model that can be asked: local ones directly, remote ones through privacy and back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from shortstop.app.bodies import body_format
from shortstop.config import PrivacyConfig, PrivacyPolicy, PrivacyRule
from shortstop.dialects import get
from shortstop.errors import EngineBusy, PrivacyRefused, UpstreamFailed
from shortstop.ports import Guard, Via
from shortstop.privacy import ephemeral_guard
from shortstop.serving.models import Models, cleared_for
from shortstop.types import (
    Caller,
    Choice,
    Chunk,
    Clearance,
    Cleared,
    Reach,
    Reply,
    Request,
    Target,
    Text,
)
from tests.serving.test_cascade import OPEN, PINNED, REQUEST, TARGETS, USED, OpenGuard, Script


class Noting(OpenGuard):
    """Releases what is not pinned, and notes in which order it was asked for what."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.closed = 0

    async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
        self.events.append("prepare")
        return await super().prepare(request, clearance)

    def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        self.events.append(f"release for {target.name}")
        return super().release(request, clearance, target)

    def restore(self, reply: Reply, cleared: Cleared) -> Reply:
        self.events.append("restore")
        return Reply(reply.id, reply.model, (Choice(parts=(Text(f"<{reply.text}>"),)),), USED)

    async def restore_stream(
        self, chunks: AsyncGenerator[Chunk, None], cleared: Cleared
    ) -> AsyncGenerator[Chunk, None]:
        self.events.append("restore stream")
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield Chunk(text=chunk.text.upper(), finish=chunk.finish)
        finally:
            self.closed += 1


class Rig:
    def __init__(self, small: Script, big: Script, guard: Guard | None = None) -> None:
        self.small, self.big = small, big
        self.guard = Noting()
        self.models = Models(TARGETS, {"small": small}, {"big": big}, guard or self.guard)

    async def text(self, name: str, clearance: Clearance = OPEN, take: int | None = None) -> str:
        """The streamed words, or only the first ones, after which the reader leaves."""
        words: list[str] = []
        async with aclosing(self.models.stream(name, REQUEST, clearance)) as chunks:
            async for chunk in chunks:
                words.append(chunk.text)
                if len(words) == take:
                    break
        return "".join(words)


def rig(text: str = "one two three") -> Rig:
    return Rig(Script(text), Script(text))


# ------------------------------------------------------------ local


async def test_a_local_model_is_asked_directly() -> None:
    house = rig()
    assert (await house.models.answer("small", REQUEST, PINNED)).text == "one two three"
    assert await house.text("small", PINNED) == "one two three "
    assert house.guard.events == [], "nothing leaves, so nothing is released or restored"
    assert (house.small.asked, house.big.asked) == (2, 0)


# ------------------------------------------------------------ remote


async def test_a_remote_model_gets_only_what_was_prepared_and_released() -> None:
    house = rig()
    reply = await house.models.answer("big", REQUEST, OPEN)
    assert reply.text == "<one two three>"
    assert house.guard.events == ["prepare", "release for big", "restore"]


async def test_so_does_a_streamed_one() -> None:
    house = rig()
    assert await house.text("big") == "ONE TWO THREE "
    assert house.guard.events == ["prepare", "release for big", "restore stream"]


async def test_a_pinned_request_reaches_no_remote_model() -> None:
    house = rig()
    with pytest.raises(PrivacyRefused):
        await house.models.answer("big", REQUEST, PINNED)
    with pytest.raises(PrivacyRefused):
        await house.text("big", PINNED)
    assert house.big.asked == 0


async def test_what_preparing_refuses_reaches_no_remote_model() -> None:
    class Late(Noting):
        async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
            raise PrivacyRefused("names could not be read")

    house = Rig(Script("x"), Script("x"), Late())
    with pytest.raises(PrivacyRefused, match="names"):
        await house.models.answer("big", REQUEST, OPEN)
    with pytest.raises(PrivacyRefused, match="names"):
        await house.text("big")
    assert house.big.asked == 0


async def test_what_is_released_is_what_preparing_made_of_the_verdict() -> None:
    class Stricter(OpenGuard):
        async def prepare(self, request: Request, clearance: Clearance) -> Clearance:
            return PINNED

    with pytest.raises(PrivacyRefused):
        await cleared_for(Stricter(), REQUEST, OPEN, TARGETS["big"])


async def test_nothing_is_sent_before_a_stream_is_read() -> None:
    house = rig()
    chunks = house.models.stream("big", REQUEST, OPEN)
    assert (house.guard.events, house.big.asked) == ([], 0)
    await chunks.aclose()
    assert (house.guard.events, house.big.asked) == ([], 0)


# ------------------------------------------------------------ errors and early exits


@pytest.mark.parametrize("name", ["small", "big"])
async def test_a_reader_that_leaves_frees_the_model(name: str) -> None:
    house = rig()
    first = await house.text(name, take=1)
    assert first.lower() == "one "
    assert (house.small if name == "small" else house.big).closed == 1
    assert house.guard.closed == (1 if name == "big" else 0)


@pytest.mark.parametrize("name", ["small", "big"])
async def test_an_error_is_passed_on_and_the_model_freed(name: str) -> None:
    house = Rig(Script("one", EngineBusy("full")), Script("one", UpstreamFailed("gone")))
    error = EngineBusy if name == "small" else UpstreamFailed
    with pytest.raises(error):
        await house.models.answer(name, REQUEST, OPEN)
    with pytest.raises(error):
        await house.text(name)
    assert (house.small if name == "small" else house.big).closed == 1


async def test_a_target_that_is_not_configured_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        await rig().models.answer("unheard-of", REQUEST, OPEN)


# ------------------------------------------------------------ with the real guard


class Echo(Script):
    """Repeats the last message that it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.received = ""

    def _hear(self, request: Request | Cleared) -> None:
        assert isinstance(request, Cleared)
        self.received = self.text = request.request.messages[-1].text

    async def answer(self, request: Request | Cleared, via: Via | None = None) -> Reply:
        self._hear(request)
        return await super().answer(request)

    async def stream(
        self, request: Request | Cleared, via: Via | None = None
    ) -> AsyncGenerator[Chunk, None]:
        self._hear(request)
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                yield chunk


ASKED = "Write to jane.doe@example.com today"


def pseudonymising() -> tuple[Models, Echo, Request, Clearance]:
    """Models behind the real guard, and a request that it pseudonymises."""
    rule = PrivacyRule("pseudonymise", labels=("EMAIL",))
    config = PrivacyConfig(policies={"default": PrivacyPolicy(rules=(rule,))})
    guard, big = ephemeral_guard(config, body_format()), Echo()
    body = {"model": "auto", "messages": [{"role": "user", "content": ASKED}]}
    request = get("openai.chat").decode_request(body, "req_1")
    clearance = guard.clear(request, Caller())
    assert clearance.reach == Reach.PSEUDONYMISED
    return Models(TARGETS, {}, {"big": big}, guard), big, request, clearance


@pytest.mark.parametrize("streamed", [False, True])
async def test_values_leave_as_surrogates_and_come_back_as_themselves(streamed: bool) -> None:
    models, big, request, clearance = pseudonymising()
    if streamed:
        chunks = models.stream("big", request, clearance)
        text = "".join([chunk.text async for chunk in chunks]).strip()
    else:
        text = (await models.answer("big", request, clearance)).text
    assert text == ASKED
    assert "jane.doe" not in big.received
    assert big.received.startswith("Write to ")
    assert "@" in big.received, "a surrogate looks like what it stands for"


async def test_a_reader_that_leaves_frees_the_model_behind_the_real_guard_too() -> None:
    models, big, request, clearance = pseudonymising()
    async with aclosing(models.stream("big", request, clearance)) as chunks:
        await anext(chunks)
    assert big.closed == 1
