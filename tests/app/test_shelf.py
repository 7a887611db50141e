"""Placements as targets: their order, who is left out and why, alarms, and what a change keeps."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from shortstop.app.gateway import Shortstop
from shortstop.app.resources import Resources
from shortstop.app.shelf import SpecialistShelf
from shortstop.app.staffing import look_after
from shortstop.registry.placements import FILE, FOLDER, Placement, Placements
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.opinion import Gate
from shortstop.types import Target, TargetState
from tests.app.parts import Home

LINEAGE = Lineage("d", 100, ("big",), 1.0)


def keep(
    home: Path, kind: str, state: TargetState = "live", *, tenant: str = "acme", data: bytes = b"1"
) -> str:
    manifest = Manifest(kind, tenant, "mail", Gate({"all": 0.5}), LINEAGE)
    name = write(home / FOLDER, manifest, {"x": data}).name
    Placements(home).place(Placement(name, tenant, "mail", state, 1.0))
    return name


def test_the_placed_are_targets_in_the_order_in_which_they_are_asked(tmp_path: Path) -> None:
    copy = keep(tmp_path, "copy")
    head = keep(tmp_path, "label-head")
    canary = keep(tmp_path, "label-head", "canary", data=b"2")
    unseen = keep(tmp_path, "copy", "shadow", data=b"3")
    keep(tmp_path, "copy", "candidate", data=b"4")
    roster = SpecialistShelf(tmp_path).roster()
    assert list(roster.targets) == [canary, head, copy, unseen]
    assert list(roster.backends) == list(roster.health) != []
    target = roster.targets[head]
    assert (target.local, target.provider, target.state) == (True, "shortstop", "live")
    assert (target.tasks, target.tenants) == ({"mail"}, {"acme"})
    assert (target.specialist, target.model) == ("label-head", head)


def test_whoever_is_damaged_is_left_out_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, gone = (keep(tmp_path, kind) for kind in ("copy", "label-head", "tools"))
    (tmp_path / FOLDER / bad / "x").write_bytes(b"changed")
    (tmp_path / FOLDER / gone / "manifest.json").unlink()
    assert list(SpecialistShelf(tmp_path).roster().targets) == [good]
    assert f"{bad} is not what was promoted: x differs." in caplog.text
    assert f"{gone} cannot be read" in caplog.text


def test_a_specialist_placed_for_another_tenant_answers_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = keep(tmp_path, "copy")
    Placements(tmp_path).place(Placement(name, "rival", "mail", "live", 2.0))
    assert not SpecialistShelf(tmp_path).roster().targets
    assert "learned for another tenant" in caplog.text


def test_a_file_of_garbage_places_nobody(tmp_path: Path) -> None:
    keep(tmp_path, "copy")
    shelf = SpecialistShelf(tmp_path)
    assert shelf.roster().targets
    (tmp_path / FOLDER / FILE).write_bytes(b"\xff{")
    assert shelf.changed
    assert not shelf.roster().targets
    assert not shelf.changed


async def test_one_that_cannot_be_opened_is_said_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(tmp_path, "label-head")
    shelf = SpecialistShelf(tmp_path)
    roster = shelf.roster()

    async def fails(name: str) -> None:
        from shortstop.errors import EngineDown

        raise EngineDown("This specialist cannot answer: The sentence encoder is not installed.")

    shelf._process.open = fails  # type: ignore[method-assign]
    for _ in range(2):
        await shelf.warm(roster.targets)
    assert caplog.text.count("The sentence encoder is not installed") == 1
    await shelf.close()


class Watched:
    """A gateway with an alarm."""

    def __init__(self, *alarmed: Target) -> None:
        self._alarmed = alarmed
        self.restaffed = 0

    def alarmed(self) -> list[tuple[Target, str]]:
        return [(target, "mail") for target in self._alarmed]

    async def restaff(self) -> None:
        self.restaffed += 1


async def test_an_alarm_is_a_rollback_with_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before, name = keep(tmp_path, "copy"), keep(tmp_path, "copy", data=b"2")
    counted: list[str] = []
    shelf = SpecialistShelf(tmp_path)
    gateway = Watched(shelf.roster().targets[name])
    metrics = SimpleNamespace(rolled_back=counted.append)
    resources = SimpleNamespace(exchange=None, specialists=shelf, metrics=metrics)
    for _ in range(2):
        await look_after(cast(Resources, resources), gateway)
    one, two = shelf.placements.all()
    assert (one.name, one.state, two.state) == (before, "live", "retired")
    assert "contract's alarm stands: its answers to 'mail' lose more" in two.why
    assert counted == [name]
    assert gateway.restaffed == 2, "the roster of this test is never read again"
    assert f"{before} answers again" in caplog.text


async def test_a_change_of_specialists_keeps_everything_else(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    gateway = Shortstop(home.config, home.source)
    try:
        old = gateway._runtime
        name = keep(home.folder, "copy", tenant="default")
        gateway._resources.specialists._opened.add(name)
        await gateway.restaff()
        new = gateway._runtime
        assert name in new.models.targets
        assert new.foundation is old.foundation
        assert new.learned.state is old.learned.state
        assert name in gateway.targets
        Placements(home.folder).retire(name, 2.0, "by hand")
        await gateway.restaff()
        assert name not in gateway.targets
    finally:
        await gateway._reloader.close()
        await gateway._runtime.close()
        gateway._resources.close()
