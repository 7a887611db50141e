"""The router's learned state on disk: loaded at the start, saved now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from shortstop import routing
from shortstop.app.clock import CLOCK
from shortstop.errors import StateUnfit, StoreError
from shortstop.faults import contained
from shortstop.private_files import replace_file
from shortstop.routing import State
from shortstop.traces.seal import Seal
from shortstop.traces.sealed_state import sealed_state, unsealed_state
from shortstop.workers.context import WorkerContext

log = logging.getLogger("shortstop")

SAVE_SECONDS = 60


class LearnedState:
    """One file. With several workers the leader saves what all have learned.

    With a `seal` it is encrypted, so that it tells nothing of prompts and no byte of it changes
    unnoticed.
    """

    def __init__(self, file: Path, workers: WorkerContext | None, seal: Seal | None = None) -> None:
        self._file = file
        self._seal = seal
        self._workers = workers

    def load(self) -> State | None:
        """The saved state; None where there is none.

        One that cannot be used is set aside under another name and a warning says so: what was
        learned is never overwritten. Raises StoreError where it can be neither read nor set aside.
        """
        try:
            data = unsealed_state(self._seal, self._file.read_bytes())
            return routing.load_state(data, routing.packaged())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._out_of_reach("read", error) from error
        except StateUnfit as error:
            if self._leads:
                self._set_aside(error)
            return None

    def save(self, snapshot: Callable[[], bytes]) -> None:
        """Raises OSError."""
        if self._workers is not None:
            self._workers.catch_up()
        if self._leads:
            replace_file(self._file, sealed_state(self._seal, snapshot()))

    async def keep_saving(self, snapshot: Callable[[], bytes]) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                with contained("saving the router's state", (OSError,)):
                    self.save(snapshot)
            except OSError as error:
                log.warning("the router's state could not be saved: %s", error.strerror)

    def save_at_the_end(self, snapshot: Callable[[], bytes]) -> None:
        """Whatever goes wrong: there is more to tidy up."""
        with contained("saving the router's state"):
            self.save(snapshot)

    @property
    def _leads(self) -> bool:
        return self._workers is None or self._workers.leader

    def _set_aside(self, error: StateUnfit) -> None:
        """Rename the file to `brain.bin.REASON-DATE`, with a number where that is taken."""
        date = time.strftime("%Y-%m-%d", time.gmtime(CLOCK.time()))
        name = f"{self._file.name}.{error.reason}-{date}"
        aside, count = self._file.with_name(name), 1
        while aside.exists():
            count += 1
            aside = self._file.with_name(f"{name}-{count}")
        try:
            self._file.rename(aside)
        except OSError as failure:
            raise self._out_of_reach("set aside", failure) from failure
        log.warning(
            "the router starts with nothing learned: %s The state is kept in %s", error, aside
        )

    def _out_of_reach(self, what: str, error: OSError) -> StoreError:
        return StoreError(
            f"What the router has learned, {self._file}, cannot be {what}: {error.strerror}.",
            hint="Make the file readable and its folder writable, or move it away to start anew.",
        )
