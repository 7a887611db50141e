"""Secrets told by what they are and by what stands near: cues, candidates around them, a score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from shortstop.privacy.detect import cues, weigh
from shortstop.privacy.detect.candidates import Suspect, candidates
from shortstop.privacy.detect.cues import Surroundings

AROUND = 200
"""Characters read on both sides of what may be a value: more than a cue's reach."""
WINDOW = cues.REACH + AROUND
"""Bytes read on both sides of a cue."""
_SPACE = re.compile(rb"[ \n]")


def gate() -> str:
    """A pattern (RE2) that matches in every text in which `spans` may find something."""
    return cues.gate()


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every value in UTF-8 that is more likely a secret than the costs of
    a miss and of a false pin allow to let go."""
    for start, end in _windows(data):
        text = data[start:end].decode("utf-8", "ignore")
        for found in _believed(candidates(text), text):
            yield start + _bytes(text, found.start), start + _bytes(text, found.end)


def _windows(data: bytes) -> Iterator[tuple[int, int]]:
    """[start, end) of what is in reach of a cue, no value cut in two."""
    first = last = -1
    for start, end in cues.announced(data):
        if first >= 0 and start - WINDOW > last:
            yield first, last
            first = -1
        if first < 0:
            first = _outside(data, start - WINDOW, -1)
        if end + WINDOW > last:
            last = _outside(data, end + WINDOW, 1)
    if first >= 0:
        yield first, last


def _outside(data: bytes, position: int, step: int) -> int:
    """The next place between two words from there on, or the end."""
    if step < 0:
        return max(data.rfind(b" ", 0, max(0, position)), data.rfind(b"\n", 0, max(0, position)), 0)
    found = _SPACE.search(data, position)
    return len(data) if found is None else found.start()


def _believed(found: Iterable[Suspect], text: str) -> Iterator[Suspect]:
    present = cues.classes(text.encode())
    announces = weigh.announces()
    forms = {form for form, kinds in announces.items() if not kinds.keys().isdisjoint(present)}
    around, model = Surroundings(text, present), weigh.model()
    for candidate in found:
        if candidate.form in forms and (
            model.believes(weigh.features(candidate, around, model.letter_pairs))
        ):
            yield candidate


def _bytes(text: str, position: int) -> int:
    return position if text.isascii() else len(text[:position].encode())
