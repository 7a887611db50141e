"""The local model in the workshop: what it lacks is said, and it is asked everything once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from math import exp, log
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop import registry
from shortstop.app import adapter_bench
from shortstop.app.adapter_bench import LocalBench
from shortstop.app.engines import Engine, local_target
from shortstop.app.workshop import Workshop
from shortstop.config import ModelConfig
from shortstop.errors import ConfigError, EngineDown, ModelFileError, StoreError
from shortstop.flywheel.trainer import NotLearned, Written
from shortstop.ports import Backend
from shortstop.registry.placements import FOLDER
from shortstop.serving.engines.slots import Slots
from shortstop.specialists.adapter.files import dump_adapter
from shortstop.specialists.adapter.specialist import AdapterSpecialist
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.novelty import Wordings
from shortstop.specialists.opinion import Gate
from shortstop.specialists.query import Query
from shortstop.types import Choice, Chunk, Reply, Request, Text, TokenLogprob
from tests.app.parts import Home, ScriptedEngine
from tests.registry.samples import gguf
from tests.registry.samples import write as write_model

CONFIG = '[models.small]\nsource = "tiny"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.configure(CONFIG)
    return made


def install(home: Home, architecture: str = "llama") -> None:
    content = gguf(keys={"general.architecture": architecture, f"{architecture}.block_count": 3})
    file = write_model(home.folder / "tiny.gguf", content)
    registry.open(home.folder).link("tiny", file, sha256="0" * 64)


def bench(home: Home) -> LocalBench:
    return LocalBench(home.config, home.env, home.folder / "workshop")


class Echo:
    """Repeats what it is asked; `!down` it does not answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def answer(self, request: Request) -> Reply:
        text = request.messages[-1].text
        self.asked.append(text)
        if text == "!down":
            raise EngineDown("down")
        logprobs = (TokenLogprob(text, log(0.9)),)
        return Reply(
            "r", "m", (Choice(parts=(Text(f" {text} "),), finish="stop", logprobs=logprobs),)
        )

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        yield Chunk(finish="stop")


class Scripted:
    """Takes the place of the engine under an adapter; `files` are those it was started with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.echo, self.files, self.servers = Echo(), [Path()], [ScriptedEngine()]
        self.files.clear()
        self.servers.clear()
        monkeypatch.setattr(adapter_bench, "engine_under", self.engine)
        monkeypatch.setattr(adapter_bench, "backend_under", self.backend)

    def engine(self, name: str, model: ModelConfig, *rest: object) -> Engine:
        (path,) = rest[-1]  # type: ignore[misc]
        assert Path(path).read_bytes() == b"GGUF"
        self.files.append(Path(path))
        self.servers.append(ScriptedEngine())
        target = local_target(name, model, name, 2048)
        return Engine(model, target, Slots(1, 1), self.servers[-1])

    def backend(self, engine: Engine, place: int) -> Backend:
        return self.echo


@pytest.fixture
def engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    install(home)
    return Scripted(monkeypatch)


def test_everything_is_asked_once_and_the_engine_ends(home: Home, engine: Scripted) -> None:
    one = bench(home)
    first = one.write(b"GGUF", [Query("a"), Query("!down"), Query("b")], 20)
    assert first == [Written("a", pytest.approx(0.9)), None, Written("b", pytest.approx(0.9))]
    again = one.write(b"GGUF", [Query("b"), Query("c"), Query("!down")], 20)
    assert [w.answer if w else None for w in again] == ["b", "c", None]
    assert engine.echo.asked == ["a", "!down", "b", "c"]
    assert [server.state for server in engine.servers] == ["stopped", "stopped"]
    assert not [file for file in engine.files if file.exists()], "weights are not left behind"


def test_when_its_time_is_up_nobody_is_asked(home: Home, engine: Scripted) -> None:
    one = bench(home)
    one.seconds = 0.0
    assert one.write(b"GGUF", [Query("a")], 20) == [None]
    assert engine.servers == []


def test_an_engine_that_does_not_start_answers_nothing_and_says_so(
    home: Home, engine: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(engine: Engine) -> Engine:
        raise ModelFileError("damaged")

    monkeypatch.setattr(adapter_bench, "started", fails)
    assert bench(home).write(b"GGUF", [Query("a")], 20) == [None]
    assert "cannot be asked under an adapter: damaged" in caplog.text


def test_what_is_missing_is_said_in_the_order_of_what_it_costs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotLearned, match="'small' is no model"):
        bench(home).require()
    install(home, "gemma3")
    monkeypatch.setattr(adapter_bench, "missing", lambda: ["torch"])
    with pytest.raises(NotLearned, match=r"extra \[adapter\], of which torch is not"):
        bench(home).require()
    monkeypatch.setattr(adapter_bench, "missing", list)
    with pytest.raises(NotLearned, match="architecture gemma3"):
        bench(home).require()
    home.configure(CONFIG + "[learning]\nadapter_minutes = 0\n")
    with pytest.raises(NotLearned, match="`adapter_minutes`"):
        bench(home).require()


def test_a_model_that_fits_lacks_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    install(home)
    monkeypatch.setattr(adapter_bench, "missing", list)
    one = bench(home)
    one.require()
    assert (one.base, one.seconds) == ("0" * 64, 1200.0)


def test_without_a_local_model_there_is_no_bench(home: Home) -> None:
    config = replace(home.config, models={})
    with pytest.raises(ConfigError):
        LocalBench(config, home.env, home.folder / "workshop")
    assert Workshop(config, home.env).bench is None


# ------------------------------------------------------------ on the workshop's shelf


def kept(home: Home, base: str) -> str:
    known = AdapterSpecialist(base, Wordings.of(["sum up the call"]), 100, 50)
    manifest = Manifest("adapter", "acme", "mail", Gate({"all": 0.5}), Lineage("d", 1, (), 1.0))
    return write(home.folder / FOLDER, manifest, dump_adapter(known, b"GGUF")).name


def test_the_workshop_asks_the_engine_what_an_adapter_answers(home: Home, engine: Scripted) -> None:
    name = kept(home, "0" * 64)
    learned = Workshop(home.config, home.env).shelf().take(name)
    (opinion,) = learned.specialist.opine([Query("sum up the call")])
    assert opinion is not None
    assert (opinion.answer, opinion.writes) == ("sum up the call", 0)
    assert opinion.confidence == pytest.approx(exp(log(0.9)))


def test_an_adapter_of_another_model_is_none_here(home: Home, engine: Scripted) -> None:
    name = kept(home, "1" * 64)
    with pytest.raises(StoreError, match="not the local one here"):
        Workshop(home.config, home.env).shelf().take(name)
