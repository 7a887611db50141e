"""Engines under adapters: one takes the other's place, and nobody's answer is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.app.adapted_engine import AdaptedEngine, AdapterModel
from shortstop.app.engines import Engine, local_target
from shortstop.config import ModelConfig
from shortstop.errors import Declined, ModelFileError
from shortstop.serving.engines.slots import Slots
from shortstop.types import Message, Request, Sampling, Text
from tests.app.parts import ScriptedEngine, soon, turns
from tests.server.scripted import ScriptedModel

CONFIG = ModelConfig(source="tiny")
REQUEST = Request(
    "req_1", "openai.chat", {}, "small", (Message("user", (Text("!say as told"),)),),
    sampling=Sampling(max_tokens=20),
)  # fmt: skip


class Factory:
    """Makes engines at `url`; remembers which files each was given."""

    def __init__(self, url: str = "http://127.0.0.1:9") -> None:
        self.url = url
        self.made: list[tuple[tuple[str, ...], ScriptedEngine]] = []
        self.error: Exception | None = None

    def __call__(self, paths: tuple[str, ...]) -> Engine:
        server = At(self.url, self.error)
        self.made.append((paths, server))
        return Engine(CONFIG, local_target("small", CONFIG, "tiny", 2048), Slots(2, 4), server)

    @property
    def states(self) -> list[str]:
        return [server.state for _, server in self.made]


class At(ScriptedEngine):
    def __init__(self, url: str, error: Exception | None) -> None:
        super().__init__(error)
        self._url = url

    async def start(self) -> None:
        await super().start()
        self.enter("ready", self._url)


def files(*names: str) -> dict[str, Path]:
    return {name: Path(f"/{name}.gguf") for name in names}


async def test_each_request_names_its_adapter_by_its_place() -> None:
    async with ScriptedModel().running() as model:
        adapted = AdaptedEngine(Factory(model.url))
        await adapted.serve(files("a", "b"))
        for name in ("b", "a"):
            reply = await AdapterModel(name, lambda: [adapted]).answer(REQUEST)
            assert reply.text == "as told "
        chunks = [c async for c in AdapterModel("b", lambda: [adapted]).stream(REQUEST)]
        assert "".join(c.text for c in chunks) == "as told "
        await adapted.close()
    asked = [body["lora"] for body in model.bodies]
    assert asked == [[{"id": place, "scale": 1.0}] for place in (1, 0, 1)]


async def test_an_adapter_that_is_not_there_is_declined() -> None:
    adapted = AdaptedEngine(Factory())
    with pytest.raises(Declined, match="adapter yet"):
        await AdapterModel("a", lambda: [adapted]).answer(REQUEST)
    await adapted.serve(files("a"))
    with pytest.raises(Declined, match="adapter yet"):
        await AdapterModel("b", lambda: [adapted]).answer(REQUEST)
    await adapted.close()


async def test_the_same_adapters_in_another_order_start_nothing() -> None:
    factory = Factory()
    adapted = AdaptedEngine(factory)
    await adapted.serve(files("a", "b"))
    await adapted.serve(files("b", "a"))
    assert [paths for paths, _ in factory.made] == [("/a.gguf", "/b.gguf")]
    await adapted.close()
    assert factory.states == ["stopped"]


async def test_the_old_engine_ends_when_its_last_answer_is_done_and_not_before() -> None:
    factory = Factory()
    adapted = AdaptedEngine(factory)
    await adapted.serve(files("a"))
    with adapted.under("a"):
        with adapted.under("a"):
            await adapted.serve(files("a", "b"))
            assert adapted.names == ("a", "b")
            await turns()
            assert factory.states == ["ready", "ready"]
        await turns()
        assert factory.states == ["ready", "ready"], "one is still answering"
    await soon(factory.made[0][1].stopped)
    assert factory.states == ["stopped", "ready"]
    await adapted.close()


async def test_who_takes_too_long_does_not_keep_the_old_engine_for_ever() -> None:
    factory = Factory()
    adapted = AdaptedEngine(factory, drain_s=0.01)
    await adapted.serve(files("a"))
    with adapted.under("a"):
        await adapted.serve(files("b"))
        await soon(factory.made[0][1].stopped)
    await adapted.close()


async def test_an_engine_that_does_not_start_changes_nothing() -> None:
    factory = Factory()
    adapted = AdaptedEngine(factory)
    await adapted.serve(files("a"))
    factory.error = ModelFileError("a damaged adapter")
    with pytest.raises(ModelFileError):
        await adapted.serve(files("a", "b"))
    assert adapted.names == ("a",)
    assert factory.states == ["ready", "failed"]
    await adapted.close()


async def test_without_adapters_there_is_no_engine() -> None:
    factory = Factory()
    adapted = AdaptedEngine(factory)
    await adapted.serve({})
    assert factory.made == []
    await adapted.serve(files("a"))
    await adapted.serve({})
    await soon(factory.made[0][1].stopped)
    assert adapted.names == ()
