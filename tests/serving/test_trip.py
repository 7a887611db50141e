"""Several keys of one vendor over real HTTP: who is asked, how often, and who is told of it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from shortstop.config import DeploymentConfig, UpstreamConfig, UpstreamModel
from shortstop.dialects.embeddings import decode_request, neutral
from shortstop.errors import TargetError, UpstreamRejected
from shortstop.ports import Via
from shortstop.serving.breaker import Breaker
from shortstop.serving.deployments import CACHED_TOKENS, Chooser, Deployment
from shortstop.serving.health import TargetHealth
from shortstop.serving.outward import egress_for
from shortstop.serving.patience import Patience
from shortstop.serving.trip import Road, load_of
from shortstop.serving.upstreams import RemoteUpstream, dialect_of, vendor_of
from shortstop.types import (
    Case,
    Clearance,
    Cleared,
    Message,
    Reach,
    Request,
    Sampling,
    Text,
    Tier,
)
from tests.conftest import FakeClock
from tests.server.scripted import ScriptedModel

LABELS = ("v/a", "v/b", "v/c")
ENV = {f"KEY_{letter}": f"sk-{letter.lower()}" for letter in "ABC"}


@dataclass
class Fleet:
    """One model with three keys, each at a server of its own."""

    remote: RemoteUpstream
    servers: dict[str, ScriptedModel]
    health: TargetHealth
    clock: FakeClock

    @property
    def asked(self) -> dict[str, int]:
        return {label: len(server.received) for label, server in self.servers.items()}

    def trouble(self, text: str, *labels: str) -> None:
        for label in labels or LABELS:
            self.servers[label].trouble = text

    def home(self, cleared: Cleared) -> str:
        one = self.remote._road.chooser.choose(load_of(cleared))
        assert one is not None
        return one.label

    def others(self, cleared: Cleared) -> list[str]:
        return [label for label in LABELS if label != self.home(cleared)]


@asynccontextmanager
async def fleet(retries: int = 0, rate: float | None = None) -> AsyncIterator[Fleet]:
    clock, health = FakeClock(), TargetHealth("big", FakeClock())
    async with AsyncExitStack() as stack:
        servers = {
            label: await stack.enter_async_context(ScriptedModel(label).running())
            for label in LABELS
        }
        config = UpstreamConfig(
            base_url="http://127.0.0.1:9",
            models={"big": UpstreamModel()},
            deployments={
                label[2:]: DeploymentConfig(f"KEY_{label[2:].upper()}", server.url)
                for label, server in servers.items()
            },
        )
        dialect = dialect_of(config, name="v")
        egresses = {
            label: egress_for(one, vendor_of(dialect), ENV, name="v")
            for label, one in config.each("v").items()
        }
        for egress in egresses.values():
            stack.push_async_callback(egress.close)
        chooser = Chooser(
            [Deployment(label, Breaker(3, 15, clock), rate=rate) for label in LABELS], clock
        )
        road = Road(chooser, Patience(retries, 0.001, 1), health, random.Random(1))
        remote = RemoteUpstream(model="big", dialect=dialect, egresses=egresses, road=road)
        yield Fleet(remote, servers, health, clock)


def cleared(text: str = "!say yes", conversation: str = "c1", id: str = "r1") -> Cleared:
    request = Request(id, "openai.chat", {}, "big", (Message("user", (Text(text),)),))
    case = Case(id, "acme", conversation, "*")
    return Cleared(request, Clearance(Tier.S0, Reach.ANYWHERE, case=case), "big")


async def whole(remote: RemoteUpstream, asked: Cleared, via: Via) -> str:
    return (await remote.answer(asked, via)).text


def as_stream(asked: Cleared) -> Cleared:
    return Cleared(replace(asked.request, stream=True), asked.clearance, asked.target)


async def streamed(remote: RemoteUpstream, asked: Cleared, via: Via) -> str:
    async with aclosing(remote.stream(as_stream(asked), via)) as chunks:
        return "".join([chunk.text async for chunk in chunks]).strip()


Ask = Callable[[RemoteUpstream, Cleared, Via], Awaitable[str]]
both = pytest.mark.parametrize("ask", [whole, streamed], ids=["whole", "streamed"])


@both
async def test_a_conversation_keeps_its_key_and_each_server_sees_its_own(ask: Ask) -> None:
    async with fleet() as it:
        for number in range(3):
            via = Via()
            assert await ask(it.remote, cleared(id=f"r{number}"), via) == "yes"
            assert via == [it.home(cleared())]
        assert sorted(it.asked.values()) == [0, 0, 3]
        for server in it.servers.values():
            for received in server.received:
                assert f"Bearer sk-{server.name[2:]}".encode() in received


@both
async def test_a_rate_limited_key_spills_to_another_at_once_and_rests(ask: Ask) -> None:
    """Without a retry: `retries` is 0."""
    async with fleet() as it:
        home = it.home(cleared())
        it.trouble("429 retry=40", home)
        via = Via()
        assert await ask(it.remote, cleared(), via) == "yes"
        assert via[0] == home
        assert via[1] != home
        assert len(via) == 2
        for _ in range(3):
            assert await ask(it.remote, cleared(), via) == "yes"
        assert it.asked[home] == 1, "it rests"
        it.trouble("", home)
        it.clock.advance(40)
        assert await ask(it.remote, cleared(), via) == "yes"
        assert via[-1] == home, "the conversation comes back to its warm cache"
        assert not it.health.down


@both
@pytest.mark.parametrize(
    "trouble", ["401", "403", "402", "429 code=insufficient_quota", "404", "503 retry=9"]
)
async def test_what_is_about_one_key_is_asked_of_another(trouble: str, ask: Ask) -> None:
    async with fleet() as it:
        it.trouble(trouble, it.home(cleared()))
        assert await ask(it.remote, cleared(), Via()) == "yes"


@both
async def test_a_failing_vendor_is_not_asked_more_often_than_retries_say(ask: Ask) -> None:
    async with fleet(retries=1) as it:
        it.trouble("500")
        with pytest.raises(TargetError) as caught:
            await ask(it.remote, cleared(), Via())
        assert caught.value.failure == "outage"
        assert sum(it.asked.values()) == 2
        assert sorted(it.asked.values()) == [0, 1, 1], "the retry goes elsewhere"


@both
async def test_a_bad_request_is_asked_of_nobody_else(ask: Ask) -> None:
    async with fleet(retries=2) as it:
        it.trouble("400 code=context_length_exceeded")
        with pytest.raises(UpstreamRejected) as caught:
            await ask(it.remote, cleared(), Via())
        assert caught.value.failure == "context"
        assert sum(it.asked.values()) == 1


@both
async def test_where_all_are_limited_the_soonest_tells_when_to_come_again(ask: Ask) -> None:
    async with fleet() as it:
        for label, seconds in zip(LABELS, (50, 20, 90), strict=True):
            it.trouble(f"429 retry={seconds}", label)
        with pytest.raises(UpstreamRejected) as caught:
            await ask(it.remote, cleared(), Via())
        assert (caught.value.retry_after, caught.value.failure) == (20, "rate_limit")
        assert list(it.asked.values()) == [1, 1, 1]
        it.trouble("")
        via = Via()
        assert await ask(it.remote, cleared(), via) == "yes", "better than to refuse"
        assert via == ["v/b"]


async def test_after_a_pause_all_keys_are_tried_again() -> None:
    async with fleet(retries=1) as it:
        it.trouble("429 retry=0.5")
        with pytest.raises(UpstreamRejected):
            await it.remote.answer(cleared())
        assert sum(it.asked.values()) == 4, "three, and the one that is back first"


async def test_a_stream_that_has_begun_is_not_asked_of_another() -> None:
    async with fleet(retries=2) as it:
        via = Via()
        with pytest.raises(TargetError):
            await streamed(it.remote, cleared("!half of it"), via)
        assert len(via) == 1


async def test_what_an_answer_took_counts_against_the_keys_rate() -> None:
    """10 + 5 tokens, as the vendor told, whole or streamed."""
    async with fleet(rate=60_000) as it:
        home = it.home(cleared())
        one = next(d for d in it.remote.deployments if d.label == home)
        assert await whole(it.remote, cleared(), Via()) == "yes"
        assert one.standing.used == 15
        assert await streamed(it.remote, cleared(), Via()) == "yes"
        assert one.standing.used == 30
        it.trouble("500")
        with pytest.raises(TargetError):
            await it.remote.answer(cleared())
        assert one.standing.used == 30, "nothing for an error"
        assert all(d.standing.busy == 0 for d in it.remote.deployments)


async def test_a_reader_who_leaves_frees_the_key() -> None:
    async with fleet() as it:
        via = Via()
        async with aclosing(it.remote.stream(as_stream(cleared("!slow one two")), via)) as chunks:
            await anext(chunks)
            one = next(d for d in it.remote.deployments if d.label == via[0])
            assert one.standing.busy == 1
        assert one.standing.busy == 0
        assert one.breaker.open_for == 0


async def test_an_answer_and_vectors_tell_by_whom() -> None:
    async with fleet() as it:
        assert (await it.remote.answer(cleared())).deployment == it.home(cleared())
        asked = neutral(decode_request({"model": "big", "input": ["a", "b"]}), "e1")
        via = Via()
        await it.remote.embed(Cleared(asked, cleared().clearance, "big"), via)
        assert via[0] in LABELS


async def test_a_model_whose_keys_all_fail_is_said_to_fail() -> None:
    async with fleet() as it:
        for _ in range(3):
            it.trouble("500", it.home(cleared()))
            with pytest.raises(TargetError):
                await it.remote.answer(cleared())
        assert it.health.down
        it.trouble("")
        assert await whole(it.remote, cleared(), Via()) == "yes"
        assert not it.health.down


async def test_where_every_circuit_is_open_nobody_is_asked() -> None:
    async with fleet(retries=2) as it:
        for one in it.remote.deployments:
            for _ in range(3):
                one.breaker.failed()
        with pytest.raises(TargetError) as caught:
            await it.remote.answer(cleared())
        assert (caught.value.status, caught.value.retry_after) == (503, 15)
        assert sum(it.asked.values()) == 0


# ------------------------------------------------------------ what is to be sent


def test_a_request_is_weighed_by_its_prompt_and_the_longest_answer() -> None:
    asked = cleared("x" * 7000)
    load = load_of(asked)
    assert load.thread == "acme/c1"
    assert load.prompt > CACHED_TOKENS
    assert load.tokens == load.prompt + 256
    limited = replace(asked.request, sampling=Sampling(max_tokens=1000, n=2))
    assert load_of(Cleared(limited, asked.clearance, "big")).tokens == load.prompt + 2000


def test_without_a_conversation_each_request_is_one_of_its_own() -> None:
    nameless = cleared(conversation="")
    assert load_of(nameless).thread == "r1"
    unjudged = Cleared(nameless.request, Clearance(Tier.S0, Reach.ANYWHERE), "big")
    assert load_of(unjudged).thread == "r1"
