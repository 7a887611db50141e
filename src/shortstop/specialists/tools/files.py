"""A tool specialist as files, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.specialists import about, novelty
from shortstop.specialists.arrays import packed, unpacked
from shortstop.specialists.kind import Files, GetEncoder, SpecialistKind
from shortstop.specialists.tools.choice import ToolHead
from shortstop.specialists.tools.readings import READINGS
from shortstop.specialists.tools.slots import SlotTagger
from shortstop.specialists.tools.specialist import LearnedTool, ToolSpecialist
from shortstop.specialists.words import WordTable

ARRAYS = "arrays.npz"
MODEL = "slots.crfsuite"


class _ToolsFile(Struct):
    labels: tuple[str, ...]
    terms: tuple[str, ...]
    words: list[str]
    tools: dict[str, LearnedTool]


def dump_tools(specialist: ToolSpecialist) -> dict[str, bytes]:
    """Half precision: what a probability loses is below its third digit."""
    head, tagger = specialist.head, specialist.tagger
    arrays: dict[str, Any] = {
        "weights": head.weights.astype(np.float16),
        "word_weights": head.word_weights.astype(np.float16),
        "bias": head.bias,
        "rarity": head.table.rarity,
        **novelty.arrays(specialist.wordings),
    }
    described = _ToolsFile(
        head.labels, tuple(head.table.columns), sorted(tagger.words), specialist.tools
    )
    return {ARRAYS: packed(**arrays), MODEL: tagger.model, **about.dumped(described)}


def _load(files: Files, encoder: GetEncoder) -> ToolSpecialist:
    """Raises StoreError."""
    described, arrays = about.loaded(files, _ToolsFile), unpacked(files.get(ARRAYS, b""))
    try:
        table = WordTable({t: n for n, t in enumerate(described.terms)}, arrays["rarity"])
        head = ToolHead(
            described.labels,
            table,
            arrays["weights"].astype(np.float32),
            arrays["word_weights"].astype(np.float32),
            arrays["bias"],
        )
        tagger = SlotTagger(files[MODEL], described.words)
    except (KeyError, ValueError) as error:
        raise StoreError(f"A tool specialist cannot be read: {error}") from error
    used = [a for tool in described.tools.values() for a in tool.arguments.values()]
    if any(name not in READINGS for argument in used for name in argument.readings):
        raise StoreError("A tool specialist reads values in a way that is not known here.")
    wordings = novelty.of_arrays(arrays)
    return ToolSpecialist(head, tagger, described.tools, wordings, encoder())


TOOLS = SpecialistKind("tools", _load)
