"""Which specialist answers which task, and how far it is trusted: one small file, replaced whole.

Promoting and rolling back are one rename. A file that cannot be read is set aside, and nobody is
placed: requests go where they went before there were specialists.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.private_files import make_folder, replace_file
from shortstop.types.decision import TargetState

log = logging.getLogger(__name__)

FOLDER = "specialists"
FILE = "placements.json"
KEPT = 200
"""Placements that are remembered after they ended."""


class Placement(Struct, frozen=True, forbid_unknown_fields=True):
    """One specialist, by its folder's `name`, in a `state` since then (Unix seconds). `why` says
    who or what put it there."""

    name: str
    tenant: str
    task: str
    state: TargetState
    since: float
    why: str = ""


class Placements:
    """Those below the data folder `home`. Safe for several processes."""

    def __init__(self, home: Path) -> None:
        self.folder = home / FOLDER
        self._file = self.folder / FILE

    def all(self) -> list[Placement]:
        """In the order in which they were placed; [] where there are none. Never raises."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[Placement])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            log.error("%s cannot be used, so no specialist answers: %s", self._file, error)
            return []

    def serving(self) -> list[Placement]:
        """Those that answer or are asked unseen."""
        return [one for one in self.all() if one.state in ("shadow", "canary", "live")]

    def place(self, placement: Placement) -> None:
        """Put a specialist into a state. Where it answers, the one that answered the same tenant's
        task before is retired. Raises OSError."""

        def change(placed: list[Placement]) -> list[Placement]:
            kept = [self._after(one, placement) for one in placed if one.name != placement.name]
            return [*kept, placement]

        self._change(change)

    def _after(self, one: Placement, new: Placement) -> Placement:
        same = (one.tenant, one.task) == (new.tenant, new.task)
        if same and new.state in ("canary", "live") and one.state in ("canary", "live"):
            replaced = f"replaced by {new.name}"
            return msgspec.structs.replace(one, state="retired", since=new.since, why=replaced)
        return one

    def roll_back(self, name: str, at: float, why: str) -> Placement | None:
        """Take a specialist out of traffic; the one before it comes back, if there was one, and is
        returned. Raises OSError, and KeyError where there is none of that name."""
        restored: list[Placement] = []

        def change(placed: list[Placement]) -> list[Placement]:
            current = next((one for one in placed if one.name == name), None)
            if current is None:
                raise KeyError(name)
            retired = msgspec.structs.replace(current, state="retired", since=at, why=why)
            out = [retired if one.name == name else one for one in placed]
            before = f"replaced by {name}"
            for number, one in enumerate(out):
                if one.why == before:
                    reason = f"{name} was rolled back"
                    one = msgspec.structs.replace(one, state="live", since=at, why=reason)
                    out[number] = one
                    restored.append(one)
            return out

        self._change(change)
        return restored[0] if restored else None

    def _change(self, change: Callable[[list[Placement]], list[Placement]]) -> None:
        with self._locked():
            placed = change(self.all())
            ended = [one for one in placed if one.state in ("retired", "candidate")]
            for one in ended[: max(0, len(ended) - KEPT)]:
                placed.remove(one)
            document = msgspec.json.format(msgspec.json.encode(placed))
            replace_file(self._file, document, flush=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.folder)
        with os.fdopen(os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
