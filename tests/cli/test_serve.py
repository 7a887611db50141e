"""`shortstop serve`: the file, the command line over it, and a start that fails in words."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shortstop import registry
from shortstop.app import run
from shortstop.cli import serve
from shortstop.config import Config
from shortstop.registry import ModelRecord, Registry
from tests.cli.conftest import Shortstop
from tests.registry.samples import write

REMOTE = '[models.a]\nurl = "http://127.0.0.1:9/v1"\n'


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """What the gateway would have been started with."""
    configs: list[Config] = []

    def serve(source: Any) -> None:
        configs.append(source.load())

    monkeypatch.setattr(run, "serve", serve)
    return configs


def test_the_defaults(shortstop: Shortstop, served: list[Config]) -> None:
    assert shortstop("serve").code == 0
    assert (served[0].server.host, served[0].server.port) == ("127.0.0.1", 8484)
    assert served[0].models["small"].source == "builtin"


def test_the_command_line_wins_over_the_file(
    shortstop: Shortstop, home: Path, served: list[Config]
) -> None:
    (home / "mine.toml").write_text(f"[server]\nport = 9000\nworkers = 2\n{REMOTE}")
    shortstop("serve", "-c", "mine.toml")
    shortstop("serve", "-c", "mine.toml", "--port", "0", "--host", "::1", "--workers", "3")
    first, second = (config.server for config in served)
    assert (first.host, first.port, first.workers) == ("127.0.0.1", 9000, 2)
    assert (second.host, second.port, second.workers) == ("::1", 0, 3)
    assert list(served[1].models) == ["a"]


def test_a_key_in_the_environment_is_a_frontier(
    shortstop: Shortstop, served: list[Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    shortstop("serve")
    assert list(served[0].upstreams) == ["anthropic"]


def test_a_missing_model_says_how_to_get_it(shortstop: Shortstop) -> None:
    result = shortstop("serve", "--port", "0")
    assert result.code == 2
    assert "needs 'builtin', which is not installed" in result.err
    assert "`shortstop pull builtin`" in result.err


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A start in a process of its own, which is expected to fail."""
    command = [sys.executable, "-m", "shortstop", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_named(home: Path) -> None:
    (home / "shortstop.toml").write_text(REMOTE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = started("--port", str(port))
    assert done.returncode == 2
    assert f"shortstop: Cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_strangers_are_not_served_without_a_key(home: Path) -> None:
    (home / "shortstop.toml").write_text(REMOTE)
    done = started("--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "shortstop keys create" in done.stderr
    assert "Traceback" not in done.stderr


def test_models_that_are_missing_are_fetched_first(
    shortstop: Shortstop, home: Path, served: list[Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def pull(models: Registry, what: str, *rest: Any) -> tuple[ModelRecord, bool]:
        fetched.append(what)
        return registry.pull(models, str(write(home / "tiny.gguf")), *rest)

    monkeypatch.setattr(serve, "registry", SimpleNamespace(**{**vars(registry), "pull": pull}))
    (home / "shortstop.toml").write_text('[models.a]\nsource = "tiny"\n[models.b]\nsource="tiny"\n')
    assert shortstop("serve", "--fetch").code == 0
    assert shortstop("serve", "--fetch").code == 0
    assert (fetched, len(served)) == (["tiny"], 2)
    (home / "shortstop.toml").write_text('[privacy]\nairgap = true\n[models.a]\nsource = "other"\n')
    refused = shortstop("serve", "--fetch")
    assert (refused.code, "airgap" in refused.err) == (2, True)
