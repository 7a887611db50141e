"""Remote models over real HTTP: what is sent, how often it is tried, and when it is given up."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from shortstop.config import UpstreamConfig, UpstreamModel
from shortstop.errors import ConfigError, TargetError, UpstreamFailed, UpstreamRejected
from shortstop.serving.breaker import Breaker
from shortstop.serving.deployments import Chooser, Deployment
from shortstop.serving.health import TargetHealth
from shortstop.serving.outward import egress_for
from shortstop.serving.patience import Patience
from shortstop.serving.trip import Road
from shortstop.serving.upstreams import (
    RemoteUpstream,
    check_dialects,
    dialect_of,
    vendor_of,
)
from shortstop.types import (
    Chunk,
    Clearance,
    Cleared,
    DialectName,
    Message,
    Reach,
    Request,
    Sampling,
    Text,
    Tier,
    TraceContext,
    Usage,
)
from shortstop.types.tracing import Told
from tests.conftest import FakeClock
from tests.server.scripted import ScriptedModel

PATIENCE = Patience(retries=2, backoff=0.5, longest=20)
OPEN = Clearance(Tier.S0, Reach.ANYWHERE)


def test_backs_off_exponentially_with_jitter() -> None:
    error = UpstreamFailed("lost")
    assert PATIENCE.pause(1, error, 0.0) == 0.25
    assert PATIENCE.pause(1, error, 0.999) == pytest.approx(0.5, abs=0.001)
    assert PATIENCE.pause(2, error, 0.999) == pytest.approx(1.0, abs=0.001)
    assert PATIENCE.pause(3, error, 0.5) is None, "no more than two retries"


def test_obeys_retry_after_unless_it_is_too_long() -> None:
    assert PATIENCE.pause(1, UpstreamFailed("busy", retry_after=3), 0.5) == 3
    assert PATIENCE.pause(1, UpstreamFailed("busy", retry_after=60), 0.5) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_never_repeats_what_was_refused(status: int) -> None:
    error: TargetError = UpstreamRejected("no", status=status)
    assert PATIENCE.pause(1, error, 0.5) is None


def test_repeats_after_a_rate_limit() -> None:
    assert PATIENCE.pause(1, UpstreamRejected("slow down", status=429), 0.5) is not None


# ---------------------------------------------------------------- configuration


def config(url: str = "https://api.example/v1", **more: Any) -> UpstreamConfig:
    models = {"far": UpstreamModel()}
    return UpstreamConfig(base_url=url, models=models, api_key_env="VENDOR_KEY", **more)


def test_an_unknown_dialect_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"\[upstreams\.acme\].*'gemini'") as caught:
        check_dialects({"acme": config(dialect="gemini")})
    assert "openai, responses, anthropic" in caught.value.hint
    check_dialects({name: config(dialect=name) for name in ("openai", "responses", "anthropic")})


def test_a_missing_key_is_named_by_its_variable() -> None:
    vendor = vendor_of(dialect_of(config(), name="acme"))
    for env in ({}, {"VENDOR_KEY": " "}):
        with pytest.raises(ConfigError, match="VENDOR_KEY is not set"):
            egress_for(config(), vendor, env, name="acme")


# ---------------------------------------------------------------- over HTTP


@asynccontextmanager
async def upstream(
    alias: str = "openai", retries: int = 0, breaker: Breaker | None = None, key: str = "sk-vendor"
) -> AsyncIterator[tuple[RemoteUpstream, ScriptedModel]]:
    async with ScriptedModel("far").running() as model:
        settings = config(model.url, dialect=alias, first_byte_timeout=2, idle_timeout=2)
        dialect = dialect_of(settings, name="acme")
        egresses = {"": egress_for(settings, vendor_of(dialect), {"VENDOR_KEY": key}, name="acme")}
        yield (
            RemoteUpstream(
                model="far-1",
                dialect=dialect,
                egresses=egresses,
                road=Road(
                    Chooser([Deployment("", breaker or Breaker(50, 15, FakeClock()))], FakeClock()),
                    Patience(retries, 0.001, 1),
                    TargetHealth("far", FakeClock()),
                    random.Random(1),
                ),
            ),
            model,
        )
        await egresses[""].close()


def cleared(text: str, dialect: DialectName = "openai.chat", **more: Any) -> Cleared:
    said = (Message("user", (Text(text),)),)
    return Cleared(Request("r", dialect, {}, "auto", said, **more), OPEN, "far")


def head_of(model: ScriptedModel) -> str:
    return model.received[-1].split(b"\r\n\r\n")[0].decode().lower()


async def hear(remote: RemoteUpstream, asked: Cleared, chunks: list[Chunk]) -> None:
    """Adds the chunks one by one, so that those before a failure are known."""
    async for chunk in remote.stream(asked):
        chunks.append(chunk)


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


async def test_an_answer_and_how_it_is_asked_for() -> None:
    async with upstream() as (remote, model):
        reply = await remote.answer(cleared("!say Hello!"))
    assert reply.text == "Hello!"
    assert reply.usage == Usage(10, output=5)
    assert model.bodies[-1]["model"] == "far-1"
    assert "authorization: bearer sk-vendor" in head_of(model)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_that_repeats_the_key_tells_it_to_nobody(stream: bool) -> None:
    """Many vendors' keys are nothing but letters and digits."""
    key = "d41d8cd98f00b204e9800998ecf8427e"
    async with upstream(key=key) as (remote, model):
        asked = cleared(f"!status 400 code=x{key}", stream=stream)
        with pytest.raises(UpstreamRejected) as raised:
            await (hear(remote, asked, []) if stream else remote.answer(asked))
        assert key in head_of(model)
    assert raised.value.code == "x[removed]"


@pytest.mark.parametrize(
    ("told", "local", "heard"),
    [("local", False, False), ("all", False, True), ("local", True, True), ("off", True, False)],
)
async def test_whom_the_operator_lets_learns_of_the_trace(
    told: Told, local: bool, heard: bool
) -> None:
    context = TraceContext("4" * 32, "5" * 16, told=told)
    async with upstream() as (remote, model):
        remote.local = local
        await remote.answer(cleared("!say Hello!", trace_context=context))
        whole = head_of(model)
        await hear(remote, cleared("!say Hello!", stream=True, trace_context=context), [])
    for head in (whole, head_of(model)):
        assert (f"traceparent: 00-{'4' * 32}-{'5' * 16}-01" in head) is heard


async def test_betas_and_a_trace_are_told_together() -> None:
    context = TraceContext("4" * 32, "5" * 16, told="all")
    betas = ("context-1m-2025-08-07",)
    async with upstream("anthropic") as (remote, model):
        asked = cleared("Hi", "anthropic.messages", betas=betas, trace_context=context)
        await remote.answer(asked)
    assert "traceparent: 00-" in head_of(model)
    assert f"anthropic-beta: {betas[0]}" in head_of(model)


async def test_a_vendor_gets_its_own_headers_and_path() -> None:
    async with upstream("anthropic") as (remote, model):
        assert (await remote.answer(cleared("Hi", "anthropic.messages"))).text == "as scripted"
    head = head_of(model)
    assert head.startswith("post /v1/messages ")
    assert "x-api-key: sk-vendor" in head
    assert "anthropic-version: 2023-06-01" in head
    assert "authorization" not in head


async def test_betas_go_only_to_the_dialect_that_they_are_of() -> None:
    asked = cleared("Hi", "anthropic.messages", betas=("a-2025-01-01", "b-2025-01-01"))
    async with upstream("anthropic") as (remote, model):
        await remote.answer(asked)
        assert "anthropic-beta: a-2025-01-01,b-2025-01-01" in head_of(model)
        await remote.answer(replace(asked, request=replace(asked.request, dialect="openai.chat")))
        assert "anthropic-beta" not in head_of(model)
    async with upstream("openai") as (remote, model):
        await remote.answer(asked)
        assert "beta" not in head_of(model)


async def test_tokens_are_counted_by_who_can() -> None:
    async with upstream("openai") as (remote, model):
        assert not remote.counts
    async with upstream("anthropic") as (remote, model):
        assert remote.counts
        assert await remote.count(cleared("Hi", "anthropic.messages")) == 4242
    assert head_of(model).startswith("post /v1/messages/count_tokens ")
    assert model.bodies[-1].keys() == {"model", "messages"}, "only what is counted"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_is_retried_until_it_works(stream: bool) -> None:
    async with upstream(retries=2) as (remote, model):
        model.fail_times = 2
        asked = cleared("!say Hello", stream=stream)
        if stream:
            chunks = list[Chunk]()
            await hear(remote, asked, chunks)
            assert text_of(chunks).strip() == "Hello"
        else:
            assert (await remote.answer(asked)).text == "Hello"
        assert len(model.received) == 3
        model.fail_times = 9
        with pytest.raises(UpstreamFailed):
            await remote.answer(asked)


@pytest.mark.parametrize("stream", [False, True])
async def test_auto_asks_again_without_the_option_that_its_model_refuses(stream: bool) -> None:
    """The gateway chose the model, so it is no fault of the client's; who names it is told."""
    asked = cleared("!say Hello", stream=stream, sampling=Sampling(temperature=0.3, top_p=0.9))

    async def answered(remote: RemoteUpstream) -> str:
        if not stream:
            return (await remote.answer(asked)).text
        chunks = list[Chunk]()
        await hear(remote, asked, chunks)
        return text_of(chunks).strip()

    async with upstream() as (remote, model):
        model.refuses = "temperature"
        assert await answered(remote) == "Hello"
        assert ["temperature" in body for body in model.bodies] == [True, False]
        assert model.bodies[-1]["top_p"] == 0.9, "the rest is asked for"
        assert await answered(remote) == "Hello"
        assert len(model.received) == 3, "it is remembered"
        named = replace(asked, request=replace(asked.request, model="far"))
        with pytest.raises(UpstreamRejected):
            await (hear(remote, named, []) if stream else remote.answer(named))
        assert "temperature" in model.bodies[-1]


async def test_what_cannot_be_left_out_is_not_asked_again() -> None:
    async with upstream(retries=2) as (remote, model):
        model.refuses = "messages"
        with pytest.raises(UpstreamRejected):
            await remote.answer(cleared("Hi"))
        assert len(model.received) == 1


async def test_a_refusal_is_not_repeated() -> None:
    async with upstream(retries=2) as (remote, model):
        with pytest.raises(UpstreamRejected) as caught:
            await remote.answer(cleared("!status 422 code=odd"))
        assert caught.value.status == 422
        assert len(model.received) == 1


@pytest.mark.parametrize(("advice", "tries"), [("true", 3), ("false", 1)])
async def test_a_vendors_advice_on_retrying_is_heeded(advice: str, tries: int) -> None:
    async with upstream(retries=2) as (remote, model):
        with pytest.raises(TargetError):
            await remote.answer(cleared(f"!status 500 advice={advice}"))
        assert len(model.received) == tries


async def test_after_the_first_chunk_nothing_is_asked_again() -> None:
    async with upstream(retries=2) as (remote, model):
        chunks = list[Chunk]()
        with pytest.raises(UpstreamFailed, match="before its end"):
            await hear(remote, cleared("!half one two", stream=True), chunks)
        assert text_of(chunks).split() == ["one", "two"]
        assert len(model.received) == 1


async def test_an_open_breaker_asks_nobody_and_closes_again() -> None:
    clock = FakeClock()
    breaker = Breaker(2, 15, clock)
    async with upstream(breaker=breaker) as (remote, model):
        for text in ("!status 500", "!status 503"):
            with pytest.raises(UpstreamFailed):
                await remote.answer(cleared(text))
        with pytest.raises(UpstreamFailed) as caught:
            await remote.answer(cleared("!say Hello"))
        assert caught.value.code == "upstream_unavailable"
        assert not caught.value.retryable
        assert len(model.received) == 2
        clock.advance(16)
        assert (await remote.answer(cleared("!say Hello"))).text == "Hello"


async def test_a_rejected_request_is_no_sign_of_a_broken_upstream() -> None:
    async with upstream(breaker=Breaker(1, 15, FakeClock())) as (remote, _):
        for _ in range(3):
            with pytest.raises(UpstreamRejected):
                await remote.answer(cleared("!status 400"))
        assert not remote.open_for


async def test_vectors_come_in_the_order_of_their_texts() -> None:
    body = {"model": "auto", "input": ["one", "two"]}
    asked = cleared("")
    asked = replace(asked, request=replace(asked.request, body=body))
    async with upstream() as (remote, model):
        reply = await remote.embed(asked)
    assert [vector[0] for vector in reply.vectors] == [0.0, 1.0]
    assert json.loads(model.received[-1].split(b"\r\n\r\n", 1)[1])["model"] == "far-1"


@pytest.mark.parametrize("text", ["!garbage", "!empty"])
async def test_garbage_is_the_upstreams_failure(text: str) -> None:
    async with upstream() as (remote, _):
        with pytest.raises(UpstreamFailed, match="not JSON"):
            await remote.answer(cleared(text))


async def test_a_failing_upstream_and_its_recovery_are_logged_once_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with upstream() as (remote, _):
        for _ in range(3):
            with pytest.raises(TargetError):
                await remote.answer(cleared("!status 500 AKIA"))
            with pytest.raises(TargetError):
                [chunk async for chunk in remote.stream(cleared("!status 503"))]
        for _ in range(3):
            await remote.answer(cleared("well again"))
        with pytest.raises(TargetError):
            await remote.answer(cleared("!status 400"))
    lines = [r.getMessage() for r in caplog.records if "the model" in r.getMessage()]
    assert len(lines) == 2
    assert "far fails" in lines[0]
    assert "far answers again" in lines[1]
    assert "AKIA" not in caplog.text
