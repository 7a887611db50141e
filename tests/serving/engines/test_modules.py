"""CPU modules: tried in a child of their own, taken where they are sound and faster."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shortstop.errors import ModelFileError
from shortstop.registry import ModelRecord
from shortstop.serving.engines.cpu_module import best_module
from shortstop.serving.engines.embedded import EmbeddedServer, Tuning
from shortstop.serving.engines.modules import EngineRun, ModuleBook, ModuleVerdict, found, judged
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.engines.speed import Speed

OPTIONS = EngineOptions(threads=1, context=512, slots=1, cache_mib=0)
SAID = (" Paris", "The", "A")


def run(prefill: float, decode: float, said: tuple[str, ...] = SAID) -> EngineRun:
    return EngineRun(Speed(1, 1, prefill, decode), said)


@pytest.mark.parametrize(
    ("module", "good"),
    [
        (run(400, 100), True),
        (run(100, 60), True),
        (run(101, 51), False),  # no faster
        (run(400, 30), False),  # reads faster, generates slower
        (run(400, 100, ("�", "qq")), False),  # nonsense
        (run(400, 100, ()), False),
        (run(400, 100, ("The", " Paris")), True),  # another order of the same words
    ],
)
def test_it_must_be_sound_and_faster(module: EngineRun, good: bool) -> None:
    assert judged(run(100, 50), module).good is good


def test_where_modules_are_looked_for(tmp_path: Path) -> None:
    assert found("wheel", tmp_path) == []
    assert found("auto", tmp_path) == []
    assert found(str(tmp_path / "absent"), tmp_path) == []
    module = tmp_path / "kernels" / "libggml-cpu-zen4.so"
    module.parent.mkdir()
    module.write_bytes(b"")
    assert found("auto", tmp_path) == [str(module.parent)]
    assert found(str(module), tmp_path) == [str(module)]
    assert found("wheel", tmp_path) == []


async def test_a_verdict_is_kept_until_the_module_changes(tmp_path: Path) -> None:
    module = tmp_path / "kernels" / "libggml-cpu-zen4.so"
    module.parent.mkdir()
    module.write_bytes(b"one")
    (tmp_path / "models").mkdir()
    book, model, tried = ModuleBook(tmp_path / "models" / "m.json"), tmp_path / "m", list[str]()

    async def attempt(options: EngineOptions) -> EngineRun:
        tried.append(options.cpu)
        if options.cpu and module.read_bytes() == b"bad":
            raise ModelFileError("The engine could not load it: this processor lacks instructions.")
        return run(300, 90) if options.cpu else run(100, 50)

    for _ in range(2):
        assert await book.choose(model, OPTIONS, attempt) == str(module.parent)
    assert tried == ["", str(module.parent)] * 2
    module.write_bytes(b"bad")
    for _ in range(2):
        assert await book.choose(model, OPTIONS, attempt) == ""
    assert len(tried) == 6
    kept = book.known(model, str(module.parent))
    assert kept == ModuleVerdict(
        False, "The engine could not load it: this processor lacks instructions."
    )


def test_what_is_no_module_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no CPU module"):
        best_module(tmp_path)
    (tmp_path / "libggml-cpu-x.so").write_bytes(b"no library")
    with pytest.raises(RuntimeError, match="no CPU module: "):
        best_module(tmp_path)


async def test_an_engine_with_a_broken_module_starts_with_the_wheel_s_code(
    model: ModelRecord, tmp_path: Path
) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    libc = Path("/lib/x86_64-linux-gnu/libc.so.6")
    if not libc.exists():
        pytest.skip("no library to stand in for a module")
    shutil.copy(libc, folder / "libggml-cpu-broken.so")
    (tmp_path / "models").mkdir()
    book = ModuleBook(tmp_path / "models" / "modules.json")
    server = EmbeddedServer(model.path, OPTIONS, tuning=Tuning(modules=book))
    await server.start()
    await server.stop()
    assert server.options.cpu == ""
    verdict = book.known(model.path, str(folder))
    assert verdict is not None
    assert not verdict.good
    assert "no CPU module" in verdict.why
