"""One configuration becomes one runtime: which parts it has, and what it warns of."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shortstop.app.build import build
from shortstop.app.resources import Resources
from shortstop.app.runtime import Runtime
from shortstop.errors import ConfigError, PrivacyRefused
from shortstop.routing import State
from shortstop.types import Attempt, Caller, Message, Request, Text, Usage
from shortstop.workers.addresses import publish
from shortstop.workers.context import WorkerContext
from shortstop.workers.shared_router import SharedRouter
from tests.app.parts import SMALL, VENDOR, EngineFactory, Home, ScriptedEngine, servers_of

REQUEST = Request("req_1", "openai.chat", {}, "auto", (Message("user", (Text("Hi"),)),))


@pytest.fixture
async def resources(home: Home) -> AsyncIterator[Resources]:
    resources = Resources(home.config, home.env, None, lambda body, tenant: body)
    yield resources
    resources.close()


def built(home: Home, resources: Resources, text: str) -> Runtime:
    home.configure(text)
    return build(home.config, resources, {}, None)


async def test_local_models_have_an_engine_and_remote_ones_an_upstream(
    home: Home, resources: Resources
) -> None:
    runtime = built(home, resources, SMALL + VENDOR)
    assert list(runtime.models.targets) == ["small", "big"]
    assert list(runtime.models.backends) == list(runtime.engines) == ["small"]
    assert list(runtime.models.upstreams) == ["big"]
    assert runtime.router is runtime.learned


async def test_engines_that_run_are_gone_on_with(
    home: Home, resources: Resources, factory: EngineFactory
) -> None:
    home.configure(home.embed("small") + home.embed("mid"))
    first = build(home.config, resources, {}, None)
    kept = {"mid": first.engines["mid"]}
    second = build(home.config, resources, kept, None)
    assert second.engines["mid"] is first.engines["mid"]
    assert second.engines["small"] is not first.engines["small"]
    assert len(factory.made) == 3


async def test_the_router_goes_on_with_what_was_learned(home: Home, resources: Resources) -> None:
    state = State()
    runtime = build(home.config, resources, {}, state)
    assert runtime.learned.state is state
    fresh = build(home.config, resources, {}, None)
    assert fresh.learned.state.seed == home.config.routing.seed


async def test_with_workers_the_router_shares_what_it_sees(home: Home) -> None:
    folder = home.folder / "run"
    crew = WorkerContext(folder, 0)
    publish(folder, servers_of({"small": ScriptedEngine()}))
    home.configure(home.embed() + VENDOR)
    resources = Resources(home.config, home.env, crew, lambda body, tenant: body)
    runtime = build(home.config, resources, {}, None)
    assert isinstance(runtime.router, SharedRouter)
    assert runtime.router._router is runtime.learned
    resources.close()


async def test_nothing_is_built_on_a_missing_key(home: Home, resources: Resources) -> None:
    del home.env["VENDOR_KEY"]
    with pytest.raises(ConfigError, match="VENDOR_KEY"):
        built(home, resources, SMALL + VENDOR)


# ------------------------------------------------------------ money


async def test_a_model_without_a_price_is_warned_of(
    home: Home, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    unpriced = VENDOR + '[upstreams.vendor.models.odd]\nmodel = "nobodys-model"\n'
    built(home, resources, SMALL + unpriced)
    assert "no price is known for odd: its costs are shown as unknown" in caplog.text
    assert "for big" not in caplog.text
    caplog.clear()
    priced = '[prices."nobodys-model"]\ninput = 1\noutput = 2\n'
    built(home, resources, SMALL + unpriced + priced)
    assert "no price is known" not in caplog.text


async def test_an_embedding_model_is_on_the_books_too(home: Home, resources: Resources) -> None:
    text = VENDOR + '[upstreams.vendor.models.far]\nmodel = "e"\nabilities = ["embeddings"]\n'
    runtime = built(home, resources, SMALL + text + "[prices.e]\ninput = 1000000\noutput = 0\n")
    attempt = Attempt("far", False, "ok", usage=Usage(input=3))
    bill = runtime.pipelines.embedding._books.bill(REQUEST, (attempt,), attempt)
    assert bill.cost == 3


async def test_a_local_second_is_shared_by_the_engines_slots(
    home: Home, resources: Resources
) -> None:
    costs = []
    for slots in (1, 4):
        text = SMALL + f"slots = {slots}\n"
        runtime = built(home, resources, text)
        attempt = Attempt("small", True, "ok", 10.0, usage=Usage(input=3))
        books = runtime.pipelines.embedding._books
        costs.append(books.bill(REQUEST, (attempt,), attempt).cost_local)
    assert costs[0] == pytest.approx(4 * costs[1])


# ------------------------------------------------------------ privacy


async def test_what_an_upstream_signed_reaches_privacy(home: Home, resources: Resources) -> None:
    policy = "[privacy.policies.default]\nbaa_required = true\n"
    runtimes = [
        built(
            home,
            resources,
            SMALL + VENDOR.replace("api_key_env", f"baa = {signed}\napi_key_env") + policy,
        )
        for signed in ("false", "true")
    ]
    for runtime, signed in zip(runtimes, (False, True), strict=True):
        clearance = runtime.guard.clear(REQUEST, Caller())
        target = runtime.models.targets["big"]
        if signed:
            assert runtime.guard.release(REQUEST, clearance, target).target == "big"
        else:
            with pytest.raises(PrivacyRefused):
                runtime.guard.release(REQUEST, clearance, target)


async def test_verdicts_are_counted_and_noted(home: Home) -> None:
    home.env["SHORTSTOP_PRIVACY_KEY"] = "a long random text"
    log = home.folder / "audit.log"
    home.configure(SMALL + VENDOR + f'[privacy]\naudit = "{log}"\n')
    resources = Resources(home.config, home.env, None, lambda body, tenant: body)
    runtime = build(home.config, resources, {}, None)
    runtime.guard.clear(REQUEST, Caller())
    text = resources.metrics.text()
    resources.close()
    assert b'shortstop_privacy_verdicts_total{reach="anywhere"} 1.0' in text
    assert log.read_bytes().count(b"\n") == 1


async def test_what_conversations_held_outlives_a_runtime(home: Home, resources: Resources) -> None:
    first = build(home.config, resources, {}, None)
    caller = Caller(conversation="c1")
    secret = Request(
        "req_1",
        "openai.chat",
        {"messages": [{"role": "user", "content": "My card is 4111 1111 1111 1111, CVV 123"}]},
        "auto",
        (Message("user", (Text("My card is 4111 1111 1111 1111, CVV 123"),)),),
    )
    pinned = first.guard.clear(secret, caller)
    second = build(home.config, resources, {}, None)
    assert second.guard.clear(REQUEST, caller).reach == pinned.reach
    assert second.guard.clear(REQUEST, Caller(conversation="c2")).reach < pinned.reach
