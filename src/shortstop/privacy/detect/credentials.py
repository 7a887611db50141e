"""Secrets told by what they are and by what stands near: cues, candidates around them, a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shortstop.privacy.detect import cues, weigh
from shortstop.privacy.detect.candidates import Suspect, candidates
from shortstop.privacy.detect.cues import Surroundings

AROUND = 200
"""Characters read on both sides of what may be a value: more than a cue's reach."""


def gate() -> str:
    """A pattern (RE2) that matches in every text in which `spans` may find something."""
    return cues.gate()


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, end) in bytes of every value in UTF-8 that is more likely a secret than the costs of
    a miss and of a false pin allow to let go."""
    text = data.decode("utf-8", "ignore")
    for stretch in _stretches(candidates(text)):
        for found in _believed(stretch, text):
            yield _bytes(text, found.start), _bytes(text, found.end)


def _stretches(found: Iterable[Suspect]) -> Iterator[list[Suspect]]:
    """Candidates that stand near each other, so that what is around them is read once."""
    stretch: list[Suspect] = []
    for candidate in found:
        if stretch and candidate.end - stretch[0].start > AROUND:
            yield stretch
            stretch = []
        stretch.append(candidate)
    if stretch:
        yield stretch


def _believed(stretch: Sequence[Suspect], text: str) -> Iterator[Suspect]:
    start = max(0, min(c.start for c in stretch) - AROUND)
    piece = text[start : max(c.end for c in stretch) + AROUND]
    present = cues.classes(piece.encode())
    announces = weigh.announces()
    fitting = [c for c in stretch if not announces[c.form].keys().isdisjoint(present)]
    if not fitting:
        return
    around, model = Surroundings(piece, present), weigh.model()
    for candidate in fitting:
        moved = Suspect(
            candidate.start - start, candidate.end - start, candidate.form, candidate.value
        )
        if model.believes(weigh.features(moved, around, model.letter_pairs)):
            yield candidate


def _bytes(text: str, position: int) -> int:
    return position if text.isascii() else len(text[:position].encode())
