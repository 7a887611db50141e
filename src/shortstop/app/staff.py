"""Specialists as a person sees them, and what a person may do about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from shortstop.app.clock import CLOCK
from shortstop.errors import InvalidRequest, NotFound, StoreError
from shortstop.registry.placements import Placement, Placements
from shortstop.specialists import artefact
from shortstop.specialists.artefact import Lineage
from shortstop.types.console import PromiseLine, SpecialistLine

BY_HAND = "by hand"
"""How the reason begins of what somebody has done."""
IN_CONSOLE = f"{BY_HAND}, in the console"
Serving = Literal["shadow", "canary", "live"]
MOVES = ("shadow", "canary", "live", "rollback", "retired")


def listed(placements: Placements, promises: Sequence[PromiseLine]) -> list[SpecialistLine]:
    """Those that answer first, then the newest. Reads files."""
    lines = [_line(placements, placed, promises) for placed in placements.all()]
    return sorted(lines, key=lambda line: (not line.serves, -line.since))


def lineage_of(placements: Placements, placed: Placement) -> tuple[Lineage | None, str]:
    """What a specialist was made from, or why it cannot answer."""
    try:
        return artefact.read(placements.folder / placed.name)[0].lineage, ""
    except StoreError as error:
        return None, str(error)


def promote(placements: Placements, placed: Placement, to: Serving, why: str) -> None:
    """Let it answer, or be asked unseen. Raises StoreError where its files are not sound."""
    artefact.read(placements.folder / placed.name)
    placements.place(Placement(placed.name, placed.tenant, placed.task, to, CLOCK.time(), why))


def _line(
    placements: Placements, placed: Placement, promises: Sequence[PromiseLine]
) -> SpecialistLine:
    made, problem = lineage_of(placements, placed)
    return SpecialistLine(
        name=placed.name,
        kind=placed.kind,
        tenant=placed.tenant,
        task=placed.task,
        state=placed.state,
        since=placed.since,
        why=placed.why,
        rows=made.rows if made else 0,
        teachers=made.teachers if made else (),
        made=made.made if made else None,
        data=made.data if made else "",
        examined=tuple(made.figures.items()) if made else (),
        promise=next((line for line in promises if line.target == placed.name), None),
        problem=problem,
    )


def move(placements: Placements, name: str, to: str) -> str:
    """Do it, and what was done. Raises NotFound, InvalidRequest or StoreError."""
    placed = found(placements, name)
    if to not in MOVES:
        raise InvalidRequest("A specialist can be in shadow, canary, live, rolled back or retired.")
    if to == "rollback":
        if placed.state not in ("canary", "live"):
            raise InvalidRequest(f"{name} answers nothing: it is {placed.state}.")
        restored = placements.roll_back(name, CLOCK.time(), IN_CONSOLE)
        then = "the frontier answers" if restored is None else f"{restored.name} is back"
        return f"{name} was rolled back; {then}."
    if to == "retired":
        placements.retire(name, CLOCK.time(), IN_CONSOLE)
        return f"{name} is retired."
    promote(placements, placed, cast(Serving, to), IN_CONSOLE)
    return f"{name} is {to}."


def found(placements: Placements, name: str) -> Placement:
    """Raises NotFound."""
    placed = placements.find(name)
    if placed is None:
        raise NotFound("There is no such specialist.")
    return placed
