"""The specialists' process at work: questions in, opinions out, each specialist opened once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from shortstop.errors import ShortstopError
from shortstop.serving.specialists.frames import Question, Told, framed, questions
from shortstop.specialists import artefact
from shortstop.specialists.opinion import Specialist

log = logging.getLogger(__name__)

Open = Callable[[Path], Specialist]
"""Opens the specialist in a folder. Raises StoreError."""
REFUSED_SECONDS = 30.0
"""Seconds before a specialist that could not be opened is tried again."""
MOST_OPEN = 256
"""Specialists in memory; the one that was asked longest ago goes first."""


class OpenSpecialists:
    """Specialists below `root` by name. `now` is a clock in seconds."""

    def __init__(
        self, root: Path, open_one: Open, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = root
        self._open_one = open_one
        self._now = now
        self._open: dict[str, Specialist] = {}
        self._refused: dict[str, tuple[float, ShortstopError]] = {}

    def serve(self, source: BinaryIO, sink: BinaryIO) -> None:
        """Answer until the source ends."""
        while (asked := questions(source)) is not None:
            sink.write(framed(self.answer(asked)))
            sink.flush()

    def answer(self, asked: list[Question]) -> list[Told]:
        """Questions to the same specialist are read together."""
        by_name: dict[str, list[Question]] = {}
        for question in asked:
            by_name.setdefault(question.specialist, []).append(question)
        return [told for name, group in by_name.items() for told in self._told(name, group)]

    def _told(self, name: str, group: list[Question]) -> list[Told]:
        try:
            opinions = self._find(name).opine([question.query for question in group])
        except ShortstopError as error:
            return [Told(question.number, error=str(error)) for question in group]
        except Exception as error:
            log.error("specialist %s failed: %s", name, type(error).__name__)
            return [Told(question.number, error="it failed") for question in group]
        return [Told(q.number, one) for q, one in zip(group, opinions, strict=True)]

    def _find(self, name: str) -> Specialist:
        found = self._open.pop(name, None)
        if found is None:
            found = self._opened(name)
            if len(self._open) >= MOST_OPEN:
                del self._open[next(iter(self._open))]
        self._open[name] = found
        return found

    def _opened(self, name: str) -> Specialist:
        """Reading a folder and its hashes costs: what cannot be opened is not tried at once again.
        Raises ShortstopError."""
        at, refusal = self._refused.get(name, (0.0, None))
        if refusal is not None and self._now() - at < REFUSED_SECONDS:
            raise refusal
        try:
            found = self._open_one(self._root / Path(name).name)
        except ShortstopError as error:
            self._refused[name] = self._now(), error.with_traceback(None)
            raise
        self._refused.pop(name, None)
        return found


def opener(load: Callable[[str, dict[str, bytes]], Specialist]) -> Open:
    """Opens a folder whose bytes are what its manifest says."""

    def open_one(folder: Path) -> Specialist:
        manifest, files = artefact.read(folder)
        return load(manifest.kind, files)

    return open_one
