"""The specialists of this machine: who is placed, as targets, and the process that reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shortstop.app.clock import CLOCK
from shortstop.errors import ShortstopError, StoreError
from shortstop.ports import Backend
from shortstop.registry.placements import Placement, Placements
from shortstop.serving.health import TargetHealth
from shortstop.serving.specialists.backend import SpecialistBackend
from shortstop.serving.specialists.process import SpecialistProcess
from shortstop.specialists.adapter.files import ADAPTER
from shortstop.specialists.artefact import Manifest, read
from shortstop.specialists.kinds import KINDS
from shortstop.types import Target

log = logging.getLogger("shortstop")

CONTEXT = 32_768
"""Tokens; a specialist declines by itself what is too long for it."""
ABILITIES = frozenset({"json", "tools"})
"""What a request may ask of any specialist: answers whose shape was learned are checked as well."""
ORDER = {kind.name: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Roster:
    """Those that are placed, in the order in which they are asked."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    backends: Mapping[str, SpecialistBackend] = field(default_factory=dict)
    health: Mapping[str, TargetHealth] = field(default_factory=dict)


class SpecialistShelf:
    """Those below the data folder `home`. Lives as long as the process. `writer` gives the local
    model under the adapter of a specialist, by its name."""

    def __init__(self, home: Path, writer: Callable[[str], Backend] | None = None) -> None:
        self._writer = writer
        self.placements = Placements(home)
        self._process = SpecialistProcess(str(self.placements.folder))
        self._stamp: tuple[int, ...] = ()
        self._checked: dict[str, Manifest] = {}
        self._health: dict[str, TargetHealth] = {}
        self._opened: set[str] = set()

    @property
    def changed(self) -> bool:
        """Whether somebody was placed since the last `roster`."""
        return self.placements.stamp() != self._stamp

    def roster(self) -> Roster:
        """Who is placed now. Reads files; whoever is damaged or was tampered with is left out, and
        a line of the log says so."""
        self._stamp = self.placements.stamp()
        placed = sorted(self.placements.serving(), key=_turn)
        known = {one.name: manifest for one in placed if (manifest := self._manifest(one))}
        self._checked = known
        return Roster(
            {one.name: _target(one) for one in placed if one.name in known},
            {
                name: SpecialistBackend(name, manifest.gate, self._process, self._local(manifest))
                for name, manifest in known.items()
            },
            {name: self._health_of(name) for name in known},
        )

    def _local(self, manifest: Manifest) -> Backend | None:
        """Who writes the answers of a specialist that has none of its own."""
        if self._writer is None or manifest.kind != ADAPTER.name:
            return None
        return self._writer(manifest.name)

    def _manifest(self, placed: Placement) -> Manifest | None:
        """A folder never changes: one that was whole once is not read again."""
        known = self._checked.get(placed.name)
        if known is not None:
            return known
        try:
            manifest, _ = read(self.placements.folder / Path(placed.name).name)
        except StoreError as error:
            log.error("%s It answers nothing.", error)
            return None
        if (manifest.tenant, manifest.task) != (placed.tenant, placed.task):
            log.error("%s was learned for another tenant or task: it answers nothing.", placed.name)
            return None
        return manifest

    def _health_of(self, name: str) -> TargetHealth:
        return self._health.setdefault(name, TargetHealth(name, CLOCK))

    async def warm(self, targets: Mapping[str, Target]) -> None:
        """Start the process and open those specialists that are new, so that no request waits for
        it. What cannot be opened is logged in words; others answer in its place."""
        new = [
            name
            for name, target in targets.items()
            if target.specialist is not None and name not in self._opened
        ]
        self._opened.update(new)
        for outcome in await asyncio.gather(*map(self._open, new)):
            if outcome:
                log.error("%s", outcome)

    async def _open(self, name: str) -> str:
        try:
            await self._process.open(name)
        except ShortstopError as error:
            return f"the specialist {name} cannot answer: {error}"
        return ""

    async def close(self) -> None:
        await self._process.close()


def _turn(placed: Placement) -> tuple[int, bool]:
    """The cheapest kind first; of one kind the canary, in place of the one that it may replace."""
    return ORDER.get(placed.kind, len(ORDER)), placed.state != "canary"


def _target(placed: Placement) -> Target:
    return Target(
        name=placed.name,
        model=placed.name,
        local=True,
        provider="shortstop",
        context=CONTEXT,
        abilities=ABILITIES,
        tasks=frozenset({placed.task}),
        tenants=frozenset({placed.tenant}),
        state=placed.state,
        specialist=placed.kind,
    )
