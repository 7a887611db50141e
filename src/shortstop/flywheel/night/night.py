"""A night: the tasks in the order of what they cost, until all are learned or the time is up.

An interrupted night goes on where it was: it learns from the same traffic, up to the same moment,
and what it had made of a task is found again by the hash of its inputs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from shortstop.errors import ShortstopError, fault
from shortstop.flywheel.gather import TaskKey
from shortstop.flywheel.night.report import NightReport, TaskReport
from shortstop.private_files import make_folder, replace_file

log = logging.getLogger("shortstop")

FILE = "night.json"
STALE = 20 * 3600.0
"""Seconds after which an interrupted night is given up for a new one."""


class NightState(Struct, frozen=True, forbid_unknown_fields=True):
    """A night that began at `started` and learns from rows before `until` (Unix seconds); `done`
    are the tasks that it has finished."""

    started: float
    until: float
    done: tuple[TaskKey, ...] = ()


class Night:
    """The one that was interrupted in the `workshop`, else a new one; what is not `kept` leaves it
    alone. Methods raise OSError."""

    def __init__(self, workshop: Path, now: float, *, kept: bool = True) -> None:
        self._file = workshop / FILE
        self._kept = kept
        self.resumed = False
        self.state = NightState(now, now)
        earlier = self._read() if kept else None
        if earlier is not None and now - STALE < earlier.started <= now:
            self.state, self.resumed = earlier, True

    def _read(self) -> NightState | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=NightState)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            log.warning("%s cannot be read; a new night begins: %s", self._file, error)
            return None

    def run(
        self,
        keys: Iterable[TaskKey],
        learn: Callable[[TaskKey], TaskReport],
        minutes: float,
    ) -> NightReport:
        """Learn each task that is not done yet, for so many minutes; a task that was begun is
        brought to its end."""
        begun = time.monotonic()
        waiting = [key for key in keys if key not in self.state.done]
        reports: list[TaskReport] = []
        self._write()
        for number, key in enumerate(waiting):
            if time.monotonic() - begun >= 60 * minutes:
                left = tuple(one.task for one in waiting[number:])
                why = f"The {minutes:g} minutes of this night were over."
                return self._ended(reports, begun, left, why)
            reports.append(_learned(key, learn))
            self.state = msgspec.structs.replace(self.state, done=(*self.state.done, key))
            self._write()
        return self._ended(reports, begun)

    def _ended(
        self, reports: list[TaskReport], begun: float, left: tuple[str, ...] = (), why: str = ""
    ) -> NightReport:
        if self._kept:
            self._file.unlink(missing_ok=True)
        seconds = time.monotonic() - begun
        return NightReport(self.state.started, seconds, tuple(reports), left, why)

    def _write(self) -> None:
        if not self._kept:
            return
        make_folder(self._file.parent)
        replace_file(self._file, msgspec.json.encode(self.state), flush=True)


def _learned(key: TaskKey, learn: Callable[[TaskKey], TaskReport]) -> TaskReport:
    """What became of a task. One that cannot be learned keeps no other from it; a disk that cannot
    be written to ends the night: raises OSError."""
    try:
        return learn(key)
    except OSError:
        raise
    except ShortstopError as error:
        why = error.message
    except Exception as error:
        why = fault(error)
    log.error("night: the task %s of %s stays as it is: %s", key.task, key.tenant, why)
    return TaskReport(*key, 0, 0, 0, 0, {}, why=why)
