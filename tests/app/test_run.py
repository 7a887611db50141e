"""Starting to serve: what is wrong is said before anything is opened."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator

import pytest
import uvloop

from shortstop.app import run
from shortstop.app.gateway import Shortstop
from shortstop.app.supervisor import Supervisor
from shortstop.errors import ConfigError, ShortstopError, StoreError
from shortstop.privacy import audit
from shortstop.privacy.keys import audit_key
from tests.app.parts import SMALL, VENDOR, Home


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What would have been served: gateways, and supervisors of several workers."""
    served: list[object] = []

    async def serve_on(
        gateway: Shortstop, listening: socket.socket, ready: Callable[[], None]
    ) -> None:
        served.append(gateway)
        async with gateway.running():
            ready()
        listening.close()

    async def supervise(supervisor: Supervisor) -> None:
        served.append(supervisor)

    monkeypatch.setattr(run, "serve_on", serve_on)
    monkeypatch.setattr(Supervisor, "run", supervise)
    return served


def test_one_process_serves_by_itself(
    home: Home, served: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    home.configure(SMALL + VENDOR + "[server]\nport = 0\n")
    run.serve(home.source)
    (gateway,) = served
    assert isinstance(gateway, Shortstop)
    assert "listening on http://127.0.0.1:" in caplog.text
    assert "/v1" in caplog.text


def test_several_workers_have_a_supervisor(home: Home, served: list[object]) -> None:
    home.configure(SMALL + VENDOR + "[server]\nport = 0\nworkers = 2\n")
    run.serve(home.source)
    (supervisor,) = served
    assert isinstance(supervisor, Supervisor)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[models.small]\nurl = 7\n", r"models\.small\.url"),
        (SMALL + VENDOR.replace("api_key_env", 'dialect = "latin"\napi_key_env'), "'latin'"),
        (SMALL + '[privacy]\naudit = "audit.log"\n', r"\$SHORTSTOP_PRIVACY_KEY"),
    ],
)
def test_a_bad_file_is_refused_before_anything_is_opened(
    home: Home, served: list[object], workers: int, text: str, match: str
) -> None:
    home.configure(f"{text}[server]\nworkers = {workers}\n")
    with pytest.raises(ConfigError, match=match):
        run.serve(home.source)
    assert served == []
    assert [path.name for path in home.folder.iterdir()] == ["shortstop.toml"]


def test_no_socket_is_bound_where_strangers_could_come_in(
    home: Home, served: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[object] = []
    monkeypatch.setattr(run, "bind", bound.append)
    home.configure(SMALL + '[server]\nhost = "0.0.0.0"\nport = 0\n')
    with pytest.raises(ConfigError, match="spend your money"):
        run.serve(home.source)
    assert (served, bound) == ([], [])


def test_the_event_loop_is_the_fast_one() -> None:
    loop = run.event_loop()
    assert isinstance(loop, uvloop.Loop)
    loop.close()


# ------------------------------------------------------------ a start that fails


KEY = "a long random text"
AUDITED = '[privacy]\naudit = "{}"\n'


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_start_that_fails_leaves_a_log_that_is_whole_and_nothing_open(
    home: Home, served: list[object], taken: int
) -> None:
    log = home.folder / "audit.log"
    text = SMALL + VENDOR + AUDITED.format(log)
    home.env["SHORTSTOP_PRIVACY_KEY"] = KEY
    for port in (taken, 0):
        home.configure(f"{text}[server]\nport = {port}\n")
        if port:
            with pytest.raises(ConfigError, match="Cannot listen"):
                run.serve(home.source)
        else:
            run.serve(home.source)
        assert home.open_files() == set()
        key = audit_key(home.config.privacy, home.env)
        assert audit.verify(log, key) is None
        assert list(audit.records(log)) == []


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[models.small]\nsource = "not-there"\n' + VENDOR, "is not installed"),
        (SMALL + VENDOR.replace("VENDOR_KEY", "NO_KEY"), "NO_KEY is not set"),
        (SMALL + VENDOR + '[privacy]\naudit = "/proc/none/audit.log"\n', "audit log"),
    ],
)
def test_whatever_cannot_be_built_nothing_stays_open(home: Home, text: str, match: str) -> None:
    home.env["SHORTSTOP_PRIVACY_KEY"] = KEY
    home.configure(f"{text}[server]\nport = 0\n")
    for _ in range(2):
        with pytest.raises(ShortstopError, match=match):
            run.serve(home.source)
        assert home.open_files() == set()


@pytest.mark.parametrize("name", ["accounts.db", "taint.db", "vault.db", "traces.db"])
def test_a_store_that_cannot_be_opened_closes_the_others(home: Home, name: str) -> None:
    home.env["SHORTSTOP_PRIVACY_KEY"] = KEY
    (home.folder / name).write_bytes(b"no database" * 1000)
    home.configure(SMALL + "[server]\nport = 0\n")
    with pytest.raises(StoreError, match=name):
        run.serve(home.source)
    assert home.open_files() == set()


def test_a_state_that_cannot_be_read_is_told_and_kept(home: Home) -> None:
    (home.folder / "brain.bin").mkdir()
    home.configure(SMALL + "[server]\nport = 0\n")
    with pytest.raises(StoreError, match=r"brain\.bin, cannot be read"):
        run.serve(home.source)
    assert (home.folder / "brain.bin").is_dir()
    assert home.open_files() == set()
