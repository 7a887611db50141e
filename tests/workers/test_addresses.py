"""Engines as the workers of a supervisor see them."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shortstop.errors import EngineDown
from shortstop.workers.addresses import FILE, SupervisedEngine, publish


def server(url: str | None, state: str = "ready") -> Any:
    options = SimpleNamespace(slots=3, context_per_slot=2048)
    return SimpleNamespace(url=url, api_key="key", state=state, options=options)


def test_a_worker_sees_where_the_engine_listens_now(tmp_path: Path) -> None:
    publish(tmp_path, {"small": server(None, "starting")})
    engine = SupervisedEngine(tmp_path, "small")
    assert (engine.url, engine.state) == (None, "starting")
    publish(tmp_path, {"small": server("http://127.0.0.1:1")})
    assert (engine.url, engine.state, engine.api_key) == ("http://127.0.0.1:1", "ready", "key")
    assert (engine.slots, engine.context_per_slot) == (3, 2048)


def test_two_changes_within_one_tick_of_the_clock_are_both_seen(tmp_path: Path) -> None:
    publish(tmp_path, {"small": server(None, "starting")})
    at = (tmp_path / FILE).stat().st_mtime_ns
    engine = SupervisedEngine(tmp_path, "small")
    publish(tmp_path, {"small": server("http://127.0.0.1:1")})
    os.utime(tmp_path / FILE, ns=(at, at))
    assert engine.url == "http://127.0.0.1:1"


def test_an_engine_that_nobody_runs_is_down(tmp_path: Path) -> None:
    publish(tmp_path, {"small": server("http://127.0.0.1:1"), "coder": server(None)})
    engine = SupervisedEngine(tmp_path, "coder")
    with pytest.raises(EngineDown, match="'other'"):
        SupervisedEngine(tmp_path, "other")
    publish(tmp_path, {"small": server("http://127.0.0.1:1")})
    with pytest.raises(EngineDown, match="'coder'"):
        _ = engine.url
    publish(tmp_path, {"small": server(None), "coder": server("http://127.0.0.1:2")})
    assert engine.url == "http://127.0.0.1:2"


def test_others_on_the_machine_do_not_read_the_key(tmp_path: Path) -> None:
    publish(tmp_path, {"small": server("http://127.0.0.1:1")})
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE]


async def test_the_engine_is_the_supervisor_s_to_start_and_stop(tmp_path: Path) -> None:
    publish(tmp_path, {"small": server("http://127.0.0.1:1")})
    engine = SupervisedEngine(tmp_path, "small")
    await engine.start()
    await engine.stop()
    assert engine.url == "http://127.0.0.1:1"
