"""Who must not be any more, whatever it is worth: what it has learned from was erased, or has had
its time. It ends with its files, which hold words of that: nobody brings it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from math import inf
from typing import NamedTuple

from shortstop.errors import StoreError
from shortstop.flywheel.night.memory import TaskMemory
from shortstop.flywheel.night.report import KindReport
from shortstop.flywheel.night.shelf import Shelf
from shortstop.registry.placements import Placements
from shortstop.specialists.artefact import Lineage, Manifest

DAY = 86_400.0
"""Seconds before its rows have had their time at which a specialist goes."""


class Forgetting(NamedTuple):
    """Of one task, at the time `now` (Unix seconds); `erased` are the ids of rows whose content is
    not there any more. Methods raise OSError."""

    memory: TaskMemory
    shelf: Shelf
    placements: Placements
    erased: Collection[str]
    now: float

    def forget(self, names: Iterable[str]) -> tuple[KindReport, ...]:
        """End those of the specialists that must; afterwards nothing tells what they learned from,
        but for the data that would be learned from next."""
        gone, data = [], {self.memory.state.data}
        for name, manifest in self._there(names).items():
            why = self.why(manifest.lineage)
            if not why:
                data.add(manifest.lineage.data)
                continue
            if self.placements.find(name) is not None:
                self.placements.retire(name, self.now, why)
            self.shelf.remove(name)
            gone.append(KindReport(manifest.kind, name, "retired", why))
        self.memory.forget_others(data)
        return tuple(gone)

    def why(self, lineage: Lineage) -> str:
        """Why what was made so must go, "" where it may stay."""
        if self.memory.has_trained(lineage.data, self.erased):
            return "It has learned from what was erased since."
        if self.left(lineage) < DAY:
            return "The rows that it has learned from have had their time."
        return ""

    def left(self, lineage: Lineage) -> float:
        """Seconds until it must go."""
        return lineage.expires - self.now if lineage.expires else inf

    def _there(self, names: Iterable[str]) -> dict[str, Manifest]:
        """Those whose files are here."""
        out = {}
        for name in names:
            with suppress(StoreError):
                out[name] = self.shelf.manifest(name)
        return out
