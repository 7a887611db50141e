"""Child processes of the benchmarks: they end with their block, and nobody waits for a dead one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from bench.processes import (
    children,
    cpu_seconds,
    free_port,
    listening,
    module,
    rss_mb,
    running,
    tree_rss_mb,
)

SERVER = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_a_free_port_can_be_bound() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass


async def test_a_child_is_waited_for_and_ends_with_the_block(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with running(program(SERVER.format(port=port)), log) as child:
        assert await listening(port, child, log) < 30
        assert child.poll() is None
    assert child.returncode == -15


async def test_a_child_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        running(program("raise SystemExit('no model')"), log) as child,
        pytest.raises(SystemExit, match="ended before it listened") as caught,
    ):
        await listening(free_port(), child, log)
    assert str(log) in str(caught.value)
    assert "no model" in log.read_text()


def test_the_environment_is_added_to_and_the_folder_is_the_child_s(tmp_path: Path) -> None:
    text = "import os; print(os.environ['WANTED'], os.environ['PATH'] != '', os.getcwd())"
    with running(program(text), tmp_path / "log", cwd=tmp_path, env={"WANTED": "yes"}) as child:
        child.wait(30)
    assert (tmp_path / "log").read_text() == f"yes True {tmp_path}\n"


def test_stdout_may_be_read_by_the_parent(tmp_path: Path) -> None:
    with running(program("print('url')"), tmp_path / "log", stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read() == b"url\n"
        child.stdout.close()
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores are pinned on Linux")
def test_a_core_is_pinned(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    text = "import os; print(*os.sched_getaffinity(0))"
    with running(program(text), tmp_path / "log", core=core) as child:
        child.wait(30)
    assert (tmp_path / "log").read_text() == f"{core}\n"


def test_memory_is_of_one_process_or_of_its_whole_tree(tmp_path: Path) -> None:
    text = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print('ready', flush=True)\n"
        "child.wait()\n"
    )
    with running(program(text), tmp_path / "log", stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        (grandchild,) = children(child.pid)
        assert tree_rss_mb(child.pid) > rss_mb(child.pid) > 1
        assert cpu_seconds(child.pid) >= 0
        os.kill(grandchild, 9)
        child.stdout.close()


def test_a_module_is_run_by_this_interpreter() -> None:
    done = subprocess.run(module("shortstop", "--version"), capture_output=True, check=True)
    assert done.stdout.startswith(b"shortstop ")
