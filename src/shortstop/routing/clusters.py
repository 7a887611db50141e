"""Kinds of free requests, found by what they are about: tasks that nobody declared.

Leader clustering over the static embeddings: a prompt belongs to the nearest leader if it is near
enough, else it may become one itself. A leader never moves, so a kind's id, a hash of its leader,
stays the same. It is a task of its own once it has been met often enough to learn from.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from shortstop.routing.pack import Packed

Vector = NDArray[np.float32]

PREFIX = "k-"
"""How names of kinds begin."""
MOST = 64
NEAR = 0.75
"""Cosine with the leader from which on a prompt is of its kind."""
ENOUGH = 30
"""Prompts of a kind before it counts as a task."""


class TaskClusters:
    """At most MOST leaders; the least met young one makes room for a new one."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.names: list[str] = []
        self._leaders: Vector = np.zeros((0, width), np.float32)
        self._met: list[int] = []

    def meet(self, place: Vector) -> str | None:
        """Note a prompt by its unit embedding; its kind's name, None while there is none."""
        if place @ place < 0.5:
            return None  # not a known word in it
        at = self._nearest(place)
        if at is None:
            self._lead(place)
            return None
        self._met[at] += 1
        return self._grown(at)

    def find(self, place: Vector) -> str | None:
        """The same, without a note of it."""
        at = self._nearest(place)
        return None if at is None else self._grown(at)

    def _nearest(self, place: Vector) -> int | None:
        if not self.names:
            return None
        near = self._leaders @ place
        at = int(near.argmax())
        return at if near.item(at) >= NEAR else None

    def _grown(self, at: int) -> str | None:
        return self.names[at] if self._met[at] > ENOUGH else None

    def _lead(self, place: Vector) -> None:
        if len(self.names) < MOST:
            self._leaders = np.vstack([self._leaders, place[None, :]])
            self.names.append(_name(place))
            self._met.append(1)
            return
        at = min(range(MOST), key=self._met.__getitem__)
        if self._met[at] <= ENOUGH:
            self._leaders[at], self.names[at], self._met[at] = place, _name(place), 1

    def packed(self) -> Packed:
        return Packed.of(leaders=self._leaders, met=np.array(self._met, np.int64))

    @classmethod
    def unpacked(cls, saved: Packed, names: list[str]) -> TaskClusters:
        leaders = saved["leaders"]
        kinds = cls(leaders.shape[1])
        kinds._leaders, kinds._met, kinds.names = leaders, saved["met"].tolist(), list(names)
        return kinds


def _name(place: Vector) -> str:
    coarse = np.round(place * 127).astype(np.int8)
    return PREFIX + blake2b(coarse.tobytes(), digest_size=5).hexdigest()
