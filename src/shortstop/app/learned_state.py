"""The router's learned state on disk: loaded at the start, saved now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from shortstop.errors import ShortstopError
from shortstop.routing import State
from shortstop.workers.context import WorkerContext

log = logging.getLogger("shortstop")

SAVE_SECONDS = 60


class LearnedState:
    """One file. With several workers the leader saves what all have learned."""

    def __init__(self, file: Path, workers: WorkerContext | None) -> None:
        self._file = file
        self._workers = workers

    def load(self) -> State | None:
        try:
            return State.restore(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except (ShortstopError, ValueError) as error:
            log.warning("the router's saved state in %s cannot be read: %s", self._file, error)
            return None

    def save(self, snapshot: Callable[[], bytes]) -> None:
        """Raises OSError."""
        if self._workers is not None:
            self._workers.catch_up()
            if not self._workers.leader:
                return
        draft = self._file.with_suffix(".tmp")
        draft.write_bytes(snapshot())
        draft.replace(self._file)

    async def keep_saving(self, snapshot: Callable[[], bytes]) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            try:
                self.save(snapshot)
            except OSError as error:
                log.warning("the router's state could not be saved: %s", error.strerror)
