"""How fast the engine is here: measured once, and the fewest threads that are good enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.errors import EngineDown
from shortstop.registry import ModelRecord
from shortstop.serving.engines.embedded import EmbeddedServer, Tuning
from shortstop.serving.engines.machine import Machine
from shortstop.serving.engines.options import EngineOptions
from shortstop.serving.engines.speed import Speed, SpeedBook, SpeedTable, calibrate, candidates

OPTIONS = EngineOptions(threads=1, context=1024, slots=1, batch_threads=2)


def speed(threads: int, decode: float) -> Speed:
    return Speed(threads, 2, 200.0, decode)


@pytest.mark.parametrize(
    ("measured", "taken"),
    [
        ([(1, 100.0), (2, 105.0)], 1),  # the second core is worth more to everybody else
        ([(1, 100.0), (2, 150.0)], 2),
        ([(1, 100.0), (2, 20.0)], 1),
        ([(4, 80.0), (7, 99.0), (8, 100.0)], 7),
    ],
)
def test_the_fewest_threads_that_are_about_as_fast(
    measured: list[tuple[int, float]], taken: int
) -> None:
    assert SpeedTable(tuple(speed(*one) for one in measured)).best.threads == taken


@pytest.mark.parametrize(("cores", "tried"), [(1, [1]), (2, [1, 2]), (8, [4, 7, 8])])
def test_what_is_tried(cores: int, tried: list[int]) -> None:
    assert candidates(Machine(cores, cores, cores, None, 1, None, 1)) == tried


async def test_what_runs_counts_and_what_does_not_run_is_said() -> None:
    async def only_one(options: EngineOptions) -> Speed:
        if options.threads > 1:
            raise EngineDown("not with two")
        return speed(options.threads, 50.0)

    assert (await calibrate(OPTIONS, [1, 2], only_one)).best.threads == 1
    with pytest.raises(EngineDown, match="not with two"):
        await calibrate(OPTIONS, [2, 1], only_one)


def test_it_is_kept_by_machine_and_model(tmp_path: Path) -> None:
    book, model = SpeedBook(tmp_path / "speeds.json"), tmp_path / "a.gguf"
    model.write_bytes(b"weights")
    assert book.find(model) is None
    book.keep(model, SpeedTable((speed(2, 80.0),)))
    assert book.find(model) == SpeedTable((speed(2, 80.0),))
    assert book.find(tmp_path / "b.gguf") is None
    model.write_bytes(b"other weights")
    assert book.find(model) is None


@pytest.mark.parametrize("kept", [b"", b"\xff", b'{"x": {"speeds": 3}}', b'{"x": {"speeds": []}}'])
def test_a_damaged_book_is_an_empty_one(tmp_path: Path, kept: bytes) -> None:
    book = SpeedBook(tmp_path / "speeds.json")
    book.path.write_bytes(kept)
    assert book.find(tmp_path / "x") is None
    book.keep(tmp_path / "x", SpeedTable((speed(1, 9.0),)))
    assert book.find(tmp_path / "x") is not None


def test_a_folder_that_cannot_be_written_costs_no_start(tmp_path: Path) -> None:
    SpeedBook(tmp_path / "absent" / "speeds.json").keep(tmp_path, SpeedTable((speed(1, 9.0),)))


async def test_a_start_measures_once(model: ModelRecord, tmp_path: Path) -> None:
    book = SpeedBook(tmp_path / "speeds.json")
    server = EmbeddedServer(model.path, OPTIONS, tuning=Tuning(book))
    await server.start()
    await server.stop()
    found = book.find(model.path)
    assert found is not None
    assert all(one.decode > 0 and one.prefill > 0 for one in found.speeds)
    assert server.options.threads == found.best.threads
    book.keep(model.path, SpeedTable((speed(1, 50.0),)))
    again = EmbeddedServer(model.path, OPTIONS, tuning=Tuning(book))
    await again.start()
    await again.stop()
    assert again.options.threads == 1
