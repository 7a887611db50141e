"""Specialists as nights keep them: written as soon as one is made, read again after an
interruption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from shortstop.errors import StoreError
from shortstop.flywheel.learn import Learned
from shortstop.flywheel.night.memory import Became, TaskMemory
from shortstop.specialists import artefact
from shortstop.specialists.artefact import Manifest
from shortstop.specialists.opinion import Specialist

Load = Callable[[str, Mapping[str, bytes]], Specialist]
"""(kind, files) -> a specialist. Raises StoreError."""


class Shelf:
    """The specialists below `root`."""

    def __init__(self, root: Path, load: Load) -> None:
        self.root = root
        self._load = load

    def take(self, name: str) -> Learned:
        """Raises StoreError where it is missing, damaged, or not what its name promises."""
        manifest, files = artefact.read(self.root / Path(name).name)
        return Learned(manifest, files, self._load(manifest.kind, files))

    def manifest(self, name: str) -> Manifest:
        """Raises StoreError as `take` does."""
        return artefact.read(self.root / Path(name).name)[0]

    def remove(self, name: str) -> None:
        """Raises OSError."""
        artefact.remove(self.root / Path(name).name)

    def sweep(self, before: float) -> None:
        """Delete what was begun until then (Unix seconds) and is not whole. Raises OSError."""
        artefact.sweep(self.root, before)

    def put(self, learned: Learned, beside: Mapping[str, bytes]) -> Learned:
        """Write it with the files `beside` it; the same as it is kept. Raises OSError."""
        files = {**learned.files, **beside}
        folder = artefact.write(self.root, learned.manifest, files)
        manifest, files = artefact.read(folder)
        return learned._replace(manifest=manifest, files=files)


class KeptOnDisk:
    """What a night has made of one task so far; implements `learn.Kept`. `beside` goes with every
    specialist; what it would have answered to what it has learned from stays in the workshop."""

    def __init__(self, shelf: Shelf, memory: TaskMemory, beside: Mapping[str, bytes]) -> None:
        self._shelf = shelf
        self._memory = memory
        self._beside = beside

    def find(self, kind: str) -> Learned | str | None:
        became = self._memory.state.tried.get(kind)
        if became is None:
            return None
        if not became.name:
            return became.why
        try:
            return self._shelf.take(became.name)
        except StoreError:
            return None  # damaged since: made again

    def keep(self, kind: str, became: Learned | str) -> Learned | str:
        """Raises OSError."""
        if isinstance(became, str):
            self._memory.note(kind, Became("", became))
            return became
        kept = self._shelf.put(became, self._beside)
        self._memory.rehearsed.write(kept.manifest.name, became.held_out)
        self._memory.note(kind, Became(kept.manifest.name))
        return kept
