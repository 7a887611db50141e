"""What nights remember of a task: a small file that is replaced whole at the end of each stage.

WORKSHOP/tasks/HASH/state.json   which data was last learned from, and what became of each kind
WORKSHOP/tasks/HASH/frozen.bin   fingerprints of what has been in an examination
WORKSHOP/tasks/HASH/DATA.trained  which rows have trained, by the data set's hash
WORKSHOP/tasks/HASH/NAME.held-out  what a specialist would have answered to these, sealed

The first three hold nothing that was asked or answered. A file that cannot be read is set aside:
the task is learned as if it were new, but for what its examinations have frozen.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.flywheel.curate.frozen import Frozen
from shortstop.flywheel.gather import TaskKey
from shortstop.flywheel.night.rehearsed import Rehearsed
from shortstop.private_files import make_folder, replace_file
from shortstop.traces.seal import Seal

log = logging.getLogger("shortstop")

ID_BYTES = 8
"""Of the hash of a row's id."""
TRAINED = ".trained"
EARLIER = "trained.bin"
"""What earlier releases called those of the newest data set."""


class Became(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one kind: the `name` of its specialist, or "" and `why` there is none."""

    name: str
    why: str = ""


class TaskState(Struct, frozen=True, forbid_unknown_fields=True):
    """`inputs` names the data and the recipe that `tried` is about, by kind; `complete` once all
    kinds have been tried. `rows` is how many rows trained, `data` their hash. `until` is the time
    of the newest row of the last complete attempt (Unix seconds)."""

    tenant: str
    task: str
    inputs: str = ""
    complete: bool = False
    rows: int = 0
    until: float = 0.0
    tried: dict[str, Became] = {}
    data: str = ""


class TaskMemory:
    """Of one task, below the `workshop` folder. Methods raise OSError."""

    def __init__(self, workshop: Path, key: TaskKey, seal: Seal | None = None) -> None:
        name = blake2b("\0".join(key).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self.folder = workshop / "tasks" / name
        self.frozen = Frozen(self.folder / "frozen.bin")
        self.rehearsed = Rehearsed(self.folder, seal)
        self.state = self._read(key)

    def _read(self, key: TaskKey) -> TaskState:
        new = TaskState(key.tenant, key.task)
        try:
            return msgspec.json.decode((self.folder / "state.json").read_bytes(), type=TaskState)
        except FileNotFoundError:
            return new
        except msgspec.MsgspecError as error:
            log.warning("%s cannot be read and is begun again: %s", self.folder, error)
            return new

    def begin(self, inputs: str, data: str, rows: Iterable[str]) -> None:
        """What follows is about these inputs, made of the rows with these ids, whose hash is
        `data`; goes on where a night was interrupted. What will be examined on is frozen first."""
        self.frozen.keep()
        if self.state.inputs == inputs:
            return
        marks = {row_mark(id) for id in rows}
        make_folder(self.folder)
        known = self._marks(data) if self._trained(data).exists() else set()
        replace_file(self._trained(data), b"".join(sorted(marks | known)), flush=True)
        before = self.state
        self._write(
            TaskState(
                before.tenant, before.task, inputs, False, len(marks), before.until, data=data
            )
        )

    def note(self, kind: str, became: Became) -> None:
        self._write(msgspec.structs.replace(self.state, tried={**self.state.tried, kind: became}))

    def finish(self, until: float) -> None:
        """All kinds have been tried on rows until then (Unix seconds)."""
        self._write(msgspec.structs.replace(self.state, complete=True, until=until))

    def has_trained(self, data: str, ids: Iterable[str]) -> bool:
        """Whether one of the rows with these ids is in that data set."""
        marks = self._marks(data)
        return bool(marks) and any(row_mark(id) in marks for id in ids)

    def forget_others(self, data: Collection[str]) -> None:
        """Nobody is left who has learned from other data sets than these."""
        for file in self.folder.glob(f"*{TRAINED}"):
            if file.name.removesuffix(TRAINED) not in data:
                file.unlink(missing_ok=True)

    def _marks(self, data: str) -> set[bytes]:
        file = self._trained(data)
        if not file.exists():
            file = self.folder / EARLIER
        found = file.read_bytes() if file.exists() else b""
        return {found[i : i + ID_BYTES] for i in range(0, len(found), ID_BYTES)}

    def _trained(self, data: str) -> Path:
        return self.folder / f"{Path(data).name}{TRAINED}"

    def _write(self, state: TaskState) -> None:
        make_folder(self.folder)
        document = msgspec.json.format(msgspec.json.encode(state))
        replace_file(self.folder / "state.json", document, flush=True)
        self.state = state


def row_mark(id: str) -> bytes:
    return blake2b(id.encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).digest()
