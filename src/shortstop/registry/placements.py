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
REPLACES: dict[TargetState, tuple[TargetState, ...]] = {
    "canary": ("canary",),
    "live": ("canary", "live"),
}
"""Whose place a specialist takes in a state, beside those who were asked unseen before it was."""
SERVING: tuple[TargetState, ...] = ("shadow", "canary", "live")
"""Those that answer or are asked unseen."""
KEPT = 200
"""Placements that are remembered after they ended."""


class Placement(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One specialist, by its folder's `name`, in a `state` since then (Unix seconds). `why` says
    who or what put it there. `replaced_by` names the one that took its place. `before` is the
    state in which it was when that was done, or when it was rolled back. `withdrawals` counts how
    often it was taken out of traffic, `changes` how often it was changed at all."""

    name: str
    tenant: str
    task: str
    state: TargetState
    since: float
    why: str = ""
    replaced_by: str | None = None
    before: TargetState | None = None
    withdrawals: int = 0
    changes: int = 0

    @property
    def rolled_back(self) -> bool:
        """Whether it answered until it was taken out of traffic."""
        taken_out = self.state == "retired" and self.replaced_by is None
        return taken_out and self.before in ("canary", "live")

    @property
    def kind(self) -> str:
        """The kind of specialist: its name without the hash."""
        return self.name.rpartition("-")[0]


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
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.error("%s cannot be used, so no specialist answers: %s", self._file, error)
            return []

    def find(self, name: str) -> Placement | None:
        return next((one for one in self.all() if one.name == name), None)

    def stamp(self) -> tuple[int, ...]:
        """Differs from the one before as soon as something was placed. Never raises."""
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ino, found.st_size

    def serving(self) -> list[Placement]:
        """Those that answer or are asked unseen."""
        return [one for one in self.all() if one.state in SERVING]

    def place(self, placement: Placement, seen: TargetState | None = None) -> None:
        """Put a specialist into a state. One that goes live takes the place of those of its kind
        that answered the same tenant's task before, a canary that of an earlier canary, and both
        that of those who were asked unseen before they were. Where the state in which it was `seen`
        is not its own any more, somebody else has decided: nothing changes. Raises OSError."""

        def change(placed: list[Placement]) -> list[Placement]:
            before = next((one for one in placed if one.name == placement.name), placement)
            if seen is not None and before is not placement and before.state != seen:
                return placed
            others = [one for one in placed if one.name != placement.name]
            return [*(self._after(one, placement, before.since) for one in others), placement]

        self._change(change)

    def _after(self, one: Placement, new: Placement, came: float) -> Placement:
        """What becomes of another one; the new one `came` to the task then."""
        same = (one.tenant, one.task, one.kind) == (new.tenant, new.task, new.kind)
        replaced = REPLACES.get(new.state, ())
        if replaced and one.state == "shadow" and one.since <= came:
            replaced = ("shadow",)
        if same and one.state in replaced:
            why = f"replaced by {new.name}"
            return msgspec.structs.replace(
                one, state="retired", since=new.since, why=why, replaced_by=new.name,
                before=one.state,
            )  # fmt: skip
        return one

    def roll_back(self, name: str, at: float, why: str) -> Placement | None:
        """Take a specialist out of traffic; who answered in its place before comes back and is
        returned, None where nobody did. One that answers nothing any more stays as it is. Raises
        OSError, and KeyError where there is none of that name."""
        restored: list[Placement] = []

        def change(placed: list[Placement]) -> list[Placement]:
            current = next((one for one in placed if one.name == name), None)
            if current is None:
                raise KeyError(name)
            if current.state not in SERVING:
                return placed
            reason = f"{name} was rolled back"
            out: list[Placement] = []
            for one in placed:
                if one.name == name:
                    one = msgspec.structs.replace(
                        one, state="retired", since=at, why=why, before=one.state
                    )
                elif one.replaced_by == name:
                    one = Placement(
                        one.name, one.tenant, one.task, one.before or "live", at, reason
                    )
                    restored.append(one)
                out.append(one)
            return out

        self._change(change)
        return restored[0] if restored else None

    def retire(self, name: str, at: float, why: str) -> None:
        """Take a specialist out of traffic, for good: nobody comes back for it, and it does not
        come back for its successor. Raises as `roll_back` does."""

        def change(placed: list[Placement]) -> list[Placement]:
            if all(one.name != name for one in placed):
                raise KeyError(name)
            return [
                msgspec.structs.replace(
                    one, state="retired", since=at, why=why, replaced_by=None, before=None
                )
                if one.name == name
                else one
                for one in placed
            ]

        self._change(change)

    def rewrite(self, change: Callable[[list[Placement]], list[Placement]]) -> None:
        """Write what `change` makes of all, as it is. Raises OSError."""
        with self._locked():
            placed = self.all()
            changed = remembered(change(placed))
            if changed != placed:
                document = msgspec.json.format(msgspec.json.encode(changed))
                replace_file(self._file, document, flush=True)

    def _change(self, change: Callable[[list[Placement]], list[Placement]]) -> None:
        def counted(placed: list[Placement]) -> list[Placement]:
            before = {one.name: one for one in placed}
            return [_counted(before.get(one.name), one) for one in change(placed)]

        self.rewrite(counted)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.folder)
        with os.fdopen(os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def remembered(placed: list[Placement]) -> list[Placement]:
    """Without those that ended longest ago, where there are many."""
    ended = sorted(
        (one for one in placed if one.state not in SERVING), key=lambda one: (one.since, one.name)
    )
    forgotten = {one.name for one in ended[: max(0, len(ended) - KEPT)]}
    return [one for one in placed if one.name not in forgotten]


def _counted(before: Placement | None, now: Placement) -> Placement:
    """With the counts of what it was before, and one more where it has changed."""
    if before is None or now == before:
        return now
    withdrawn = before.state in SERVING and now.state not in SERVING
    return msgspec.structs.replace(
        now, withdrawals=before.withdrawals + withdrawn, changes=before.changes + 1
    )
