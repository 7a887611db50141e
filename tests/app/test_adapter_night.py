"""A night makes an adapter by the rules of every kind; training and the engine are scripted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from shortstop.app import night
from shortstop.app.night import spend_night
from shortstop.app.workshop import Workshop
from shortstop.flywheel import trainers
from shortstop.flywheel.adapter.trainer import AdapterTrainer
from shortstop.flywheel.night.report import KindReport
from shortstop.registry.placements import Placements
from shortstop.specialists.adapter.files import WEIGHTS
from tests.app.recorded import NOW, config, dated, erase, record, trace_of, workshop_of
from tests.flywheel.adapter.scripted import COMMAND
from tests.flywheel.adapter.test_trainer import ScriptedBench, notes, right

pytest.importorskip("sklearn", reason="needs the extra [learn]")


@pytest.fixture(autouse=True)
def _still_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "step_aside", lambda: None)
    monkeypatch.setattr(night.time, "time", lambda: NOW + 1)
    monkeypatch.setattr(trainers, "TRAINERS", (AdapterTrainer(COMMAND),))


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """700 requests whose answers must be written."""
    rows = dated(notes(700))
    record(
        config(tmp_path),
        [trace_of(replace(row, conversation=f"c{n}")) for n, row in enumerate(rows)],
    )
    return tmp_path


def workshop(home: Path, seconds: float = 1.0) -> Workshop:
    """With an engine that answers rightly."""
    made = workshop_of(config(home))
    made.__dict__["bench"] = ScriptedBench(home / "workshop" / "adapters", right, seconds)
    return made


def spent(made: Workshop) -> KindReport:
    (task,) = spend_night(made).tasks
    (kind,) = [one for one in task.kinds if one.kind == "adapter"]
    return kind


def test_an_adapter_comes_on_trial_with_the_privacy_and_the_end_of_its_rows(
    recorded: Path,
) -> None:
    made = spent(workshop(recorded))
    assert (made.state, made.served > 0.5) == ("canary", True)
    (placed,) = Placements(recorded).serving()
    assert placed.kind == "adapter"
    learned = workshop(recorded).shelf().take(placed.name)
    assert learned.manifest.lineage.expires > NOW
    assert learned.manifest.lineage.teachers == ("big",)
    assert os.stat(recorded / "specialists" / placed.name / WEIGHTS).st_mode & 0o077 == 0
    assert not list((recorded / "workshop" / "adapters").iterdir()), "nothing is left of training"


def test_what_is_not_served_as_trained_is_refused_in_words(recorded: Path) -> None:
    made = spent(workshop(recorded, seconds=4))
    assert not made.name
    assert "does not serve what was trained" in made.why
    assert Placements(recorded).serving() == []


def test_one_that_was_tampered_with_is_taken_back(recorded: Path) -> None:
    name = spent(workshop(recorded)).name
    (recorded / "specialists" / name / WEIGHTS).write_bytes(b"GGUF of somebody else's")
    spend_night(workshop(recorded))
    gone = next(one for one in Placements(recorded).all() if one.name == name)
    assert (gone.state, "differs" in gone.why) == ("retired", True)


def test_one_that_has_learned_from_what_was_erased_is_taken_back(recorded: Path) -> None:
    name = spent(workshop(recorded)).name
    erase(config(recorded), "acme", "c3")
    spend_night(workshop(recorded))
    gone = next(one for one in Placements(recorded).all() if one.name == name)
    assert (gone.state, "erased" in gone.why) == ("retired", True)


def test_one_of_a_model_that_is_gone_is_taken_back(recorded: Path) -> None:
    name = spent(workshop(recorded)).name
    other = workshop(recorded)
    other.bench.base = "c" * 64  # type: ignore[union-attr]
    spend_night(other)
    gone = next(one for one in Placements(recorded).all() if one.name == name)
    assert (gone.state, "not the local one" in gone.why) == ("retired", True)


def test_where_cheaper_kinds_serve_nearly_all_nobody_trains_one(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refuses(AdapterTrainer):
        """Cheaper, by another name: it serves everything."""

    cheaper = Refuses(COMMAND)
    cheaper.kind = "prompt"
    dear = AdapterTrainer(("false",))
    monkeypatch.setattr(trainers, "TRAINERS", (cheaper, dear))
    (task,) = spend_night(workshop(recorded)).tasks
    why = next(one.why for one in task.kinds if one.kind == "adapter" and not one.name)
    assert why.startswith("Cheaper kinds leave it")
