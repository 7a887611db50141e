"""Expected quality of a target's answer, from the prompt, learned one outcome at a time.

Two learners that err differently are averaged: a linear one on hashed n-grams (AdaGrad), and a
kernel regression on embedding and surface marks (exact recursive least squares over landmarks).
What both miss about a task is added as the task's own mean residual, shrunk towards zero.

Shapes: `g` n-grams of a prompt, `m` landmarks at most, `d` dimensions of a prompt's dense features.
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

KERNEL_DECAY = 1.0
"""The kernel of two prompts is exp(-KERNEL_DECAY * squared distance)."""
RIDGE = 10.0
INTERCEPT_RIDGE = 1e-2
LEARNING_RATE = 0.06
INITIAL_PACE = 0.1
"""AdaGrad's sum of squared slopes before the first outcome."""
TASK_PSEUDO_PAIRS = 20.0
"""Outcomes without a residual by which a task's mean residual is shrunk."""
MIN_VOICE = 10.0
"""Outcomes by which a tenant may be ahead of all others before it is bounded."""
LANDMARK_KERNEL = 0.75
"""A prompt whose kernel with every landmark is below becomes a landmark, while there is room."""


class PromptIndex:
    """What prompts have been met: how common each n-gram is, and landmarks spread over them.

    `common` counts prompts per n-gram, float32 of shape (BINS,). The first `size` rows of `places`
    (m, d), of `squares` (m,), their squared lengths, and of `visits` (m,), about how many prompts
    were like each, belong to landmarks.
    """

    def __init__(self, landmarks: int, width: int) -> None:
        self.limit = landmarks
        self.documents = 0
        self.common: Vector = np.zeros(BINS, np.float32)
        self.size = 0
        self.places: Matrix = np.zeros((landmarks, width), np.float32)
        self.squares: Vector = np.zeros(landmarks, np.float32)
        self.visits: Vector = np.zeros(landmarks, np.float32)

    def weights(self, features: PromptFeatures) -> Vector:
        """TF-IDF of the n-grams, unit length, shape (g,); those never met before weigh nothing."""
        common = self.common.take(features.grams)
        x: Vector = (1.0 + self.documents) / (1.0 + common)
        np.log(x, out=x)
        x += 1.0
        x *= features.counts
        x *= common >= 1.0
        x /= max(float(x @ x) ** 0.5, 1e-9)
        return x

    def kernel(self, dense: Vector) -> Vector:
        """The kernel of `dense` (d,) with every landmark, then a constant one: shape (m + 1,)."""
        out = np.zeros(self.limit + 1, np.float32)
        out[-1] = 1.0
        if self.size:
            apart = out[: self.size]
            np.add(self.squares[: self.size], dense @ dense, out=apart)
            apart -= self.places[: self.size] @ (2.0 * dense)
            np.maximum(apart, 0.0, out=apart)
            np.exp(np.multiply(apart, -KERNEL_DECAY, out=apart), out=apart)
        return out

    def add(self, features: PromptFeatures) -> None:
        """Count a prompt; far from all landmarks it becomes one."""
        self.documents += 1
        self.common[features.grams] += 1.0
        kernel = self.kernel(features.dense)[:-1]
        if self.size < self.limit and (not self.size or float(kernel.max()) < LANDMARK_KERNEL):
            self.seed_landmarks(features.dense[None, :])
            kernel[self.size - 1] = 1.0
        np.maximum(kernel - 0.5, 0.0, out=kernel)
        self.visits += 2.0 * kernel

    def seed_landmarks(self, places: Matrix) -> None:
        """Add landmarks, shape (n, d), as far as there is room."""
        new = places[: self.limit - self.size]
        end = self.size + len(new)
        self.places[self.size : end] = new
        self.squares[self.size : end] = (new * new).sum(axis=1)
        self.size = end

    def support(self, kernel: Vector) -> float:
        """About how many of the prompts met were like the one with this `kernel`, (m + 1,)."""
        return float(np.maximum(2.0 * (kernel[:-1] - 0.5), 0.0) @ self.visits)

    def gram(self) -> Matrix:
        """The kernel among the landmarks, (m + 1, m + 1); ones elsewhere on the diagonal."""
        places = self.places[: self.size]
        square = self.squares[: self.size]
        apart = square[:, None] + square - 2.0 * places @ places.T
        out = np.eye(self.limit + 1, dtype=np.float32)
        out[: self.size, : self.size] = np.exp(-KERNEL_DECAY * np.maximum(apart, 0.0))
        return out


class Projection(NamedTuple):
    """A prompt in the coordinates of an index: n-gram ids, int64 of shape (g,), with their TF-IDF
    weights, float32 of shape (g,), and the kernel with every landmark, float32 of (m + 1,)."""

    ids: NDArray[np.int64]
    grams: Vector
    kernel: Vector


def project(features: PromptFeatures, index: PromptIndex) -> Projection:
    return Projection(features.grams, index.weights(features), index.kernel(features.dense))


class TaskMean(Struct):
    """What the learners miss about a task: the sum of residuals, and how many."""

    residual: float = 0.0
    seen: float = 0.0

    @property
    def shift(self) -> float:
        return self.residual / (self.seen + TASK_PSEUDO_PAIRS)


class Head:
    """An expectation in about [-1, 1]: a target's quality, or by how much the reference is better.

    `rows` outcomes were learned, which sum to `total`. `weights` and `pace`, float32 of shape
    (BINS,), are the linear learner; `targets` and `solution`, float32 of shape (m + 1,), the
    kernel regression, which is solved again after every `unsolved` outcomes. `tasks` are the
    residuals by task, `voices` how many of the `rows` came from each tenant.
    """

    def __init__(self, landmarks: int) -> None:
        n = landmarks + 1
        self.rows = 0.0
        self.total = 0.0
        self.weights: Vector = np.zeros(BINS, np.float32)
        self.pace: Vector = np.full(BINS, INITIAL_PACE, np.float32)
        self._moments: Matrix = np.zeros((n, n), np.float32)
        self._kernels: list[Matrix] = []
        self.targets: Vector = np.zeros(n, np.float32)
        self.solution: Vector | None = None
        self.unsolved = 0
        self.tasks: dict[str, TaskMean] = {}
        self.voices: dict[str, float] = {}

    @property
    def moments(self) -> Matrix:
        """Sum of the outer products of all kernels met, (m + 1, m + 1).

        Many at once cost a tenth of one by one, so they are added up when the sum is read.
        """
        if self._kernels:
            kernels = np.concatenate(self._kernels)
            self._kernels.clear()
            self._moments += kernels.T @ kernels
        return self._moments

    @property
    def mean(self) -> float:
        return self.total / (self.rows + 1.0)

    def expect(self, prompt: Projection, task: str) -> float:
        """The expectation for a prompt of `task`, in the unit of what was learned."""
        mean = self.tasks.get(task)
        return self.base(prompt) + (mean.shift if mean is not None else 0.0)

    def base(self, prompt: Projection) -> float:
        """The same from the prompt alone, whatever its task."""
        linear = self.mean + float(self.weights.take(prompt.ids) @ prompt.grams)
        if self.solution is None:
            return linear
        return 0.5 * (linear + float(self.solution @ prompt.kernel))

    def learn(self, prompt: Projection, task: str, value: float, index: PromptIndex) -> None:
        """Learn one outcome, `value` in [-1, 1]. `index` is the one that `prompt` refers to."""
        self.learn_task(prompt, task, value)
        self._descend(prompt, value)
        self._remember(prompt.kernel[None, :], np.array([value], np.float32))
        if self.unsolved >= min(256.0, max(16.0, self.rows / 16)):
            self.solve(index)

    def learn_task(self, prompt: Projection, task: str, value: float) -> None:
        """Learn one outcome for its `task` alone: what is expected elsewhere does not move."""
        mean = self.tasks.setdefault(task, TaskMean())
        mean.residual += value - self.base(prompt)
        mean.seen += 1.0

    def hears(self, tenant: str) -> bool:
        """Whether one more outcome of `tenant` may move what all tenants share, and count it: as
        soon as there are others, each has at most half a say."""
        own = self.voices.get(tenant, 0.0)
        others = self.rows - own
        if others and own >= others + MIN_VOICE:
            return False
        self.voices[tenant] = own + 1.0
        return True

    def learn_all(
        self, prompts: Sequence[Projection], values: NDArray[np.float64], index: PromptIndex
    ) -> None:
        """Learn n outcomes at once, without tasks; `values`, shape (n,), in the order of time."""
        outcomes = values.astype(np.float32)
        self.total, self.rows = float(outcomes.sum()), float(len(outcomes))
        for prompt, value in zip(prompts, outcomes.tolist(), strict=True):
            self._descend(prompt, value, counted=True)
        self._remember(np.stack([p.kernel for p in prompts]), outcomes)
        self.solve(index)

    def _descend(self, prompt: Projection, value: float, *, counted: bool = False) -> None:
        error = self.mean + float(self.weights.take(prompt.ids) @ prompt.grams) - value
        slope = error * prompt.grams
        pace = self.pace.take(prompt.ids) + slope * slope
        self.pace[prompt.ids] = pace
        self.weights[prompt.ids] -= LEARNING_RATE * slope / np.sqrt(pace)
        if not counted:
            self.rows += 1.0
            self.total += value

    def _remember(self, kernels: Matrix, values: Vector) -> None:
        self._kernels.append(kernels)
        self.targets += kernels.T @ values
        self.unsolved += len(values)

    def solve(self, index: PromptIndex) -> None:
        """Solve the kernel regression over everything remembered. About 3 ms at 512 landmarks."""
        ridge = RIDGE * index.gram()
        ridge[-1, -1] = INTERCEPT_RIDGE
        system = (self.moments + ridge).astype(np.float64)
        system[np.diag_indices_from(system)] += 1e-3
        self.solution = np.linalg.solve(system, self.targets.astype(np.float64)).astype(np.float32)
        self.unsolved = 0
