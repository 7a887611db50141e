"""What was learned is saved, loaded, and set aside by name where it cannot be used."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import pytest

from shortstop import routing
from shortstop.app.learned_state import LearnedState
from shortstop.routing import Prior, State
from shortstop.routing.embed import Embedder
from shortstop.workers.context import WorkerContext
from tests.routing.test_snapshot import earlier

TODAY = time.strftime("%Y-%m-%d", time.gmtime())


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.is_file())


def test_nothing_saved_nothing_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert LearnedState(tmp_path / "brain.bin", None).load() is None
    assert not caplog.records


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    state = State(seed=7)
    state.prepare(routing.packaged())
    LearnedState(tmp_path / "brain.bin", None).save(lambda: routing.dump_state(state))
    loaded = LearnedState(tmp_path / "brain.bin", None).load()
    assert loaded is not None
    assert loaded.seed == 7
    assert names(tmp_path) == ["brain.bin"]


def test_a_state_of_the_release_before_is_upgraded(tmp_path: Path) -> None:
    (tmp_path / "brain.bin").write_bytes(earlier())
    loaded = LearnedState(tmp_path / "brain.bin", None).load()
    assert loaded is not None
    assert loaded.evidence["default"]["mail|small=smol-135"].pairs == 60


@pytest.mark.parametrize(("data", "reason"), [(b"who knows", "version"), (b"", "version")])
def test_what_cannot_be_used_is_kept_under_a_name_that_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: bytes, reason: str
) -> None:
    (tmp_path / "brain.bin").write_bytes(data)
    learned = LearnedState(tmp_path / "brain.bin", None)
    with caplog.at_level(logging.WARNING):
        assert learned.load() is None
    aside = f"brain.bin.{reason}-{TODAY}"
    assert names(tmp_path) == [aside]
    assert (tmp_path / aside).read_bytes() == data
    (record,) = caplog.records
    assert str(tmp_path / aside) in record.getMessage()
    learned.save(lambda: b"new")
    assert names(tmp_path) == ["brain.bin", aside]


def test_when_the_prior_s_width_changes_the_state_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "brain.bin").write_bytes(earlier())
    wider = Prior(Embedder([], np.zeros((0, 80), np.int8), np.ones(80, np.float32)))
    monkeypatch.setattr(routing, "packaged", lambda: wider)
    assert LearnedState(tmp_path / "brain.bin", None).load() is None
    assert names(tmp_path) == [f"brain.bin.width-{TODAY}"]
    assert "80" not in names(tmp_path)[0]
    assert "76 features" in caplog.text, "and what it was learned from"


def test_one_that_was_set_aside_before_is_not_overwritten(tmp_path: Path) -> None:
    for content in (b"first", b"second", b"third"):
        (tmp_path / "brain.bin").write_bytes(content)
        LearnedState(tmp_path / "brain.bin", None).load()
    aside = f"brain.bin.version-{TODAY}"
    assert names(tmp_path) == [aside, f"{aside}-2", f"{aside}-3"]
    assert (tmp_path / f"{aside}-2").read_bytes() == b"second"


def test_of_several_workers_the_leader_alone_sets_it_aside_and_saves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "brain.bin").write_bytes(b"who knows")
    run = tmp_path / "run"
    follower = LearnedState(tmp_path / "brain.bin", WorkerContext(run, 1))
    leader = LearnedState(tmp_path / "brain.bin", WorkerContext(run, 0))
    assert follower.load() is None
    follower.save(lambda: b"mine")
    assert names(tmp_path) == ["brain.bin"]
    assert not caplog.records
    assert leader.load() is None
    assert len(caplog.records) == 1
    leader.save(lambda: b"all workers'")
    assert (tmp_path / "brain.bin").read_bytes() == b"all workers'"
