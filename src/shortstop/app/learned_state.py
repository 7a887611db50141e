"""The router's learned state on disk: loaded at the start, saved now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from shortstop import routing
from shortstop.app.clock import CLOCK
from shortstop.app.replica import Replica
from shortstop.errors import StateUnfit, StoreError
from shortstop.faults import contained
from shortstop.private_files import replace_file
from shortstop.routing import State
from shortstop.traces.seal import Seal
from shortstop.traces.sealed_state import sealed_state, unsealed_state
from shortstop.workers.context import WorkerContext
from shortstop.workers.exchange import Learn

log = logging.getLogger("shortstop")

SAVE_SECONDS = 60


class LearnedState:
    """One file. With several workers the leader saves what all have learned; of machines that
    share what they learn each has such a file, and begins with what all of them know.

    With a `seal` it is encrypted, so that it tells nothing of prompts and no byte of it changes
    unnoticed.
    """

    def __init__(
        self,
        file: Path,
        workers: WorkerContext | None,
        seal: Seal | None = None,
        replica: Replica | None = None,
    ) -> None:
        self._file = file
        self._seal = seal
        self._workers = workers
        self._replica = replica
        self._exchange = workers if replica is None else replica.exchange

    def load(self) -> State | None:
        """What the gateway begins with: the saved state, or that of all machines; None where there
        is none. Raises StoreError."""
        own = self._saved()
        if self._replica is None:
            return own
        state = self._replica.load(own)
        if own is not None and own.origin != state.origin and self._leads:
            error = StateUnfit("This one was learned by this machine alone.", "alone")
            self._set_aside(error, "the router starts with what the machines share")
        return state

    def listen(self, state: State, learn: Learn) -> None:
        """Learn from the other processes from now on. Raises StoreError."""
        if self._workers is not None and self._replica is None:
            # Workers that begin with the same state must not draw the same lots.
            state.draws += self._workers.index << 40
        if self._replica is not None:
            self._replica.listen(learn)
        if self._exchange is not None:
            self._exchange.listen(learn)

    def listen_anew(self) -> None:
        """After the state was replaced: what this machine has seen is learned once more."""
        if self._exchange is not None:
            self._exchange.listen_anew()

    def _saved(self) -> State | None:
        """The state in the file; None where there is none.

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
                self._set_aside(error, "the router starts with nothing learned")
            return None

    def save(self, snapshot: Callable[[], bytes]) -> None:
        """Raises OSError."""
        if self._exchange is not None:
            self._exchange.catch_up()
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
        if self._replica is not None:
            with contained("sharing the router's state"):
                self._replica.leave(snapshot)

    @property
    def _leads(self) -> bool:
        return self._workers is None or self._workers.leader

    def _set_aside(self, error: StateUnfit, then: str) -> None:
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
        log.warning("%s: %s The state is kept in %s", then, error, aside)

    def _out_of_reach(self, what: str, error: OSError) -> StoreError:
        return StoreError(
            f"What the router has learned, {self._file}, cannot be {what}: {error.strerror}.",
            hint="Make the file readable and its folder writable, or move it away to start anew.",
        )
