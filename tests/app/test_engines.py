"""Local models in operation: all start or none, and the client goes where the engine is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shortstop import registry
from shortstop.app.engines import Engine, backend_of, build_engine, local_target, start_all
from shortstop.config import ModelConfig
from shortstop.errors import ConfigError, EngineDown, ModelFileError
from shortstop.registry import Registry
from shortstop.serving.engines.embedded import EngineState
from shortstop.serving.engines.slots import Slots
from shortstop.serving.http import LocalClient
from shortstop.types import Message, Party, Request, Sampling, Text
from shortstop.workers.addresses import publish
from shortstop.workers.context import WorkerContext
from tests.app.parts import EngineFactory, ScriptedEngine, servers_of, soon, turns
from tests.registry.samples import write
from tests.server.scripted import ScriptedModel

REQUEST = Request(
    id="req_1",
    dialect="openai.chat",
    body={},
    model="small",
    messages=(Message("user", (Text("!say as told"),)),),
    sampling=Sampling(max_tokens=20),
)
EMBEDDED = ModelConfig(source="tiny")


def embedded(server: ScriptedEngine, config: ModelConfig = EMBEDDED) -> Engine:
    return Engine(config, local_target("small", config, "tiny", 2048), Slots(2, 4), server)


def external(url: str) -> Engine:
    config = ModelConfig(url=url)
    target = local_target("ours", config, "ours", None)
    return Engine(config, target, Slots(2, 4), client=LocalClient(url))


@pytest.fixture
def models(tmp_path: Path) -> Registry:
    """With one installed model, `tiny`."""
    models = registry.open(tmp_path)
    models.link("tiny", write(tmp_path / "tiny.gguf"), sha256="0" * 64)
    return models


# ------------------------------------------------------------ all or none


async def test_all_engines_start_together() -> None:
    first, second = ScriptedEngine(), ScriptedEngine()
    first.may_start.clear()
    starting = asyncio.create_task(start_all([embedded(first), embedded(second)]))
    await soon(second.starting)
    await turns()
    assert (first.state, second.state) == ("starting", "ready"), "neither waits for the other"
    first.may_start.set()
    await starting
    assert first.state == "ready"


async def test_when_one_cannot_start_those_that_could_are_stopped_again() -> None:
    broken = ScriptedEngine(ModelFileError("damaged"))
    good, slow = ScriptedEngine(), ScriptedEngine()
    slow.may_start.clear()
    starting = asyncio.create_task(start_all([embedded(e) for e in (good, broken, slow)]))
    await soon(slow.starting)
    slow.may_start.set()
    with pytest.raises(ModelFileError, match="damaged"):
        await starting
    assert [e.state for e in (good, broken, slow)] == ["stopped"] * 3


async def test_a_start_that_is_given_up_leaves_no_engine_running() -> None:
    good, slow = ScriptedEngine(), ScriptedEngine()
    slow.may_start.clear()
    starting = asyncio.create_task(start_all([embedded(good), embedded(slow)]))
    await soon(slow.starting)
    await turns()
    assert good.state == "ready"
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert (good.state, slow.state) == ("stopped", "stopped")


async def test_somebody_elses_server_is_not_started() -> None:
    await start_all([external("http://127.0.0.1:9/v1")])
    await start_all([])


# ------------------------------------------------------------ where the engine is


@pytest.mark.parametrize("state", ["stopped", "starting", "restarting", "failed"])
def test_an_engine_without_an_address_says_how_it_is(state: EngineState) -> None:
    async def scenario() -> None:
        server = ScriptedEngine()
        server.enter(state)
        with pytest.raises(EngineDown, match=f"'small' is {state}") as raised:
            embedded(server).reach()
        assert raised.value.retry_after == 2

    asyncio.run(scenario())


async def test_the_client_is_kept_while_the_address_is_the_same() -> None:
    server = ScriptedEngine()
    server.enter("ready", "http://127.0.0.1:7001")
    engine = embedded(server)
    assert engine.reach() is engine.reach()
    assert engine.reach().base_url == "http://127.0.0.1:7001/v1"


async def test_the_client_follows_an_engine_that_was_restarted() -> None:
    server = ScriptedEngine()
    server.enter("ready", "http://127.0.0.1:7001")
    engine = embedded(server)
    before = engine.reach()
    server.enter("restarting")
    with pytest.raises(EngineDown):
        engine.reach()
    server.enter("ready", "http://127.0.0.1:7002")
    assert engine.reach() is not before
    assert engine.reach().base_url == "http://127.0.0.1:7002/v1"


async def test_each_request_goes_to_where_the_engine_is_then() -> None:
    """Through the backend, over real HTTP, with the engine's key."""
    server = ScriptedEngine()
    engine = embedded(server)
    backend = backend_of(engine)
    async with ScriptedModel().running() as first, ScriptedModel().running() as second:
        for model in (first, second):
            server.enter("ready", model.url)
            assert (await backend.answer(REQUEST)).text == "as told "
            assert b"authorization: Bearer engine-key" in model.received[0]
            await engine.close()
    assert [len(model.received) for model in (first, second)] == [1, 1]


async def test_an_embedded_engine_is_asked_so_that_it_notices_who_left() -> None:
    """It sees a closed connection only when it writes, so it is always asked to stream."""
    server = ScriptedEngine()
    async with ScriptedModel().running() as model:
        server.enter("ready", model.url)
        for engine in (ours := embedded(server)), (theirs := external(f"{model.url}/v1")):
            await backend_of(engine).answer(REQUEST)
        await theirs.close()
        await ours.close()
    assert [bool(body.get("stream")) for body in model.bodies] == [True, False]


async def test_tools_are_offered_as_the_model_knows_them() -> None:
    engines = [
        (EMBEDDED, True),
        (ModelConfig(source="tiny", tools="native"), False),
        (ModelConfig(url="http://127.0.0.1:9/v1"), False),
        (ModelConfig(url="http://127.0.0.1:9/v1", tools="schema"), True),
    ]
    for config, by_schema in engines:
        assert backend_of(embedded(ScriptedEngine(), config))._tools_by_schema is by_schema


async def test_closing_stops_our_server() -> None:
    server = ScriptedEngine()
    engine = embedded(server)
    await start_all([engine])
    engine.reach()
    await engine.close()
    assert server.state == "stopped"


# ------------------------------------------------------------ from a configuration


async def test_a_server_at_a_url(models: Registry) -> None:
    config = ModelConfig(
        url="http://127.0.0.1:9/v1/", model="qwen", api_key_env="OUR_KEY", slots=3, max_output=99
    )
    engine = build_engine("mid", config, models, {"OUR_KEY": "secret"})
    target = engine.target
    assert (target.name, target.model, target.local) == ("mid", "qwen", True)
    assert (target.provider, target.context, target.max_output) == ("url", 4096, 99)
    assert target.abilities == {"json", "logprobs"}
    assert engine.slots.slots == 3
    assert engine.server is None
    assert engine.reach().base_url == "http://127.0.0.1:9/v1"


async def test_a_server_at_a_url_is_asked_with_its_key_by_its_own_name(models: Registry) -> None:
    async with ScriptedModel().running() as model:
        plain = ModelConfig(url=f"{model.url}/v1")
        named = ModelConfig(url=f"{model.url}/v1", model="qwen", api_key_env="OUR_KEY")
        for config, env in ((plain, {}), (named, {}), (named, {"OUR_KEY": "secret"})):
            engine = build_engine("mid", config, models, env)
            await backend_of(engine).answer(REQUEST)
            await engine.close()
    keys = [b"authorization: Bearer secret" in raw for raw in model.received]
    assert keys == [False, False, True], "a key is optional on one's own network"
    assert [body["model"] for body in model.bodies] == ["mid", "qwen", "qwen"]


async def test_a_url_elsewhere_belongs_to_the_upstreams(models: Registry) -> None:
    with pytest.raises(ConfigError, match=r"\[upstreams\]"):
        build_engine("mid", ModelConfig(url="https://api.example.com/v1"), models, {})


async def test_an_embedded_model(models: Registry, factory: EngineFactory) -> None:
    config = ModelConfig(source="tiny", context=1024, slots=3, queue=5, threads=1)
    engine = build_engine("small", config, models, {})
    (server,) = factory.made
    assert engine.server is server
    assert (server.state, engine.client) == ("stopped", None), "built, not started"
    target = engine.target
    assert (target.name, target.model, target.provider) == ("small", "tiny", "embedded")
    assert target.context == server.options.context_per_slot == 1024
    assert target.abilities == {"json", "logprobs", "tools"}
    assert engine.slots.slots == server.options.slots == 3


@pytest.mark.parametrize(
    ("source", "next_step"),
    [
        ("builtin", "`shortstop pull builtin`"),
        ("hf:someone/model", "`shortstop pull hf:someone/model`"),
        ("qwen", "Did you mean 'qwen3-8b'?"),
        ("/nowhere/model.gguf", "check the path"),
    ],
)
async def test_a_model_that_is_not_installed_says_what_to_do(
    models: Registry, source: str, next_step: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        build_engine("small", ModelConfig(source=source), models, {})
    message = str(raised.value)
    assert "'small'" in message
    assert repr(source) in message
    assert next_step in message


async def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "torn.gguf", b"GGUF")
    with pytest.raises(ModelFileError, match=r"torn\.gguf"):
        build_engine("small", ModelConfig(source=str(file)), registry.open(tmp_path), {})


# ------------------------------------------------------------ under a supervisor


async def test_a_worker_uses_the_supervisors_engine(
    models: Registry, factory: EngineFactory, tmp_path: Path
) -> None:
    running = ScriptedEngine()
    publish(tmp_path, servers_of({"small": running}))
    crew = WorkerContext(tmp_path, 0)
    engine = build_engine("small", ModelConfig(source="tiny"), models, {}, crew)
    assert factory.made == [], "it starts none of its own"
    assert engine.target.context == running.options.context_per_slot
    assert engine.slots.slots == running.options.slots
    with pytest.raises(EngineDown, match="'small' is stopped"):
        engine.reach()
    await running.start()
    publish(tmp_path, servers_of({"small": running}))
    assert engine.reach().base_url == "http://127.0.0.1:9/v1"
    await engine.close()
    assert running.state == "ready", "and it stops none"
    crew.close()


async def test_workers_share_the_slots_of_one_engine(models: Registry, tmp_path: Path) -> None:
    publish(tmp_path, servers_of({"small": ScriptedEngine()}))
    configs = {
        "small": ModelConfig(source="tiny"),
        "mid": ModelConfig(url="http://127.0.0.1:9/v1", slots=4),
    }
    for name, config in configs.items():
        crews = [WorkerContext(tmp_path, i) for i in range(2)]
        mine, theirs = (build_engine(name, config, models, {}, crew) for crew in crews)
        async with mine.slots.take(Party()), theirs.slots.take(Party()):
            assert mine.slots.running == theirs.slots.running == 2
        assert mine.slots.running == 0
        for crew in crews:
            crew.close()


async def test_a_worker_whose_engine_nobody_runs_says_so(models: Registry, tmp_path: Path) -> None:
    publish(tmp_path, {})
    crew = WorkerContext(tmp_path, 0)
    with pytest.raises(EngineDown, match="'small'"):
        build_engine("small", ModelConfig(source="tiny"), models, {}, crew)
    crew.close()
