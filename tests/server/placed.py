"""A home with specialists in it: tiny ones that were really trained, placed, and believed."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec.structs import replace

from shortstop.flywheel.composed.trainer import ComposedTrainer
from shortstop.flywheel.trainer import Recipe
from shortstop.registry.placements import FOLDER, Placement, Placements
from shortstop.routing import State, dump_state
from shortstop.specialists.artefact import Lineage, Manifest, write
from shortstop.specialists.composed.composed import PARTLY, Levels
from shortstop.specialists.composed.files import dump_composed, load_composed
from shortstop.specialists.opinion import Gate
from shortstop.types import TargetState
from tests.flywheel.papers import receipts
from tests.flywheel.traffic import WordEncoder, invoices

TASK = "receipts"
RECEIPT = receipts(61, seed=3)[0][-1]
"""One that the copier has not learned from."""
SURE, NEVER = Gate({"all": 0.0, "known": 0.0, "new": 0.0}), Gate({})


def copier(home: Path, *, tenant: str = "default", gate: Gate = SURE, seed: int = 0) -> str:
    """The name of a specialist that copies shop, date and total out of receipts."""
    made = ComposedTrainer().train(invoices(60, seed), Recipe(0.9, None, 0.0, seed))
    lineage = Lineage("0" * 64, 60, ("big",), 1_795_000_000.0, seed, {"served": 1.0, "right": 1.0})
    manifest = Manifest("composed", tenant, TASK, gate, lineage)
    return write(home / FOLDER, manifest, made.files).name


def partly(home: Path, unsure: str, *, tenant: str = "default") -> str:
    """The same, never sure of one field."""
    made = ComposedTrainer().train(invoices(60, 0), Recipe(0.9, None, 0.0, 0))
    copies = load_composed(made.files, WordEncoder)
    levels = {name: 0.0 for name in copies.plan.names if name != unsure}
    copies.plan = replace(copies.plan, levels=Levels({}, dict.fromkeys(SURE.thresholds, levels)))
    gate = Gate({PARTLY + stratum: 0.0 for stratum in SURE.thresholds})
    lineage = Lineage("0" * 64, 60, ("big",), 1_795_000_000.0, 0, {"served": 0.0, "partly": 1.0})
    manifest = Manifest("composed", tenant, TASK, gate, lineage)
    return write(home / FOLDER, manifest, dump_composed(copies)).name


def place(home: Path, name: str, state: TargetState = "live", tenant: str = "default") -> None:
    Placements(home).place(Placement(name, tenant, TASK, state, time.time(), "a test"))


def believe(home: Path, *names: str, tenant: str = "default", pairs: int = 60) -> None:
    """The router's saved state, as if so many of their answers had been as good as the frontier's.

    Before the gateway starts."""
    state = State(landmarks=512)
    for name in names:
        evidence = state.evidence_for(tenant, f"{TASK}|{name}={name}")
        evidence.pairs = pairs
    (home / "brain.bin").write_bytes(dump_state(state))
