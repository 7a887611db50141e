"""What one configuration built: when it is ready, how it counts, what closing it closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from shortstop import dialects
from shortstop.app.gateway import ANYBODY, Shortstop
from shortstop.app.runtime import Runtime
from shortstop.errors import Forbidden, TargetError
from shortstop.serving.engines.embedded import EngineState
from shortstop.tokens import prompt_tokens
from shortstop.traces import StoreHealth
from shortstop.types import Caller, Clearance, Party, Reach, Request, Tier, Usage
from tests.app.parts import SMALL, VENDOR, EngineFactory, Home
from tests.server.scripted import ScriptedModel

LOCAL_ONLY = Caller(targets=frozenset(["small"]))
HEALTHY = StoreHealth("ok", "", 0, 0, True)
CLAUDE = """
[upstreams.vendor]
base_url = "{url}"
dialect = "anthropic"
backoff = 0.001
retries = 0
[upstreams.vendor.models.claude]
price = "claude-opus-5-5"
"""
EMBEDS = '[models.vectors]\nurl = "http://127.0.0.1:9/v1"\nabilities = ["embeddings"]\n'

OPEN = Clearance(Tier.S0, Reach.ANYWHERE)


@asynccontextmanager
async def built(home: Home, text: str) -> AsyncIterator[Runtime]:
    """The runtime of a gateway, its engines not started."""
    home.configure(text)
    gateway = Shortstop(home.config, home.source)
    yield gateway._runtime
    await gateway._runtime.close()
    gateway._resources.close()


@asynccontextmanager
async def backed_by_claude(home: Home) -> AsyncIterator[tuple[Runtime, ScriptedModel]]:
    """With a vendor that counts tokens."""
    async with ScriptedModel().running() as far:
        text = SMALL + CLAUDE.format(url=far.url)
        async with built(home, text) as runtime:
            yield runtime, far


def asked(text: str = "Where is my card?", model: str = "auto") -> Request:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return dialects.get("openai.chat").decode_request(body, "req_1")


# ------------------------------------------------------------ readiness


@pytest.mark.parametrize("frontier", ["", VENDOR], ids=["alone", "with a frontier"])
@pytest.mark.parametrize(
    ("states", "alone", "backed"),
    [
        (("ready",), True, True),
        (("starting",), False, False),
        (("restarting",), False, True),
        (("failed",), False, True),
        (("stopped",), False, True),
        (("ready", "ready"), True, True),
        (("ready", "starting"), False, False),
        (("ready", "failed"), True, True),
        (("ready", "restarting"), True, True),
        (("failed", "restarting"), False, True),
    ],
)
async def test_ready_with_one_engine_or_a_frontier_and_none_still_starting(
    home: Home,
    factory: EngineFactory,
    states: tuple[EngineState, ...],
    alone: bool,
    backed: bool,
    frontier: str,
) -> None:
    text = "".join(home.embed(f"m{i}") for i in range(len(states)))
    async with built(home, text + frontier) as runtime:
        for engine, state in zip(factory.made, states, strict=True):
            engine.enter(state)
        readiness = runtime.readiness(HEALTHY)
    assert readiness.ready is (backed if frontier else alone)
    assert readiness.engines == {f"m{i}": state for i, state in enumerate(states)}
    assert readiness.upstreams == ({"big": "closed"} if frontier else {})


async def test_somebody_elses_server_counts_as_ready(home: Home) -> None:
    async with built(home, SMALL) as runtime:
        readiness = runtime.readiness(HEALTHY)
    assert (readiness.ready, readiness.engines) == (True, {"small": "external"})


async def test_somebody_elses_server_that_does_not_answer_is_down(home: Home) -> None:
    """Port 9 refuses connections."""
    async with built(home, SMALL) as runtime:
        for _ in range(3):
            assert runtime.readiness(HEALTHY).ready, "once is no rule"
            with pytest.raises(TargetError):
                await runtime.models.answer(
                    "small", asked(model="small"), Clearance(Tier.S0, Reach.ANYWHERE)
                )
        readiness = runtime.readiness(HEALTHY)
    assert (readiness.ready, readiness.engines) == (False, {"small": "down"})
    assert readiness.why == "Nothing can answer now. The local model 'small' is down."


async def test_readiness_names_an_upstream_that_is_left_alone_and_how_the_books_are(
    home: Home,
) -> None:
    async with built(home, SMALL + VENDOR) as runtime:
        for _ in range(5):
            runtime.remotes.upstreams["big"].deployments[0].breaker.failed()
        readiness = runtime.readiness(StoreHealth("degraded", "locked", 7, 0, True))
    assert readiness.upstreams == {"big": "open"}
    assert readiness.ready, "it may be well again when it is asked"
    traces = readiness.traces
    assert (traces.state, traces.detail, traces.pending) == ("degraded", "locked", 7)


async def test_where_nothing_can_answer_it_is_not_ready_and_says_why(
    home: Home, factory: EngineFactory
) -> None:
    """Without a local model, or with one that failed, a frontier that is left alone is nobody."""
    alone = "[models]\n" + VENDOR
    for text in (alone, home.embed() + VENDOR):
        async with built(home, text) as runtime:
            for engine in factory.made:
                engine.enter("failed")
            breaker = runtime.remotes.upstreams["big"].deployments[0].breaker
            assert runtime.readiness(HEALTHY).ready
            assert runtime.readiness(HEALTHY).why == ""
            for _ in range(5):
                breaker.failed()
            readiness = runtime.readiness(HEALTHY)
            assert not readiness.ready
            assert readiness.why.startswith("Nothing can answer now.")
            assert "'big' failed and is left alone for" in readiness.why
            assert ("The local model 'small' is failed." in readiness.why) is (text != alone)
            breaker.succeeded()
            assert runtime.readiness(HEALTHY).ready


# ------------------------------------------------------------ counting tokens


class Counting(ScriptedModel):
    """A local server that counts 41 tokens in every prompt."""

    async def _answer(self, body: Any, reader: Any, writer: asyncio.StreamWriter) -> None:
        await self._json(b'{"input_tokens": 41}', writer)


def at(model: ScriptedModel, name: str = "small") -> str:
    return f'[models.{name}]\nurl = "{model.url}/v1"\n'


@pytest.mark.parametrize("name", ["auto", "local", "small"])
async def test_a_local_model_counts_itself(home: Home, name: str) -> None:
    async with Counting().running() as small, built(home, EMBEDS + at(small)) as runtime:
        assert await runtime.count_tokens(asked(model=name), ANYBODY) == 41
    assert len(small.received) == 1, "and not the embedding model, though it comes first"


async def test_auto_is_counted_by_the_local_model_that_is_asked_first(home: Home) -> None:
    async with Counting().running() as small, Counting().running() as mid:
        text = at(small) + at(mid, "mid") + '[routing]\nlocal = "mid"\n' + VENDOR
        async with built(home, text) as runtime:
            await runtime.count_tokens(asked(), ANYBODY)
    assert [len(model.received) for model in (small, mid)] == [0, 1]


async def test_a_vendor_that_counts_is_asked(home: Home) -> None:
    async with backed_by_claude(home) as (runtime, far):
        assert await runtime.count_tokens(asked(model="claude"), ANYBODY) == 4242
    assert far.bodies[0]["messages"] == [{"role": "user", "content": "Where is my card?"}]


@pytest.mark.parametrize(
    "text", ["My IBAN is DE89 3704 0044 0532 0130 00.", "Call Jane at jane.doe@example.com"]
)
async def test_a_vendor_counts_nothing_that_may_not_leave(home: Home, text: str) -> None:
    """Whatever is sent there holds no value; what cannot be made safe is estimated here."""
    request = asked(text, model="claude")
    async with backed_by_claude(home) as (runtime, far):
        tokens = await runtime.count_tokens(request, ANYBODY)
    sent = b"".join(far.received)
    assert b"3704" not in sent
    assert b"jane.doe" not in sent
    assert tokens == (4242 if sent else prompt_tokens(request))


async def test_a_prompt_that_must_stay_is_estimated(home: Home) -> None:
    request = asked("My card is 4111 1111 1111 1111, CVV 123", model="claude")
    async with backed_by_claude(home) as (runtime, far):
        assert await runtime.count_tokens(request, ANYBODY) == prompt_tokens(request)
    assert far.received == []


async def test_who_cannot_count_leaves_an_estimate(home: Home) -> None:
    estimate = prompt_tokens(asked())
    async with ScriptedModel().running() as chats, built(home, at(chats) + VENDOR) as runtime:
        assert await runtime.count_tokens(asked(), ANYBODY) == estimate, "no counting there"
        assert await runtime.count_tokens(asked(model="big"), ANYBODY) == estimate
        assert await runtime.count_tokens(asked(model="unheard-of"), Caller()) == estimate
    async with built(home, home.embed() + CLAUDE.format(url="http://127.0.0.1:9")) as runtime:
        assert await runtime.count_tokens(asked(), ANYBODY) == estimate, "it does not run"
        assert await runtime.count_tokens(asked(model="claude"), ANYBODY) == estimate
    async with built(home, "models = {}\n" + VENDOR) as runtime:
        assert await runtime.count_tokens(asked(), ANYBODY) == estimate, "no local model at all"


@pytest.mark.parametrize("model", ["claude", "claude-opus-5-5"], ids=["its name", "the vendor's"])
async def test_a_key_counts_only_where_it_may_ask(home: Home, model: str) -> None:
    async with ScriptedModel().running() as far:
        named = CLAUDE.format(url=far.url) + 'model = "claude-opus-5-5"\n'
        async with built(home, SMALL + named) as runtime:
            with pytest.raises(Forbidden, match="may use only: small"):
                await runtime.count_tokens(asked(model=model), LOCAL_ONLY)
    assert far.received == []


async def test_auto_is_counted_by_a_model_that_the_key_may_use(home: Home) -> None:
    nobody = Caller(targets=frozenset(["big"]))
    async with Counting().running() as small, Counting().running() as mid:
        text = at(mid, "mid") + at(small) + VENDOR
        async with built(home, text) as runtime:
            assert await runtime.count_tokens(asked(), LOCAL_ONLY) == 41
            assert await runtime.count_tokens(asked(), nobody) == prompt_tokens(asked())
    assert [len(model.received) for model in (small, mid)] == [1, 0]


# ------------------------------------------------------------ redacting


async def test_a_body_is_written_down_without_its_values(home: Home) -> None:
    async with built(home, SMALL) as runtime:
        clean = runtime.redacted({"text": "Write to jane.doe@example.com."}, "acme")
    assert clean == {"text": "Write to [EMAIL]."}


# ------------------------------------------------------------ closing


async def test_closing_keeps_what_another_runtime_goes_on_with(
    home: Home, factory: EngineFactory
) -> None:
    async with built(home, home.embed("small") + home.embed("mid") + VENDOR) as runtime:
        await runtime.start()
        small, mid = factory.made
        await runtime.close(kept={"small"})
        assert (small.state, mid.state) == ("ready", "stopped")
    assert small.state == "stopped"


async def test_only_new_engines_are_started(home: Home, factory: EngineFactory) -> None:
    async with built(home, home.embed("small") + home.embed("mid")) as runtime:
        await runtime.start(kept={"small"})
        assert [engine.starts for engine in factory.made] == [0, 1]


async def test_work_that_nobody_waits_for_is_charged_no_wait(home: Home) -> None:
    """Else a busy engine would send lines of batches to the frontier, where they cost more."""
    async with built(home, SMALL + VENDOR) as runtime:
        slots = runtime.engines["small"].slots
        slots.forecast.note(Usage(input=10, output=10), first_s=1.0, total_s=6.0, running=1)
        async with AsyncExitStack() as held:
            for number in range(slots.slots):
                await held.enter_async_context(slots.take(Party(f"tenant {number}")))
            assert runtime.foundation.wait("small", Party("acme")) > 0
            assert runtime.foundation.wait("small", Party("acme", background=True)) == 0
