"""An adapter as files, and back. The weights are for the engine: nothing here reads them."""

from __future__ import annotations

from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists import about
from shortstop.specialists.adapter.specialist import AdapterSpecialist
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.novelty import arrays, of_arrays

WEIGHTS = "adapter.gguf"
ARRAYS = "arrays.npz"
MAGIC = b"GGUF"


class _AdapterFile(Struct):
    base: str
    longest: int
    most_tokens: int


def dump_adapter(specialist: AdapterSpecialist, weights: bytes) -> dict[str, bytes]:
    """`weights` are a LoRA in GGUF."""
    described = _AdapterFile(specialist.base, specialist.longest, specialist.most_tokens)
    return {
        WEIGHTS: weights,
        ARRAYS: packed(**arrays(specialist.wordings)),
        **about.dumped(described),
    }


def base_of(files: Files) -> str:
    """The SHA-256 of the model file that an adapter belongs to. Raises StoreError."""
    return about.loaded(files, _AdapterFile).base


def _load(files: Files, encoder: GetEncoder) -> AdapterSpecialist:
    """Raises StoreError."""
    described = about.loaded(files, _AdapterFile)
    if not files.get(WEIGHTS, b"").startswith(MAGIC):
        raise StoreError("An adapter has no weights.")
    wordings = of_arrays(unpacked(files.get(ARRAYS, b"")))
    return AdapterSpecialist(described.base, wordings, described.longest, described.most_tokens)


ADAPTER = SpecialistKind("adapter", _load)
