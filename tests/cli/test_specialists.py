"""`shortstop specialists`: lineage in words and JSON, moves by hand, files that travel."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from shortstop.registry.placements import FOLDER, Placement, Placements
from shortstop.routing import State, dump_state
from shortstop.specialists import artefact
from shortstop.specialists.artefact import Lineage, Manifest
from shortstop.specialists.opinion import Gate
from shortstop.types import TargetState
from tests.cli.conftest import Shortstop

GATE = Gate({"all": 0.9})


def keep(home: Path, state: TargetState = "live", *, rows: int = 120, task: str = "mail") -> str:
    """The name of a specialist that is on disk and placed."""
    lineage = Lineage("ab" * 32, rows, ("big",), 1_795_000_000.0, 0, {"served": 0.7, "right": 0.96})
    manifest = Manifest("label-head", "default", task, GATE, lineage)
    name = artefact.write(home / "home" / FOLDER, manifest, {"about.json": b"{}"}).name
    placed = Placement(name, "default", task, state, 1_795_000_100.0, "a night")
    Placements(home / "home").place(placed)
    return name


def state_of(home: Path, name: str) -> TargetState:
    placed = Placements(home / "home").find(name)
    assert placed is not None
    return placed.state


def test_before_anything_was_learned_the_list_says_what_to_do(shortstop: Shortstop) -> None:
    result = shortstop("specialists", "list")
    assert result.code == 0
    assert "shortstop learn" in result.out
    assert json.loads(shortstop("specialists", "list", "--json").out) == []


def test_the_list_tells_where_it_comes_from_and_how_it_does(
    shortstop: Shortstop, home: Path
) -> None:
    name = keep(home)
    state = State()
    evidence = state.evidence_for("default", f"mail|{name}={name}")
    evidence.pairs, evidence.loss = 40, 2.0
    (home / "home" / "brain.bin").write_bytes(dump_state(state))
    out = shortstop("specialists", "list").out
    assert f"{name}: live since 2026-11-18" in out
    assert "data abababababab: 120 rows by big" in out
    assert "right 0.96" in out
    assert "40 answers compared with the frontier's, mean loss 0.050" in out
    (one,) = json.loads(shortstop("specialists", "list", "--json").out)
    assert one["lineage"]["rows"] == 120
    assert one["contract"]["pairs"] == 40
    assert one["problem"] == ""


def test_the_list_names_who_cannot_answer(shortstop: Shortstop, home: Path) -> None:
    name = keep(home)
    (home / "home" / FOLDER / name / "about.json").write_bytes(b"changed")
    assert "cannot answer: The specialist in" in shortstop("specialists", "list").out


@pytest.mark.parametrize("to", ["shadow", "canary", "live"])
def test_promoted_by_hand(shortstop: Shortstop, home: Path, to: TargetState) -> None:
    name = keep(home, "candidate")
    assert shortstop("specialists", "promote", name, "--to", to).code == 0
    assert state_of(home, name) == to


def test_live_is_the_default(shortstop: Shortstop, home: Path) -> None:
    name = keep(home, "shadow")
    assert shortstop("specialists", "promote", name).code == 0
    assert state_of(home, name) == "live"


def test_what_is_damaged_is_not_promoted(shortstop: Shortstop, home: Path) -> None:
    name = keep(home, "candidate")
    (home / "home" / FOLDER / name / "about.json").write_bytes(b"changed")
    result = shortstop("specialists", "promote", name)
    assert result.code == 2
    assert "not what was promoted" in result.err
    assert state_of(home, name) == "candidate"


def test_rolled_back_the_one_before_answers_again(shortstop: Shortstop, home: Path) -> None:
    before, name = keep(home), keep(home, rows=200)
    assert state_of(home, before) == "retired"
    result = shortstop("specialists", "rollback", name)
    assert f"{before} is live" in result.out
    assert (state_of(home, before), state_of(home, name)) == ("live", "retired")
    again = shortstop("specialists", "rollback", name)
    assert again.code == 2
    assert "answers nothing: it is retired" in again.err


def test_retired_nobody_answers(shortstop: Shortstop, home: Path) -> None:
    before, name = keep(home), keep(home, rows=200)
    assert shortstop("specialists", "retire", name).code == 0
    assert (state_of(home, before), state_of(home, name)) == ("retired", "retired")


@pytest.mark.parametrize("command", ["promote", "rollback", "retire"])
def test_an_unknown_name_says_which_there_are(
    shortstop: Shortstop, home: Path, command: str
) -> None:
    name = keep(home)
    result = shortstop("specialists", command, "nobody")
    assert result.code == 2
    assert "no specialist 'nobody'" in result.err
    assert name in result.err


def test_exported_and_imported_it_is_a_candidate(shortstop: Shortstop, home: Path) -> None:
    name = keep(home)
    assert shortstop("specialists", "export", name, "one.specialist").code == 0
    assert (home / "one.specialist").stat().st_mode & 0o077 == 0
    again = shortstop("specialists", "import", "one.specialist")
    assert again.code == 2
    assert "here already" in again.err
    (home / "home").rename(home / "elsewhere")
    result = shortstop("specialists", "import", "one.specialist")
    assert result.code == 0
    assert f"promote {name} --to shadow" in result.out
    assert state_of(home, name) == "candidate"
    assert artefact.read(home / "home" / FOLDER / name)[0].task == "mail"


@pytest.mark.parametrize("damage", ["cut", "changed", "else", "leads out"])
def test_a_file_that_is_not_what_was_exported_is_refused(
    shortstop: Shortstop, home: Path, damage: str
) -> None:
    name = keep(home)
    shortstop("specialists", "export", name, "one")
    file = home / "one"
    tree = msgspec.msgpack.decode(file.read_bytes())
    if damage == "changed":
        tree["files"]["about.json"] = b"[]"
    if damage == "else":
        tree["format"] = "shortstop-specialist-9"
    if damage == "leads out":
        content = tree["files"].pop("about.json")
        tree["files"]["../x"] = content
        tree["manifest"]["files"] = {"../x": tree["manifest"]["files"]["about.json"]}
    data = msgspec.msgpack.encode(tree)
    file.write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    (home / "home").rename(home / "elsewhere")
    result = shortstop("specialists", "import", "one")
    assert result.code == 2
    assert "This file" in result.err
    assert Placements(home / "home").all() == []
