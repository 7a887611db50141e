"""What the router has learned: one value, saved and restored whole."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from shortstop.errors import StoreError

MAGIC = b"shortstop-brain-1\n"


class Tally(Struct):
    """How a task's local answers turned out: weighted counts."""

    seen: float = 0.0
    good: float = 0.0


class State(Struct):
    """Mutable, owned by one Brain at a time. `draws` counts random draws, so that order decides."""

    seed: int = 0
    draws: int = 0
    decided: int = 0
    tallies: dict[str, Tally] = {}

    def snapshot(self) -> bytes:
        return MAGIC + msgspec.msgpack.encode(self)

    @staticmethod
    def restore(data: bytes) -> State:
        """Raises StoreError when `data` is no snapshot of this version."""
        if not data.startswith(MAGIC):
            raise StoreError(
                "This is no snapshot of the router's state, or one of another version."
            )
        try:
            return msgspec.msgpack.decode(data[len(MAGIC) :], type=State)
        except msgspec.MsgspecError as e:
            raise StoreError(f"The router's snapshot is damaged: {e}.") from e
