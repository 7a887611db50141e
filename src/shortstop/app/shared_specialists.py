"""The specialists that machines share: what is placed on one is placed on all.

The files of this machine stay what answers here; the store is how changes reach the others. What
the store says and what the file says are merged (`registry.merging`), and both become the same.
While the store is away the machine goes on with its file; what was changed meanwhile goes out
afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from shortstop.app.clock import CLOCK
from shortstop.errors import StateUnfit, StoreError
from shortstop.ports import Clock
from shortstop.ports.replicas import SpecialistStore
from shortstop.registry.merging import merged, needs_files, with_files
from shortstop.registry.placements import Placement, Placements
from shortstop.specialists import bundle
from shortstop.specialists.artefact import write
from shortstop.traces.seal import Seal
from shortstop.traces.sealed_bytes import opened_bytes, sealed_bytes

log = logging.getLogger("shortstop")

MOST_BYTES = 64 << 20
"""Of one specialist's files. Larger ones stay on their machine."""
AGAIN_SECONDS = 60.0
"""Before everything is looked at again where nothing has changed: what failed is tried again, and
the leader deletes files that nobody needs."""
YOUNG_SECONDS = 600.0
"""Files that came so recently may belong to a placement that comes next."""
PLACED = "list of specialists"


class SharedSpecialists:
    """Those of this machine's `placements`. `lacking` says why a kind cannot be served here, ""
    where it can."""

    def __init__(
        self,
        store: SpecialistStore,
        placements: Placements,
        seal: Seal,
        lacking: Callable[[str], str] = lambda kind: "",
        clock: Clock = CLOCK,
    ) -> None:
        self._store = store
        self._placements = placements
        self._seal = seal
        self._lacking = lacking
        self._clock = clock
        self._seen: object = None
        self._due = 0.0
        self._said: dict[str, str] = {}

    def turn(self, term: int | None) -> None:
        """Tell the others what was placed here, and place what they have placed; `term` is that of
        the leader, which tidies up. Raises StoreError; then the next turn does it."""
        overview = self._store.overview()
        seen, now = (overview, self._placements.stamp()), self._clock.monotonic()
        if seen == self._seen and now < self._due:
            return
        known = self._exchanged(overview.artefacts)
        if known is not None and term is not None:
            self._store.sweep_artefacts(term, with_files(known), YOUNG_SECONDS)
        self._seen, self._due = seen, now + AGAIN_SECONDS

    def close(self) -> None:
        self._store.close()

    def _exchanged(self, stored: frozenset[str]) -> list[Placement] | None:
        """All that are placed anywhere; None where they cannot be read or written."""
        try:
            known = self._exchange(stored)
        except StateUnfit as error:
            self._say(PLACED, f"specialists are not shared: {error}")
        except OSError as error:
            self._say(PLACED, f"specialists are not shared: {error.filename}: {error.strerror}")
        else:
            self._said.pop(PLACED, None)
            return known
        return None

    def _exchange(self, stored: frozenset[str]) -> list[Placement]:
        """Raises StateUnfit, OSError and StoreError."""
        shared = self._store.placements()
        theirs = self._read(shared.data)
        known = merged(self._placements.all(), theirs)
        stored |= self._published(known, stored)
        told = _with_files_first(known, theirs, stored)
        if told != theirs:
            data = sealed_bytes(self._seal, msgspec.json.encode(told), PLACED)
            # Where another machine was faster, the next turn sees a new version.
            self._store.replace_placements(shared.version, data)
        self._place(known, stored)
        return known

    def _read(self, data: bytes) -> list[Placement]:
        """[] where it was altered: then it is written anew. Raises StateUnfit."""
        if not data:
            return []
        try:
            plain = opened_bytes(self._seal, data, PLACED)
            return msgspec.json.decode(plain, type=list[Placement])
        except StateUnfit as error:
            if error.reason != "damaged":
                raise
            log.error("%s It is written anew.", error)
            return []
        except msgspec.MsgspecError as error:
            raise StateUnfit("Another release has written the list of them.", "version") from error

    # ------------------------------------------------------------ files

    def _published(self, known: Sequence[Placement], stored: frozenset[str]) -> set[str]:
        """Keep the files that are here and not in the store; of whom they are there now."""
        missing = with_files(known) - stored
        return {
            name for name in sorted(missing) if self._folder(name).is_dir() and self._kept(name)
        }

    def _kept(self, name: str) -> bool:
        if name in self._said:  # a folder never changes
            return False
        try:
            data = bundle.packed(self._folder(name))
        except StoreError as error:
            self._say(name, f"{error} It is not shared.")
            return False
        if len(data) > MOST_BYTES:
            size, most = len(data) >> 20, MOST_BYTES >> 20
            self._say(
                name,
                f"the specialist {name} answers on this machine alone: its files have {size} MB, "
                f"and up to {most} MB are shared",
            )
            return False
        self._store.keep_artefact(name, sealed_bytes(self._seal, data, _about(name)))
        return True

    def _place(self, known: Sequence[Placement], stored: frozenset[str]) -> None:
        """Place those whose files are here. The file may have changed meanwhile: it is merged."""
        for name in sorted(with_files(known) & stored):
            if not self._folder(name).is_dir():
                self._fetch(name)
        here = [one for one in known if not needs_files(one) or self._folder(one.name).is_dir()]
        self._placements.rewrite(lambda placed: merged(placed, here))

    def _fetch(self, name: str) -> None:
        """Keep its files here; what is not what its name promises is refused in words, once."""
        lacking = self._lacking(name.rpartition("-")[0])
        if lacking:
            self._say(lacking, lacking)
            return
        sealed = self._store.artefact(name)
        if sealed is None:
            return
        try:
            manifest, files = bundle.unpacked(opened_bytes(self._seal, sealed, _about(name)))
            if manifest.name != name:
                raise StoreError(f"The {_about(name)} is another one.")
        except StoreError as error:
            self._say(f"fetching {name}", f"{error} It is not placed here.")
            if isinstance(error, StateUnfit) and error.reason == "damaged":
                self._store.drop_artefact(name)  # whoever has it publishes it again
            return
        write(self._placements.folder, manifest, files)
        self._said.pop(f"fetching {name}", None)

    def _folder(self, name: str) -> Path:
        return self._placements.folder / Path(name).name

    def _say(self, about: str, words: str) -> None:
        """Once."""
        if self._said.get(about) != words:
            self._said[about] = words
            log.error("%s", words)


def _with_files_first(
    known: Sequence[Placement], theirs: Sequence[Placement], stored: frozenset[str]
) -> list[Placement]:
    """What the store is told: nobody is placed there whose files are not; who was stays."""
    before = {one.name: one for one in theirs}
    told = [
        before.get(one.name) if needs_files(one) and one.name not in stored else one
        for one in known
    ]
    return [one for one in told if one is not None]


def _about(name: str) -> str:
    return f"specialist {name}"
