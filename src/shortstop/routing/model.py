"""Expected quality of a target's answer, from the prompt, learned one outcome at a time.

Two learners that err differently are averaged: a linear one on hashed n-grams (AdaGrad), and a
kernel regression on embedding and surface (exact recursive least squares over landmarks). What
both miss about a task is added as the task's own mean residual, shrunk towards none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.routing.features import BINS, PromptFeatures

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]

WIDTH = 1.0
RIDGE = 10.0
FLOOR = 1e-2
RATE = 0.06
FRESH = 0.1
SHRINK = 20.0
FAR = 0.75
"""A prompt whose kernel with every landmark is below becomes one, while there is room."""


class PromptIndex:
    """What has been seen: how common each n-gram is, and landmarks spread over the prompts."""

    def __init__(self, landmarks: int, width: int) -> None:
        self.limit = landmarks
        self.documents = 0
        self.common: Vector = np.zeros(BINS, np.float32)
        self.size = 0
        self.places: Matrix = np.zeros((landmarks, width), np.float32)
        self.squares: Vector = np.zeros(landmarks, np.float32)
        self.visits: Vector = np.zeros(landmarks, np.float32)

    def grams(self, seen: PromptFeatures) -> Vector:
        """TF-IDF of `seen.grams`, unit length; n-grams never met before count nothing."""
        met = self.common.take(seen.grams)
        x: Vector = (1.0 + self.documents) / (1.0 + met)
        np.log(x, out=x)
        x += 1.0
        x *= seen.counts
        x *= met >= 1.0
        x /= max(float(x @ x) ** 0.5, 1e-9)
        return x

    def near(self, dense: Vector) -> Vector:
        """The kernel with every landmark, then a constant."""
        out = np.zeros(self.limit + 1, np.float32)
        out[-1] = 1.0
        if self.size:
            apart = out[: self.size]
            np.add(self.squares[: self.size], dense @ dense, out=apart)
            apart -= self.places[: self.size] @ (2.0 * dense)
            np.maximum(apart, 0.0, out=apart)
            np.exp(np.multiply(apart, -WIDTH, out=apart), out=apart)
        return out

    def meet(self, seen: PromptFeatures) -> None:
        """Count a prompt; far from all known ones it becomes a landmark."""
        self.documents += 1
        self.common[seen.grams] += 1.0
        kernel = self.near(seen.dense)[:-1]
        if self.size < self.limit and (not self.size or float(kernel.max()) < FAR):
            self.settle(seen.dense[None, :])
            kernel[self.size - 1] = 1.0
        np.maximum(kernel - 0.5, 0.0, out=kernel)
        self.visits += 2.0 * kernel

    def settle(self, places: Matrix) -> None:
        """Add landmarks, as far as there is room."""
        new = places[: self.limit - self.size]
        end = self.size + len(new)
        self.places[self.size : end] = new
        self.squares[self.size : end] = (new * new).sum(axis=1)
        self.size = end

    def support(self, kernel: Vector) -> float:
        """About how many of the prompts met were like this one."""
        return float(np.maximum(2.0 * (kernel[:-1] - 0.5), 0.0) @ self.visits)

    def gram(self) -> Matrix:
        """The kernel among the landmarks; ones elsewhere on the diagonal."""
        places = self.places[: self.size]
        square = self.squares[: self.size]
        apart = square[:, None] + square - 2.0 * places @ places.T
        out = np.eye(self.limit + 1, dtype=np.float32)
        out[: self.size, : self.size] = np.exp(-WIDTH * np.maximum(apart, 0.0))
        return out


class Projection(NamedTuple):
    """A view in the coordinates of a territory."""

    ids: NDArray[np.int64]
    grams: Vector
    kernel: Vector


def sight(seen: PromptFeatures, territory: PromptIndex) -> Projection:
    return Projection(seen.grams, territory.grams(seen), territory.near(seen.dense))


class TaskMean(Struct):
    """What the learners miss about a task: the sum of residuals, and how many."""

    residual: float = 0.0
    seen: float = 0.0

    @property
    def shift(self) -> float:
        return self.residual / (self.seen + SHRINK)


class Head:
    """An expectation in [-1, 1]: a target's quality, or by how much the frontier is better."""

    def __init__(self, landmarks: int) -> None:
        n = landmarks + 1
        self.seen = 0.0
        self.total = 0.0
        self.weights: Vector = np.zeros(BINS, np.float32)
        self.pace: Vector = np.full(BINS, FRESH, np.float32)
        self._moments: Matrix = np.zeros((n, n), np.float32)
        self._rows: list[Matrix] = []
        self.targets: Vector = np.zeros(n, np.float32)
        self.solution: Vector | None = None
        self.unsolved = 0
        self.tasks: dict[str, TaskMean] = {}

    @property
    def moments(self) -> Matrix:
        """Sum of the outer products of all kernels met. Many at once cost a tenth of one by one,
        so they are added up when somebody asks."""
        if self._rows:
            rows = np.concatenate(self._rows)
            self._rows.clear()
            self._moments += rows.T @ rows
        return self._moments

    @property
    def mean(self) -> float:
        return self.total / (self.seen + 1.0)

    def expect(self, at: Projection, task: str) -> float:
        known = self.tasks.get(task)
        return self.base(at) + (known.shift if known is not None else 0.0)

    def base(self, at: Projection) -> float:
        linear = self.mean + float(self.weights.take(at.ids) @ at.grams)
        if self.solution is None:
            return linear
        return 0.5 * (linear + float(self.solution @ at.kernel))

    def learn(self, at: Projection, task: str, quality: float, territory: PromptIndex) -> None:
        known = self.tasks.setdefault(task, TaskMean())
        known.residual += quality - self.base(at)
        known.seen += 1.0
        self._descend(at, quality)
        self._remember(at.kernel[None, :], np.array([quality], np.float32))
        if self.unsolved >= min(256.0, max(16.0, self.seen / 16)):
            self.solve(territory)

    def learn_all(
        self, sights: Sequence[Projection], qualities: NDArray[np.float64], territory: PromptIndex
    ) -> None:
        """The same for many at once, without tasks: the order of the rows is the order of time."""
        self.seen, self.total = 0.0, 0.0
        quality = qualities.astype(np.float32)
        self.total, self.seen = float(quality.sum()), float(len(quality))
        for at, value in zip(sights, quality.tolist(), strict=True):
            self._descend(at, value, counted=True)
        self._remember(np.stack([s.kernel for s in sights]), quality)
        self.solve(territory)

    def _descend(self, at: Projection, quality: float, *, counted: bool = False) -> None:
        error = self.mean + float(self.weights.take(at.ids) @ at.grams) - quality
        slope = error * at.grams
        pace = self.pace.take(at.ids) + slope * slope
        self.pace[at.ids] = pace
        self.weights[at.ids] -= RATE * slope / np.sqrt(pace)
        if not counted:
            self.seen += 1.0
            self.total += quality

    def _remember(self, kernels: Matrix, quality: Vector) -> None:
        self._rows.append(kernels)
        self.targets += kernels.T @ quality
        self.unsolved += len(quality)

    def solve(self, territory: PromptIndex) -> None:
        """Regress anew on everything remembered. About 3 ms at 512 landmarks."""
        ridge = RIDGE * territory.gram()
        ridge[-1, -1] = FLOOR
        system = (self.moments + ridge).astype(np.float64)
        system[np.diag_indices_from(system)] += 1e-3
        self.solution = np.linalg.solve(system, self.targets.astype(np.float64)).astype(np.float32)
        self.unsolved = 0
