"""Seams: where something inside may break while the answer goes on.

A look, a check, a bill, a row or a metric is there for the answer, not the other way round. A block
under `contained` that fails stops there; the code after it goes on with what it has prepared for
that case. The failure is logged by its place and type, never by its text, which may quote the
prompt; and it is counted, for `shortstop_faults_total`. A store that is away is no failure of ours:
its own words are logged, once for each of its causes.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable
from functools import cache
from types import TracebackType

from shortstop.errors import ShortstopError, StoreUnavailable

log = logging.getLogger("shortstop")

PASSED = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)
"""What ends the work itself. Everything else is contained, panics of native code included, which
are no `Exception`."""

_told: set[tuple[str, str]] = set()
_counts: Counter[str] = Counter()


class ContainedBlock:
    """A block whose failure stops at its end. `passing` are errors that are no failure: an answer
    to the client, meant as such."""

    __slots__ = ("_passing", "_place", "code")

    def __init__(self, place: str, passing: tuple[type[BaseException], ...] = ()) -> None:
        self._place = place
        self._passing = passing
        self.code: str | None = None
        """Of the failure, where it has one."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None or isinstance(error, (*PASSED, *self._passing)):
            return False
        self.code = error.code if isinstance(error, ShortstopError) else None
        note(self._place, error)
        return True


contained = cache(ContainedBlock)
"""The block of a place, one for all requests: who asks for its `code` makes one of their own."""


class TurningBlock:
    """A block whose unforeseen failure, noted in the same way, becomes `error`, which somebody
    further out knows how to go on from. A ShortstopError passes as it is."""

    __slots__ = ("_error", "_place")

    def __init__(self, place: str, error: Callable[[], ShortstopError]) -> None:
        self._place = place
        self._error = error

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, (*PASSED, ShortstopError)):
            note(self._place, error)
            raise self._error() from error


turned_into = cache(TurningBlock)
"""The block of a place and an error; likewise."""


def note(place: str, error: BaseException) -> None:
    """Log and count a failure: with the lines of code that it came through the first time, in one
    line after that."""
    if isinstance(error, StoreUnavailable):
        _note_away(place, error)
        return
    kind = type(error).__name__
    _counts[place] += 1
    if (place, kind) in _told:
        log.error("%s failed again (%s): the answer goes on without it", place, kind)
        return
    _told.add((place, kind))
    way = "".join(traceback.format_tb(error.__traceback__, limit=-8))
    log.error("%s failed (%s): the answer goes on without it\n%s", place, kind, way)


def _note_away(place: str, error: StoreUnavailable) -> None:
    """Whoever watches the store tells when it is away and when it is back."""
    cause = place, error.code or type(error).__name__
    if cause not in _told:
        _told.add(cause)
        log.warning("%s is not possible now: %s", place, error)


def taken() -> dict[str, int]:
    """How often each place has failed since the last call."""
    counts = dict(_counts)
    _counts.clear()
    return counts
