"""One worker: a whole gateway on a socket that it inherits, or a reason why it is none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

import msgspec
import pytest

from shortstop.app.listener import bind, url_of
from shortstop.config import ServerConfig
from shortstop.workers.spec import WorkerSpec, accept
from tests.app.parts import SMALL, Home


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(bind(ServerConfig(port=0))) as listening:
        yield listening


@contextmanager
def started(
    home: Home, listening: socket.socket, later: str = ""
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A worker, and where it reports that it is ready. `later` is the file once it was accepted."""
    hears, says = os.pipe()
    spec = WorkerSpec(
        config=str(home.file),
        server={},
        folder=str(home.folder / "run"),
        index=3,
        socket=listening.fileno(),
        ready=says,
    )
    metrics = home.folder / "run" / "metrics"
    metrics.mkdir(parents=True)
    accept(home.folder / "run", home.config)
    if later:
        home.configure(later)
    process = subprocess.Popen(
        [sys.executable, "-m", "shortstop.app.worker", msgspec.json.encode(spec).decode()],
        pass_fds=(listening.fileno(), says),
        env={**os.environ, **home.env, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        stderr=subprocess.PIPE,
    )
    os.close(says)
    try:
        yield process, hears
    finally:
        os.close(hears)
        process.kill()
        process.communicate()


def test_it_reports_when_it_answers_and_leaves_when_it_is_told(
    home: Home, listening: socket.socket
) -> None:
    home.configure(SMALL)
    with started(home, listening) as (process, hears):
        assert os.read(hears, 1) == b"1"
        with urllib.request.urlopen(f"{url_of(listening)}/v1/models", timeout=10) as answer:
            names = {card["id"] for card in msgspec.json.decode(answer.read())["data"]}
        assert "small" in names
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert os.read(hears, 1) == b"", "nobody holds the pipe any longer"
    assert not (home.folder / "brain.bin").exists(), "the leader saves, and this one is not"


def test_a_worker_that_cannot_start_says_why_and_reports_nothing(
    home: Home, listening: socket.socket
) -> None:
    """Keys may have gone since the supervisor looked."""
    home.configure(SMALL + '[server]\nhost = "0.0.0.0"\n')
    with started(home, listening) as (process, hears):
        _, words = process.communicate(timeout=60)
        assert process.returncode == 2
        assert os.read(hears, 1) == b""
    assert b"\nshortstop: worker 3: " in b"\n" + words, "after what the log said"
    assert b"spend your money" in words
    assert b"Traceback" not in words


def test_a_worker_goes_by_what_was_accepted_whatever_the_file_says_by_now(
    home: Home, listening: socket.socket
) -> None:
    home.configure(SMALL)
    with started(home, listening, later="[models.small]\nslots = 0\n") as (process, hears):
        assert os.read(hears, 1) == b"1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
