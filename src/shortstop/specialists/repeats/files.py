"""Vetted answers as a file, and back."""

from __future__ import annotations

from msgspec import Struct

from shortstop.specialists import about
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.repeats.repeats import Repeats, VettedAnswers


class _RepeatsFile(Struct):
    answers: dict[str, str]
    idle: tuple[str, ...]


def dump_repeats(vetted: VettedAnswers) -> dict[str, bytes]:
    return about.dumped(_RepeatsFile(vetted.answers, tuple(sorted(vetted.idle))))


def load_repeats(files: Files) -> VettedAnswers:
    """Raises StoreError."""
    described = about.loaded(files, _RepeatsFile)
    return VettedAnswers(described.answers, frozenset(described.idle))


def _load(files: Files, encoder: GetEncoder) -> Repeats:
    return Repeats(load_repeats(files))


REPEATS = SpecialistKind("repeats", _load)
