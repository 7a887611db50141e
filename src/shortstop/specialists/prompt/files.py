"""A book of examples as files, and back."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists import about
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.opinion import Shot
from shortstop.specialists.prompt.book import PromptBook

ARRAYS = "arrays.npz"


class _BookFile(Struct):
    shots: tuple[Shot, ...]
    fixed: int
    near: int


def dump_book(book: PromptBook) -> dict[str, bytes]:
    return {
        ARRAYS: packed(units=book.units.astype(np.float16)),
        **about.dumped(_BookFile(book.shots, book.fixed, book.near)),
    }


def _load(files: Files, encoder: GetEncoder) -> PromptBook:
    """Raises StoreError."""
    described = about.loaded(files, _BookFile)
    units = unpacked(files.get(ARRAYS, b"")).get("units")
    if units is None or units.ndim != 2 or len(units) != len(described.shots):
        raise StoreError("The examples of a prompt do not fit their embeddings.")
    return PromptBook(
        described.shots, units.astype(np.float32), described.fixed, described.near, encoder()
    )


PROMPT = SpecialistKind("prompt", _load)
