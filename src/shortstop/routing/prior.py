"""What a fresh router knows before its first request: the embedding table, and the open data.

`load_prior` is pure; `packaged` reads the file that is committed beside this module and is called
by `app` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np

from shortstop.errors import StoreError
from shortstop.routing.embed import Embedder
from shortstop.routing.model import FRESH, Head, PromptIndex
from shortstop.routing.pack import Packed, head, packed_head, packed_territory, territory

MAGIC = b"shortstop-prior-1\n"
FILE = "prior.bin"
STRENGTH = 0.02
"""How much an open-data example weighs beside one of the operator's own."""
BLANK_WIDTH = 64


class Content(msgspec.Struct):
    """The file, decoded."""

    vocabulary: list[str]
    table: Packed
    scale: Packed
    territory: Packed
    gap: Packed


@dataclass(frozen=True, slots=True)
class Prior:
    """Read only: `territory` and `gap` are copied into each fresh State."""

    embedder: Embedder
    territory: PromptIndex | None = None
    gap: Head | None = None

    def fresh_territory(self, landmarks: int, width: int) -> PromptIndex:
        """Landmarks of the open data take at most half of the room; own traffic has the rest."""
        new = PromptIndex(landmarks, width)
        old = self.territory
        if old is None:
            return new
        new.documents = max(1, int(old.documents * STRENGTH))
        new.common = np.where(old.common >= 1, np.maximum(old.common * STRENGTH, 1), 0).astype("f4")
        new.settle(old.places[: min(old.size, landmarks // 2)])
        new.visits[: new.size] = old.visits[: new.size] * STRENGTH
        return new

    def fresh_gap(self, landmarks: int) -> Head:
        new = Head(landmarks)
        if self.gap is None or self.territory is None:
            return new
        new.seen = self.gap.seen * STRENGTH
        new.total = self.gap.total * STRENGTH
        new.weights = self.gap.weights.copy()
        new.pace = FRESH + (self.gap.pace - FRESH) * STRENGTH
        n = min(self.territory.size, landmarks // 2)
        keep = [*range(n), landmarks]
        old = [*range(n), len(self.gap.targets) - 1]
        new.moments[np.ix_(keep, keep)] = self.gap.moments[np.ix_(old, old)] * STRENGTH
        new.targets[keep] = self.gap.targets[old] * STRENGTH
        new.unsolved = 1
        return new


def blank() -> Prior:
    """Knows nothing: every text embeds to zeros."""
    nothing = np.zeros((0, BLANK_WIDTH), np.int8)
    return Prior(Embedder([], nothing, np.ones(BLANK_WIDTH, np.float32)))


def load_prior(data: bytes) -> Prior:
    """Raises StoreError when `data` is no prior of this version."""
    if not data.startswith(MAGIC):
        raise StoreError("This is no routing prior, or one of another version.")
    try:
        content = msgspec.msgpack.decode(data[len(MAGIC) :], type=Content)
    except msgspec.MsgspecError as e:
        raise StoreError(f"The routing prior is damaged: {e}.") from e
    embedder = Embedder(content.vocabulary, content.table["table"], content.scale["scale"])
    return Prior(embedder, territory(content.territory), head(content.gap))


def dump_prior(embedder: Embedder, known: PromptIndex, gap: Head) -> bytes:
    vocabulary, table, scale = embedder.parts()
    content = Content(
        vocabulary,
        Packed.of(table=table),
        Packed.of(scale=scale),
        packed_territory(known),
        packed_head(gap, small=True),
    )
    return MAGIC + msgspec.msgpack.encode(content)


@cache
def packaged() -> Prior:
    """The committed prior, or a blank one where it was left out of the installation. Read once:
    nobody changes it."""
    source = files("shortstop.routing").joinpath("data", FILE)
    return load_prior(source.read_bytes()) if source.is_file() else blank()
