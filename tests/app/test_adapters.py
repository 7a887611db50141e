"""Placed adapters are loaded by the model that they belong to; whatever is wrong, in words."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from shortstop import registry
from shortstop.app import adapters as adapters_module
from shortstop.app import engines
from shortstop.app.adapted_engine import engine_under
from shortstop.app.adapters import Adapters
from shortstop.app.engines import Engine, local_target
from shortstop.config import Config
from shortstop.errors import Declined, ModelFileError
from shortstop.registry.placements import FOLDER
from shortstop.serving.engines.slots import Slots
from shortstop.specialists.adapter.files import WEIGHTS, dump_adapter
from shortstop.specialists.adapter.specialist import AdapterSpecialist
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.novelty import Wordings
from shortstop.specialists.opinion import Gate
from shortstop.types import Target
from tests.app.parts import EngineFactory, Home, soon, turns
from tests.app.test_adapted_engine import REQUEST
from tests.registry.samples import write as write_model

SHA = "0" * 64
SLOTS = Slots(2, 4)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With one installed model, `tiny`."""
    registry.open(tmp_path).link("tiny", write_model(tmp_path / "tiny.gguf"), sha256=SHA)
    made = Home(tmp_path)
    made.configure('[models.small]\nsource = "tiny"\n')
    return made


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> EngineFactory:
    made = EngineFactory()
    monkeypatch.setattr(engines, "EmbeddedServer", made)
    return made


def kept(home: Home, data: bytes = b"GGUF1", base: str = SHA) -> str:
    known = AdapterSpecialist(base, Wordings.of(["sum up the call"]), 100, 50)
    manifest = Manifest("adapter", "acme", "mail", Gate({"all": 0.5}), Lineage("d", 1, (), 1.0))
    return write(home.folder / FOLDER, manifest, dump_adapter(known, data)).name


def target(name: str, kind: str = "adapter") -> Target:
    return Target(name, name, local=True, provider="shortstop", context=9, specialist=kind)


def targets(*names: str) -> dict[str, Target]:
    return {name: target(name) for name in names}


async def follow(
    adapters: Adapters, config: Config, placed: dict[str, Target], *, alone: bool = True
) -> None:
    """Beside plain engines that nobody started."""
    plain = {
        name: Engine(model, local_target(name, model, name, 2048), SLOTS)
        for name, model in config.models.items()
    }
    await adapters.follow(config, plain, placed, alone=alone)


def loaded(factory: EngineFactory) -> list[list[str]]:
    """The specialists whose adapters each living engine has."""
    return [[Path(p).parent.name for p in engine.options.adapters] for engine in factory.alive]


async def test_the_adapters_of_the_placed_are_loaded_and_others_are_not(
    home: Home, factory: EngineFactory
) -> None:
    one, two = kept(home), kept(home, b"GGUF2")
    adapters = Adapters(home.folder)
    placed = {**targets(one), "label-head-1": target("label-head-1", "label-head")}
    await follow(adapters, home.config, placed)
    assert loaded(factory) == [[one]]
    await follow(adapters, home.config, targets(one, two))
    assert loaded(factory)[-1] == [one, two]
    await follow(adapters, home.config, {})
    await adapters.close()
    assert factory.alive == []


async def test_where_nobody_has_an_adapter_nothing_is_read_or_started(
    home: Home, factory: EngineFactory
) -> None:
    adapters = Adapters(home.folder / "nowhere")
    await follow(adapters, home.config, {"big": target("big", "tools")})
    assert factory.made == []


async def test_one_that_was_tampered_with_is_not_loaded_and_the_others_are(
    home: Home, factory: EngineFactory, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = kept(home), kept(home, b"GGUF2")
    (home.folder / FOLDER / bad / WEIGHTS).write_bytes(b"GGUF3")
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(good, bad))
    assert loaded(factory) == [[good]]
    assert f"{bad} is not what was promoted: {WEIGHTS} differs. It answers nothing." in caplog.text
    with pytest.raises(Declined):
        await adapters.model(bad).answer(REQUEST)
    await adapters.close()


async def test_an_adapter_of_another_model_is_not_loaded(
    home: Home, factory: EngineFactory, caplog: pytest.LogCaptureFixture
) -> None:
    other = kept(home, base="1" * 64)
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(other))
    assert factory.made == []
    assert f"{other} is an adapter of a model that is not served here" in caplog.text


async def test_an_engine_that_does_not_start_is_said_so(
    home: Home, factory: EngineFactory, caplog: pytest.LogCaptureFixture
) -> None:
    factory.error = ModelFileError("the adapter does not fit")
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(kept(home)))
    assert "'small' is not there under adapters: the adapter does not fit" in caplog.text
    await adapters.close()


async def test_several_processes_have_no_adapters(
    home: Home, factory: EngineFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Each would start an engine of its own."""
    caplog.set_level(logging.ERROR)
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(kept(home)), alone=False)
    assert factory.made == []
    assert "one process alone" in caplog.text


async def test_a_model_with_other_settings_is_started_anew(
    home: Home, factory: EngineFactory
) -> None:
    one = kept(home)
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(one))
    home.configure('[models.small]\nsource = "tiny"\nslots = 1\n')
    config: Config = home.config
    await follow(adapters, config, targets(one))
    await soon(factory.made[0].stopped)
    assert [engine.state for engine in factory.made] == ["stopped", "ready"]
    await adapters.close()


async def test_more_adapters_than_an_engine_holds_are_left_out_in_order(
    home: Home, factory: EngineFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters_module, "MOST", 1)
    one, two = kept(home), kept(home, b"GGUF2")
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(two, one))
    assert loaded(factory) == [[two]]
    await adapters.close()


async def test_an_engine_under_adapters_shares_the_queue_of_the_plain_one(
    home: Home, factory: EngineFactory
) -> None:
    """Both compute on the same cores: background work for one must see the other's clients."""
    config = home.config
    models = registry.open(home.folder)
    named = "small", config.models["small"], models, config.engine
    shared = engine_under(*named, SLOTS, ("/a.gguf",))
    own = engine_under(*named, None, ("/a.gguf",))
    assert shared.slots is SLOTS
    assert own.slots is not SLOTS
    assert [server.options.adapters for server in factory.made] == [("/a.gguf",)] * 2


async def test_who_is_answering_when_the_last_adapter_goes_answers_to_the_end(
    home: Home, factory: EngineFactory
) -> None:
    one = kept(home)
    adapters = Adapters(home.folder)
    await follow(adapters, home.config, targets(one))
    (engine,) = (engine for _, engine in adapters._engines.values())
    with engine.under(one):
        await follow(adapters, home.config, {})
        await turns()
        assert factory.alive
    await soon(factory.made[0].stopped)
    with pytest.raises(Declined):
        await adapters.model(one).answer(REQUEST)
    await adapters.close()
