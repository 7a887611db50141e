"""Tasks that nobody declared: free requests grouped by what they are about.

Leader clustering over the static embeddings: a prompt belongs to the nearest leader if it is near
enough, else it may become a leader itself. A leader never moves, so a cluster's name, a hash of its
leader, stays the same. A cluster is a task of its own once enough prompts belong to it.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from shortstop.routing.pack import Packed

Vector = NDArray[np.float32]

PREFIX = "k-"
"""How the name of a cluster begins."""
MAX_CLUSTERS = 64
MIN_COSINE = 0.75
"""Cosine between a prompt's embedding and a leader from which on the prompt belongs to it."""
MIN_CLUSTER_SIZE = 30
"""Prompts that a cluster must exceed to count as a task."""


class TaskClusters:
    """At most MAX_CLUSTERS leaders of `width` dimensions. When all are taken, the smallest cluster
    that is not yet a task makes room for a new one."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.names: list[str] = []
        self._leaders: Vector = np.zeros((0, width), np.float32)
        self._sizes: list[int] = []

    def add(self, unit: Vector) -> str | None:
        """Count a prompt by its unit embedding, float32 of shape (width,).

        Returns the name of its task, None while its cluster is too small to be one.
        """
        cluster = self.nearest(unit)
        self.count(unit, cluster)
        return self.task(cluster)

    def find(self, unit: Vector) -> str | None:
        """The same without counting the prompt."""
        return self.task(self.nearest(unit))

    def nearest(self, unit: Vector) -> int | None:
        """The number of the cluster that a prompt belongs to, None if to none."""
        if not self.names:
            return None
        cosines = self._leaders @ unit
        cluster = int(cosines.argmax())
        return cluster if cosines.item(cluster) >= MIN_COSINE else None

    def task(self, cluster: int | None, *, more: int = 0) -> str | None:
        """The name of a cluster that would be a task with so many `more` prompts."""
        if cluster is None or self._sizes[cluster] + more <= MIN_CLUSTER_SIZE:
            return None
        return self.names[cluster]

    def count(self, unit: Vector, cluster: int | None) -> None:
        """Count a prompt of this `cluster`; of none, it may become the leader of a new one."""
        if cluster is not None:
            self._sizes[cluster] += 1
        elif unit @ unit >= 0.5:  # else zeros: no known word in it
            self._lead(unit)

    def _lead(self, unit: Vector) -> None:
        if len(self.names) < MAX_CLUSTERS:
            self._leaders = np.vstack([self._leaders, unit[None, :]])
            self.names.append(_name(unit))
            self._sizes.append(1)
            return
        index = min(range(MAX_CLUSTERS), key=self._sizes.__getitem__)
        if self._sizes[index] <= MIN_CLUSTER_SIZE:
            self._leaders[index], self.names[index], self._sizes[index] = unit, _name(unit), 1

    def packed(self) -> Packed:
        return Packed.of(leaders=self._leaders, met=np.array(self._sizes, np.int64))

    @classmethod
    def unpacked(cls, saved: Packed, names: list[str]) -> TaskClusters:
        """Raises StoreError when an array is missing or damaged."""
        leaders = saved["leaders"]
        clusters = cls(leaders.shape[1])
        clusters._leaders, clusters._sizes = leaders, saved["met"].tolist()
        clusters.names = list(names)
        return clusters


def _name(unit: Vector) -> str:
    coarse = np.round(unit * 127).astype(np.int8)
    return PREFIX + blake2b(coarse.tobytes(), digest_size=5).hexdigest()
