"""What a new router knows before its first request: the embedding table, and the open data.

`load_prior` is pure; `packaged` reads the file that is committed next to this module and is called
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
from shortstop.routing.features import MARKS
from shortstop.routing.model import INITIAL_PACE, Head, PromptIndex
from shortstop.routing.pack import Packed, pack_head, pack_index, unpack_head, unpack_index

MAGIC = b"shortstop-prior-1\n"
FILE = "prior.bin"
STRENGTH = 0.02
"""Weight of an open-data example, one of the operator's own counting 1."""
BLANK_WIDTH = 64


class Content(msgspec.Struct):
    """The file, decoded; `territory` is the index."""

    vocabulary: list[str]
    table: Packed
    scale: Packed
    territory: Packed
    gap: Packed


@dataclass(frozen=True, slots=True)
class Prior:
    """Read only: `index` and `gap` are copied into each new State."""

    embedder: Embedder
    index: PromptIndex | None = None
    gap: Head | None = None

    @property
    def width(self) -> int:
        """Dimensions of a prompt's dense features."""
        return self.embedder.width + MARKS

    def fresh_index(self, landmarks: int) -> PromptIndex:
        """Landmarks of the open data take at most half of the room; own traffic has the rest."""
        new = PromptIndex(landmarks, self.width)
        old = self.index
        if old is None:
            return new
        new.documents = max(1, int(old.documents * STRENGTH))
        new.common = np.where(old.common >= 1, np.maximum(old.common * STRENGTH, 1), 0).astype("f4")
        new.seed_landmarks(old.places[: min(old.size, landmarks // 2)])
        new.visits[: new.size] = old.visits[: new.size] * STRENGTH
        return new

    def fresh_gap(self, landmarks: int) -> Head:
        """By how much a frontier is better than an unknown local model, learned on open data."""
        new = Head(landmarks)
        if self.gap is None or self.index is None:
            return new
        new.rows = self.gap.rows * STRENGTH
        new.total = self.gap.total * STRENGTH
        new.weights = self.gap.weights.copy()
        new.pace = INITIAL_PACE + (self.gap.pace - INITIAL_PACE) * STRENGTH
        n = min(self.index.size, landmarks // 2)
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
    """Raises StoreError when `data` is not a prior of this version."""
    if not data.startswith(MAGIC):
        raise StoreError("This is not a routing prior, or one of another version.")
    try:
        content = msgspec.msgpack.decode(data[len(MAGIC) :], type=Content)
    except msgspec.MsgspecError as e:
        raise StoreError(f"The routing prior is damaged: {e}.") from e
    embedder = Embedder(content.vocabulary, content.table["table"], content.scale["scale"])
    return Prior(embedder, unpack_index(content.territory), unpack_head(content.gap))


def dump_prior(embedder: Embedder, index: PromptIndex, gap: Head) -> bytes:
    """The bytes that `load_prior` reads."""
    vocabulary, table, scale = embedder.parts()
    content = Content(
        vocabulary,
        Packed.of(table=table),
        Packed.of(scale=scale),
        pack_index(index),
        pack_head(gap, small=True),
    )
    return MAGIC + msgspec.msgpack.encode(content)


@cache
def packaged() -> Prior:
    """The committed prior, or a blank one where it was left out of the installation. Read once:
    nothing changes it."""
    source = files("shortstop.routing").joinpath("data", FILE)
    return load_prior(source.read_bytes()) if source.is_file() else blank()
