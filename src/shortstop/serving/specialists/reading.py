"""The specialists' process at work: questions in, opinions out, each specialist opened once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from shortstop.errors import ShortstopError
from shortstop.serving.specialists.frames import Question, Told, framed, questions
from shortstop.specialists import artefact
from shortstop.specialists.opinion import Specialist
from shortstop.specialists.query import Query

log = logging.getLogger(__name__)

Open = Callable[[Path], Specialist]
"""Opens the specialist in a folder. Raises StoreError."""
MOST_OPEN = 256
"""Specialists in memory; the one that was asked longest ago goes first."""


class OpenSpecialists:
    """Specialists below `root` by name."""

    def __init__(self, root: Path, open_one: Open) -> None:
        self._root = root
        self._open_one = open_one
        self._open: dict[str, Specialist] = {}

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
            opinions = self._find(name).opine([Query(q.text, q.before) for q in group])
        except ShortstopError as error:
            return [Told(question.number, error=error.message) for question in group]
        except Exception as error:
            log.error("specialist %s failed: %s", name, type(error).__name__)
            return [Told(question.number, error="it failed") for question in group]
        return [Told(q.number, one) for q, one in zip(group, opinions, strict=True)]

    def _find(self, name: str) -> Specialist:
        found = self._open.pop(name, None)
        if found is None:
            found = self._open_one(self._root / Path(name).name)
            if len(self._open) >= MOST_OPEN:
                del self._open[next(iter(self._open))]
        self._open[name] = found
        return found


def opener(load: Callable[[str, dict[str, bytes]], Specialist]) -> Open:
    """Opens a folder whose bytes are what its manifest says."""

    def open_one(folder: Path) -> Specialist:
        manifest, files = artefact.read(folder)
        return load(manifest.kind, files)

    return open_one
