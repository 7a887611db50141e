"""Several workers on one machine: who dies is replaced, who cannot start says so, none is left.

Its workers and engines are scripted here; tests/server/test_workers.py has real ones.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shortstop.accounts import Accounts, Grant
from shortstop.app import supervisor as module
from shortstop.app.supervisor import FIRST_PAUSE, LONGEST_PAUSE, Supervisor
from shortstop.errors import ConfigError, ModelFileError
from shortstop.stores import Paths, open_stores
from shortstop.workers.addresses import SupervisedEngine
from shortstop.workers.slots import SharedSlotTable, file_of
from shortstop.workers.spec import WorkerSpec
from tests.app.parts import SMALL, VENDOR, EngineFactory, Home, soon, turns
from tests.conftest import FakeClock

FOUR = "\n[server]\nport = 0\nworkers = 4\ndrain_seconds = 0.001\n"


class ScriptedProcess:
    """A worker without a process: it lives until it is killed, or told to leave if it is polite."""

    def __init__(self, spec: WorkerSpec, env: dict[str, str]) -> None:
        self.spec = spec
        self.env = env
        self.pid = 10_000 + spec.index
        self.returncode: int | None = None
        self.signals: list[signal.Signals] = []
        self.polite = True
        self._ended = asyncio.Event()

    def die(self, code: int = -9) -> None:
        self.returncode = code
        self._ended.set()

    def send_signal(self, number: int) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        sent = signal.Signals(number)
        self.signals.append(sent)
        if sent == signal.SIGKILL or (sent == signal.SIGTERM and self.polite):
            self.die(-number)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode


class Workers:
    """Stands in for `create_subprocess_exec`. Every worker answers, unless `fails` is set."""

    def __init__(self) -> None:
        self.started: list[ScriptedProcess] = []
        self.fails: BaseException | int | None = None
        """An exit code of the next workers, or why they cannot even be run."""
        self._more = asyncio.Event()

    async def __call__(
        self, *command: str, pass_fds: tuple[int, ...], env: dict[str, str]
    ) -> ScriptedProcess:
        assert command[1:3] == ("-m", "shortstop.app.worker")
        spec = msgspec.json.decode(command[3], type=WorkerSpec)
        assert pass_fds == (spec.socket, spec.ready)
        if isinstance(self.fails, BaseException):
            self._more.set()
            raise self.fails
        process = ScriptedProcess(spec, env)
        self.started.append(process)
        if self.fails is not None:
            process.die(self.fails)
        else:
            os.write(spec.ready, b"1")
        self._more.set()
        return process

    async def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._more.clear()
            await soon(self._more)

    @property
    def alive(self) -> list[ScriptedProcess]:
        return [process for process in self.started if process.returncode is None]

    def latest(self, index: int) -> ScriptedProcess:
        return [process for process in self.started if process.spec.index == index][-1]


@pytest.fixture
async def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    workers = Workers()
    monkeypatch.setattr(module.asyncio, "create_subprocess_exec", workers)
    return workers


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the supervisor would have waited each time; it does not."""
    pauses: list[float] = []
    really = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await really(0)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return pauses


def made(home: Home, text: str = SMALL + VENDOR + FOUR) -> Supervisor:
    home.configure(text)
    return Supervisor(home.config, home.source)


@pytest.fixture
async def house(
    home: Home, workers: Workers, factory: EngineFactory
) -> AsyncIterator[Callable[..., Any]]:
    """Runs a supervisor until all workers answer; ends it with the test."""
    running: list[tuple[Supervisor, asyncio.Task[None]]] = []

    async def run(text: str = SMALL + VENDOR + FOUR) -> Supervisor:
        supervisor = made(home, text)
        task = asyncio.create_task(supervisor.run())
        running.append((supervisor, task))
        await workers.until(lambda: len(workers.started) == supervisor._count or task.done())
        await turns()
        return supervisor

    yield run
    for supervisor, task in running:
        supervisor._leaving.set()
        async with asyncio.timeout(10):
            await asyncio.gather(task, return_exceptions=True)


# ------------------------------------------------------------ one place, one key


async def test_two_supervisors_do_not_share_a_home(home: Home) -> None:
    first, second = made(home)._alone(), made(home)
    with first, pytest.raises(ConfigError, match="Another gateway"), second._alone():
        pass
    with second._alone():
        pass


async def test_what_an_earlier_supervisor_left_is_gone(home: Home) -> None:
    stale = home.folder / "run" / "slots-2-small"
    stale.parent.mkdir()
    stale.write_bytes(b"held by the dead")
    with made(home)._alone():
        assert {path.name for path in stale.parent.iterdir()} == {"metrics", "config.json"}
        assert stale.parent.joinpath("metrics").stat().st_mode & 0o077 == 0


async def test_a_second_supervisor_does_not_touch_what_the_first_shares(home: Home) -> None:
    with made(home)._alone():
        shared = home.folder / "run" / "engines.json"
        shared.write_text("{}")
        with pytest.raises(ConfigError), made(home)._alone():
            pass
        assert shared.exists()


async def test_workers_have_one_privacy_key_even_where_the_operator_has_none(
    house: Any, workers: Workers, home: Home
) -> None:
    await house()
    keys = {process.env["SHORTSTOP_PRIVACY_KEY"] for process in workers.started}
    assert len(keys) == 1
    assert len(bytes.fromhex(keys.pop())) == 32
    assert "SHORTSTOP_PRIVACY_KEY" not in home.env


async def test_the_operators_own_key_is_kept(house: Any, workers: Workers, home: Home) -> None:
    home.env["SHORTSTOP_PRIVACY_KEY"] = "a long random text"
    await house()
    assert {process.env["SHORTSTOP_PRIVACY_KEY"] for process in workers.started} == {
        "a long random text"
    }


# ------------------------------------------------------------ starting


async def test_every_worker_gets_the_socket_its_number_and_the_command_line(
    house: Any, workers: Workers, home: Home
) -> None:
    await house()
    specs = [process.spec for process in workers.started]
    assert sorted(spec.index for spec in specs) == [0, 1, 2, 3]
    assert len({spec.socket for spec in specs}) == 1
    assert {spec.config for spec in specs} == {str(home.file)}
    assert {spec.folder for spec in specs} == {str(home.folder / "run")}
    assert {process.env["VENDOR_KEY"] for process in workers.started} == {"sk-vendor"}
    folders = {process.env["PROMETHEUS_MULTIPROC_DIR"] for process in workers.started}
    assert [Path(folder).is_dir() for folder in folders] == [True]


async def test_a_worker_that_cannot_start_stops_the_start(
    home: Home, workers: Workers, factory: EngineFactory
) -> None:
    workers.fails = 2
    supervisor = made(home, home.embed() + FOUR)
    with pytest.raises(ConfigError, match=r"Worker \d could not start"):
        await supervisor.run()
    assert workers.alive == []
    assert factory.alive == []
    with supervisor._alone():
        pass  # the place is free again


async def test_an_engine_that_cannot_start_stops_the_start_before_any_worker(
    home: Home, workers: Workers, factory: EngineFactory
) -> None:
    factory.error = ModelFileError("damaged")
    with pytest.raises(ModelFileError):
        await made(home, home.embed("small") + home.embed("mid") + FOUR).run()
    assert workers.started == []
    assert factory.alive == []


async def test_strangers_are_kept_out_before_anything_starts(home: Home, workers: Workers) -> None:
    text = SMALL + VENDOR + FOUR.replace("port = 0", 'port = 0\nhost = "0.0.0.0"')
    with pytest.raises(ConfigError, match="spend your money"):
        await made(home, text).run()
    assert workers.started == []


async def test_with_a_key_everybody_may_come(house: Any, home: Home, workers: Workers) -> None:
    paths = Paths(home.folder, home.folder / "traces.db")
    accounts = Accounts(open_stores(paths).accounts(), FakeClock())
    accounts.create(Grant(name="first"))
    accounts.close()
    await house(SMALL + FOUR.replace("port = 0", 'port = 0\nhost = "0.0.0.0"'))
    assert len(workers.alive) == 4


# ------------------------------------------------------------ keeping


async def test_a_worker_that_dies_is_replaced_in_its_place(
    house: Any, workers: Workers, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    await house()
    workers.latest(2).die(-11)
    await workers.until(lambda: len(workers.started) == 5)
    assert workers.started[-1].spec.index == 2
    assert len(workers.alive) == 4
    assert "worker 2 died (-11)" in caplog.text


async def test_what_a_dead_worker_held_is_free_and_what_others_hold_is_not(
    house: Any, workers: Workers, home: Home, pauses: list[float]
) -> None:
    await house()
    table = SharedSlotTable(file_of(home.folder / "run", "small", 3), 3)
    for worker in (1, 2, 2):
        table.claim(worker)
    assert table.wait(2, queue=5)
    workers.latest(2).die()
    await workers.until(lambda: len(workers.started) == 5)
    assert (table.running, table.waiting) == (1, 0)
    table.close()


async def test_the_pause_before_a_replacement_doubles_up_to_a_limit(
    house: Any, workers: Workers, pauses: list[float]
) -> None:
    await house()
    for count in range(5, 13):
        workers.latest(0).die()
        await workers.until(lambda count=count: len(workers.started) == count)
        await turns()
    expected = [min(LONGEST_PAUSE, FIRST_PAUSE * 2**n) for n in range(1, 9)]
    assert pauses == pytest.approx(expected)
    assert pauses[-1] == LONGEST_PAUSE


async def test_a_worker_that_was_well_for_a_while_is_replaced_soon(
    house: Any, workers: Workers, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEALTHY_SECONDS", -1.0)
    await house()
    for count in (5, 6, 7):
        workers.latest(0).die()
        await workers.until(lambda count=count: len(workers.started) == count)
        await turns()
    assert pauses == [FIRST_PAUSE] * 3


@pytest.mark.parametrize("failure", [2, OSError(12, "Cannot allocate memory")])
async def test_a_replacement_that_cannot_start_is_tried_again(
    house: Any,
    workers: Workers,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    failure: BaseException | int,
) -> None:
    await house()
    workers.fails = failure
    workers.latest(1).die()
    await workers.until(lambda: len(pauses) >= 3)
    workers.fails = None
    await workers.until(lambda: len(workers.alive) == 4)
    assert workers.alive[-1].spec.index == 1
    assert pauses == sorted(pauses), "each pause is longer"
    words = "Cannot allocate memory" if isinstance(failure, OSError) else "Worker 1 could not start"
    assert words in caplog.text


# ------------------------------------------------------------ engines


def engine(home: Home, name: str = "small") -> SupervisedEngine:
    """As a worker sees it."""
    return SupervisedEngine(home.folder / "run", name)


async def test_workers_find_the_engines_and_follow_them(
    house: Any, home: Home, factory: EngineFactory
) -> None:
    await house(home.embed() + FOUR)
    (server,) = factory.made
    seen = engine(home)
    assert (seen.url, seen.state, seen.api_key) == ("http://127.0.0.1:9", "ready", "engine-key")
    assert (seen.slots, seen.context_per_slot) == (server.options.slots, 4096)
    for state, url in (("restarting", None), ("ready", "http://127.0.0.1:10")):
        server.enter(state, url)
        await turns()
        assert (seen.state, seen.url) == (state, url)


async def test_a_worker_that_dies_takes_no_engine_with_it(
    house: Any, home: Home, workers: Workers, factory: EngineFactory, pauses: list[float]
) -> None:
    await house(home.embed() + FOUR)
    for process in list(workers.alive):
        process.die()
    await workers.until(lambda: len(workers.started) == 8)
    assert [server.starts for server in factory.made] == [1]
    assert engine(home).state == "ready"


# ------------------------------------------------------------ reloading


def told(workers: Workers) -> list[int]:
    return [process.signals.count(signal.SIGHUP) for process in workers.started]


async def reloaded(supervisor: Supervisor, home: Home, text: str) -> None:
    home.configure(text)
    async with asyncio.timeout(10):
        await supervisor._reload()


async def test_a_reload_starts_new_engines_and_then_tells_every_worker(
    house: Any, home: Home, workers: Workers, factory: EngineFactory
) -> None:
    supervisor = await house(home.embed("small") + FOUR)
    factory.waits = True
    home.configure(home.embed("small") + home.embed("mid") + FOUR)
    reload = asyncio.create_task(supervisor._reload())
    mid = await factory.until(2)
    await soon(mid.starting)
    assert told(workers) == [0, 0, 0, 0], "nobody reads of an engine that does not run"
    mid.may_start.set()
    await reload
    assert told(workers) == [1, 1, 1, 1]
    assert engine(home, "mid").state == "ready"
    assert [server.starts for server in factory.made] == [1, 1], "the unchanged one goes on"


async def test_sighup_reloads(house: Any, workers: Workers) -> None:
    supervisor = await house()
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(10):
        while told(workers) != [1, 1, 1, 1]:
            await asyncio.sleep(0)
    assert supervisor._tasks, "the keepers go on"


async def test_a_dead_worker_is_not_told(
    house: Any, home: Home, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 3600.0)
    supervisor = await house()
    workers.latest(0).die()
    await turns()
    await reloaded(supervisor, home, SMALL + FOUR)
    assert sorted(told(workers)) == [0, 1, 1, 1]


async def test_a_replaced_engine_is_stopped_after_the_drain_time(
    house: Any, home: Home, factory: EngineFactory
) -> None:
    supervisor = await house(home.embed(slots=1) + FOUR)
    await reloaded(supervisor, home, home.embed(slots=2) + FOUR)
    old, new = factory.made
    await soon(old.stopped)
    assert new.state == engine(home).state == "ready"
    assert engine(home).slots == 2


async def test_an_engine_that_the_file_no_longer_names_is_stopped_after_the_drain_time(
    house: Any, home: Home, factory: EngineFactory
) -> None:
    supervisor = await house(home.embed("small") + home.embed("mid") + FOUR)
    _, mid = factory.made
    seen = engine(home, "mid")
    await reloaded(supervisor, home, home.embed("small") + FOUR)
    assert seen.state == "ready", "workers still use it for what is under way"
    await soon(mid.stopped)
    await turns()
    assert (seen.state, seen.url) == ("stopped", None), "and it is no secret to them"
    assert len(factory.alive) == 1
    await reloaded(supervisor, home, home.embed("small") + home.embed("mid") + FOUR)
    assert engine(home, "mid").state == "ready", "and it may come back"
    assert len(factory.alive) == 2


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[server", "not valid TOML"),
        (SMALL + FOUR.replace("workers = 4", "workers = 3"), "restart"),
        (SMALL + VENDOR.replace("api_key_env", 'dialect = "latin"\napi_key_env') + FOUR, "latin"),
        (
            SMALL
            + FOUR
            + '[upstreams.x]\nbase_url = "https://h"\nca_file = "gone"\nmodels = "*"\n',
            "`upstreams.x.ca_file`: cannot read",
        ),
        (SMALL + FOUR + '[privacy]\naudit = "audit.log"\n', "SHORTSTOP_PRIVACY_KEY"),
        ('[models.small]\nsource = "unheard-of"\n' + FOUR, "not installed"),
        (SMALL + VENDOR.replace("VENDOR_KEY", "NO_KEY") + FOUR, "NO_KEY is not set"),
    ],
)
async def test_a_bad_file_changes_nothing_and_is_logged(
    house: Any,
    home: Home,
    workers: Workers,
    caplog: pytest.LogCaptureFixture,
    text: str,
    match: str,
) -> None:
    supervisor = await house()
    before = supervisor._config
    await reloaded(supervisor, home, text)
    assert told(workers) == [0, 0, 0, 0]
    assert supervisor._config is before
    assert "reload refused, nothing changed" in caplog.text
    assert match in caplog.text


async def test_a_reload_opens_no_door_to_strangers(
    house: Any, home: Home, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    public = FOUR.replace("port = 0", 'port = 0\nhost = "0.0.0.0"\nauth = "{}"')
    supervisor = await house(SMALL + public.format("required"))
    await reloaded(supervisor, home, SMALL + public.format("auto"))
    assert told(workers) == [0, 0, 0, 0]
    assert "spend your money" in caplog.text
    assert home.open_files() == {str(home.folder / "run.lock")}


async def test_a_new_engine_that_does_not_start_changes_nothing(
    house: Any, home: Home, workers: Workers, factory: EngineFactory
) -> None:
    supervisor = await house(home.embed(slots=1) + FOUR)
    factory.error = ModelFileError("damaged")
    await reloaded(supervisor, home, home.embed(slots=2) + home.embed("mid") + FOUR)
    assert told(workers) == [0, 0, 0, 0]
    assert factory.alive == factory.made[:1]
    assert engine(home).slots == 1
    factory.error = None
    await reloaded(supervisor, home, home.embed(slots=2) + FOUR)
    assert engine(home).slots == 2


async def test_two_reloads_at_once_are_one_after_the_other(
    house: Any, home: Home, factory: EngineFactory
) -> None:
    """What the last file says is what runs in the end."""
    supervisor = await house(home.embed(slots=1) + FOUR)
    factory.waits = True
    home.configure(home.embed(slots=2) + FOUR)
    reloads = [asyncio.create_task(supervisor._reload())]
    second = await factory.until(2)
    await soon(second.starting)
    home.configure(home.embed(slots=3) + FOUR)
    reloads.append(asyncio.create_task(supervisor._reload()))
    await turns()
    for server in factory.made[2:]:
        server.may_start.set()
    await turns()
    second.may_start.set()
    third = await factory.until(3)
    third.may_start.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*reloads)
    await soon(factory.made[0].stopped, second.stopped)
    assert factory.alive == [third]
    assert engine(home).slots == 3
    assert supervisor._config.models["small"].slots == 3


# ------------------------------------------------------------ leaving


async def test_workers_are_asked_to_leave_and_nothing_stays(
    home: Home, workers: Workers, factory: EngineFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "shortstop")
    running = asyncio.create_task(made(home, home.embed() + FOUR).run())
    await workers.until(lambda: len(workers.started) == 4)
    async with asyncio.timeout(10):
        while "(4 workers)" not in caplog.text:
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    assert [process.signals for process in workers.started] == [[signal.SIGTERM]] * 4
    assert len(workers.started) == 4, "who was asked to leave is not replaced"
    assert factory.alive == []
    assert home.open_files() == set()


async def test_a_worker_that_does_not_leave_is_killed(
    house: Any, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KILL_AFTER", 0.0)
    supervisor = await house()
    workers.latest(3).polite = False
    supervisor._leaving.set()
    async with asyncio.timeout(10):
        while workers.alive:
            await asyncio.sleep(0)
    assert workers.latest(3).signals == [signal.SIGTERM, signal.SIGKILL]
    assert workers.latest(0).signals == [signal.SIGTERM]
