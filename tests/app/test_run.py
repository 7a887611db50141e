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
from shortstop.errors import ConfigError
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
