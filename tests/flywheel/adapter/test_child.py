"""The process that trains: what it is told, what it leaves, and what becomes of its death."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.flywheel.adapter.child import COMMAND, KEPT, TrainingProcess, missing
from shortstop.flywheel.adapter.messages import AdapterJob, StepDone, TaughtAnswer, Trained
from shortstop.flywheel.trainer import NotLearned
from tests.flywheel.adapter.scripted import COMMAND as SCRIPTED
from tests.flywheel.adapter.scripted import LOGPROB

PAIRS = [TaughtAnswer("How are you?", "Fine."), TaughtAnswer("Who are you?", "A model.")]
TRAINS, FAILS, DIES, FULL = 1.0, 2.0, 3.0, 5.0


def job(folder: Path, seconds: float = TRAINS) -> AdapterJob:
    return AdapterJob("model.gguf", str(folder), PAIRS, seconds)


def process(folder: Path, seconds: float = TRAINS) -> TrainingProcess:
    return TrainingProcess(job(folder, seconds), command=SCRIPTED)


def interrupted(entered: TrainingProcess) -> None:
    with entered as running:
        running.train()
        raise KeyboardInterrupt


def test_it_trains_says_how_far_it_is_and_scores(tmp_path: Path) -> None:
    seen: list[StepDone] = []
    with TrainingProcess(job(tmp_path), seen.append, SCRIPTED) as running:
        trained = running.train()
        assert isinstance(trained, Trained)
        assert Path(trained.file).read_bytes() == b"GGUF2"
        assert seen == [StepDone(1, 2, 1.5)]
        assert running.score(PAIRS).logprobs == [LOGPROB, LOGPROB]
        assert running.score([]).agreed == []


def test_nothing_is_left_of_a_training_that_came_to_its_end(tmp_path: Path) -> None:
    with process(tmp_path) as running:
        running.train()
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_in_words_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotLearned, match="Nothing fits"), process(tmp_path, FAILS) as running:
        running.train()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_refusal_and_what_was_trained_so_far_stays(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), process(tmp_path, FULL) as running:
        running.train()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_process_that_dies_is_a_refusal_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotLearned, match="ended by signal 9"), process(tmp_path, DIES) as running:
        running.train()


def test_what_was_interrupted_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    """A night that is killed raises nothing of ours."""
    with pytest.raises(KeyboardInterrupt):
        interrupted(process(tmp_path))
    (folder,) = tmp_path.iterdir()
    with process(tmp_path) as running:
        running.train()
        assert (folder / "runs").read_text() == "xx"


def test_what_was_begun_with_other_examples_is_removed(tmp_path: Path) -> None:
    """Some of them may have been erased since."""
    with pytest.raises(KeyboardInterrupt):
        interrupted(process(tmp_path))
    (old,) = tmp_path.iterdir()
    fewer = replace(job(tmp_path), pairs=PAIRS[:1])
    with TrainingProcess(fewer, command=SCRIPTED) as running:
        assert not old.exists()
        assert running.train().rows == 1


def test_its_folder_is_its_owners_alone_and_it_learns_no_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR_API_KEY", "sk-secret")
    shown = "import os, sys; open(sys.argv[1], 'w').write(repr(dict(os.environ)))"
    out = tmp_path / "env"
    command = (sys.executable, "-c", shown, str(out))
    with TrainingProcess(job(tmp_path / "work"), command=command) as running:
        assert os.stat(running.job.folder).st_mode & 0o777 == 0o700
        with pytest.raises(NotLearned, match="status 0"):
            running.train()
    assert "sk-secret" not in out.read_text()
    assert not any("KEY" in name or "TOKEN" in name for name in KEPT)


def test_the_command_is_ours_and_what_it_needs_is_known_without_loading_it() -> None:
    assert COMMAND[1:] == ("-m", "shortstop.flywheel.adapter.train")
    before = set(sys.modules)
    assert set(missing()) <= {"torch", "peft", "transformers", "gguf"}
    assert "torch" not in set(sys.modules) - before
