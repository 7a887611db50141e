"""The router's learned state on disk: saved whole or not at all, and never in the start's way."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from shortstop import private_files, routing
from shortstop.app import learned_state
from shortstop.app.gateway import Shortstop
from shortstop.app.learned_state import LearnedState
from shortstop.routing import State
from shortstop.traces.keyfile import read_keys
from shortstop.traces.seal import Seal
from shortstop.traces.sealed_state import sealed_state
from shortstop.workers.context import WorkerContext
from shortstop.workers.news import Lost, News
from tests.app.parts import Home


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "brain.bin"


def snapshot(draws: int) -> bytes:
    state = State()
    state.prepare(routing.packaged())
    state.draws = draws
    return routing.dump_state(state)


def draws_in(file: Path, seal: Seal | None = None) -> int:
    state = LearnedState(file, None, seal).load()
    assert state is not None
    return state.draws


# ------------------------------------------------------------ loading


def test_what_was_saved_is_loaded(file: Path) -> None:
    LearnedState(file, None).save(lambda: snapshot(7))
    assert draws_in(file) == 7


def test_the_first_start_has_learned_nothing(file: Path) -> None:
    assert LearnedState(file, None).load() is None


@pytest.mark.parametrize(
    "content", [b"", b"garbage", snapshot(7)[:-1], snapshot(7)[:30], snapshot(7) + b"x"]
)
def test_a_state_that_cannot_be_read_does_not_stop_the_start(
    file: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file.write_bytes(content)
    assert LearnedState(file, None).load() is None
    assert "brain.bin" in caplog.text


async def test_a_gateway_starts_without_the_state_that_it_cannot_read(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    (home.folder / "brain.bin").write_bytes(b"garbage")
    gateway = Shortstop(home.config, home.source)
    async with gateway.running():
        assert gateway.readiness().ready
    assert "brain.bin" in caplog.text


async def test_a_gateway_goes_on_where_it_ended(home: Home) -> None:
    for draws in (1, 2):
        gateway = Shortstop(home.config, home.source)
        async with gateway.running():
            gateway._runtime.learned.state.draws += 1
        seal = Seal(*read_keys(home.folder / "content.key"))
        assert draws_in(home.folder / "brain.bin", seal) == draws


# ------------------------------------------------------------ saving


def test_a_crash_before_the_end_of_a_save_leaves_the_old_state(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = LearnedState(file, None)
    state.save(lambda: snapshot(1))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            state.save(lambda: snapshot(2))
    assert draws_in(file) == 1
    state.save(lambda: snapshot(3))
    assert draws_in(file) == 3, "what the crash left is not in the way"


def test_a_full_disk_leaves_the_old_state(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = LearnedState(file, None)
    state.save(lambda: snapshot(1))

    def half(fd: int, data: bytes, *, flush: bool) -> None:
        os.write(fd, data[: len(data) // 2])
        os.close(fd)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(private_files, "_write", half)
        with pytest.raises(OSError, match="No space"):
            state.save(lambda: snapshot(2))
    assert draws_in(file) == 1
    assert list(file.parent.iterdir()) == [file], "nothing half-written stays behind"


SEAL = Seal("key")
PLAIN = snapshot(7)
SEALED = sealed_state(SEAL, PLAIN)
FLIPPED = [*range(40), *random.Random(12).sample(range(40, len(SEALED)), 60)]
"""The whole head, and places all over the rest."""


@pytest.mark.parametrize(
    "damaged",
    [
        *(SEALED[:i] + bytes([SEALED[i] ^ 1 << i % 8]) + SEALED[i + 1 :] for i in FLIPPED),
        *(SEALED[:i] for i in FLIPPED),
        SEALED + b"x",
    ],
    ids=lambda data: str(len(data)),
)
def test_no_byte_changes_unnoticed(
    file: Path, caplog: pytest.LogCaptureFixture, damaged: bytes
) -> None:
    file.write_bytes(damaged)
    assert LearnedState(file, None, SEAL).load() is None
    assert "brain.bin" in caplog.text
    (aside,) = file.parent.iterdir()
    assert aside.read_bytes() == damaged, "set aside, not lost"


@pytest.mark.parametrize("seal", [None, Seal("another")])
def test_without_its_key_a_state_is_set_aside_under_that_name(
    file: Path, caplog: pytest.LogCaptureFixture, seal: Seal | None
) -> None:
    file.write_bytes(SEALED)
    assert LearnedState(file, None, seal).load() is None
    assert "brain.bin.sealed-" in caplog.text


def test_a_state_from_before_there_was_a_key_is_loaded_and_sealed_when_it_is_saved(
    file: Path,
) -> None:
    file.write_bytes(snapshot(7))
    state = LearnedState(file, None, SEAL)
    assert draws_in(file, SEAL) == 7
    state.save(lambda: snapshot(8))
    assert file.read_bytes().startswith(b"shortstop-sealed-state-1 " + SEAL.id.encode())
    assert draws_in(file, SEAL) == 8


def test_a_snapshot_from_before_with_any_byte_altered_is_no_crash(file: Path) -> None:
    for place in range(0, len(PLAIN), max(1, len(PLAIN) // 300)):
        file.write_bytes(PLAIN[:place] + bytes([PLAIN[place] ^ 0x55]) + PLAIN[place + 1 :])
        LearnedState(file, None, SEAL).load()


def test_of_several_workers_the_leader_alone_saves_what_all_have_learned(file: Path) -> None:
    leader, other = (WorkerContext(file.parent / "run", i) for i in range(2))
    heard: dict[int, list[News]] = {0: [], 1: []}
    leader.listen(lambda event: heard[0].append(event.item))
    other.listen(lambda event: heard[1].append(event.item))
    other.publish(1, Lost("req_1", "small"))
    leader.publish(1, Lost("req_2", "small"))
    LearnedState(file, other).save(lambda: snapshot(1))
    assert not file.exists()
    assert heard[1] == [Lost("req_2", "small")], "it has caught up all the same"
    LearnedState(file, leader).save(lambda: snapshot(len(heard[0])))
    assert draws_in(file) == 1, "the news came before the snapshot was taken"
    for crew in (leader, other):
        crew.close()


async def test_it_is_saved_now_and_then_and_a_failure_does_not_end_that(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(learned_state, "SAVE_SECONDS", 0)
    saves, enough = 0, asyncio.Event()

    def taken() -> bytes:
        nonlocal saves
        saves += 1
        if saves == 2:
            raise OSError(28, "No space left on device")
        if saves == 4:
            enough.set()
        return snapshot(saves)

    saver = asyncio.create_task(LearnedState(file, None).keep_saving(taken))
    await enough.wait()
    saver.cancel()
    await asyncio.gather(saver, return_exceptions=True)
    assert draws_in(file) >= 3
    assert caplog.text.count("could not be saved: No space left on device") == 1
