"""The books of one configuration: what its models cost, this machine's power included."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shortstop.app.clock import CLOCK
from shortstop.app.engines import Engine
from shortstop.config import Config
from shortstop.ledger import Books, Meter
from shortstop.ledger.nvml import Nvml
from shortstop.ledger.rapl import Rapl
from shortstop.types import Target

log = logging.getLogger("shortstop")


def build_books(
    config: Config,
    targets: Mapping[str, Target],
    engines: Mapping[str, Engine],
    new: str | None = None,
) -> Books:
    """An unknown price is said aloud: of every model, or of the `new` one."""
    slots = {name: engine.slots.slots for name, engine in engines.items()}
    books = Books(targets, config, slots=slots, meter=machine_meter())
    for name in books.unpriced():
        if new in (None, name):
            log.warning("no price is known for %s: its costs are shown as unknown", name)
    return books


def machine_meter() -> Meter | None:
    """Of what can be read here: the processor's packages, NVIDIA GPUs, or both."""
    found = [meter for meter in (Rapl.find(CLOCK), Nvml.find(CLOCK)) if meter is not None]
    return SumOfMeters(found) if found else None


@dataclass(frozen=True, slots=True)
class SumOfMeters:
    """Implements ledger.Meter. What cannot be read at the moment leaves the whole unknown."""

    meters: Sequence[Meter]

    def watts(self) -> float | None:
        drawn = [meter.watts() for meter in self.meters]
        known = [watts for watts in drawn if watts is not None]
        return sum(known) if len(known) == len(drawn) else None
