"""Arrays and learners as plain bytes and back, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.errors import StoreError
from shortstop.routing.features import BINS
from shortstop.routing.model import INITIAL_PACE, Head, PromptIndex, TaskMean
from shortstop.routing.scorer import NO_HELPERS, AnswerScorer
from shortstop.routing.scorer import WIDTH as SCORER_WIDTH

KINDS = {"float16", "float32", "float64", "int8", "int32", "int64"}
"""Types of array that are read back."""


class Array(Struct, frozen=True):
    """An array in C order, little endian; `kind` is NumPy's name of its type."""

    kind: str
    shape: list[int]
    data: bytes


class Packed(Struct):
    """Named arrays, numbers and task means."""

    arrays: dict[str, Array] = {}
    numbers: dict[str, float] = {}
    tasks: dict[str, TaskMean] = {}

    @classmethod
    def of(cls, **arrays: NDArray[Any]) -> Packed:
        return cls({name: _array(value) for name, value in arrays.items()})

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A copy of the array. Raises StoreError when it is missing or damaged."""
        array = self.arrays.get(name)
        if array is None or array.kind not in KINDS:
            raise StoreError(f"The saved router lacks {name!r}.")
        try:
            flat = np.frombuffer(array.data, dtype=array.kind)
            return flat.reshape(array.shape).copy()
        except ValueError as e:
            raise StoreError(f"The saved router's {name!r} is damaged: {e}.") from e

    def number(self, name: str) -> float:
        """Raises StoreError when it is missing."""
        try:
            return self.numbers[name]
        except KeyError:
            raise StoreError(f"The saved router lacks {name!r}.") from None


def _array(value: NDArray[Any]) -> Array:
    little = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
    return Array(value.dtype.name, list(value.shape), little.tobytes())


def pack_index(index: PromptIndex) -> Packed:
    met = np.flatnonzero(index.common)
    n = index.size
    out = Packed.of(
        met=met.astype(np.int32),
        common=index.common[met],
        places=index.places[:n],
        visits=index.visits[:n],
    )
    out.numbers = {
        "limit": index.limit,
        "documents": index.documents,
        "width": index.places.shape[1],
    }
    return out


def unpack_index(saved: Packed) -> PromptIndex:
    """Raises StoreError when something is missing or damaged."""
    index = PromptIndex(int(saved.number("limit")), int(saved.number("width")))
    index.documents = int(saved.number("documents"))
    index.common[_bins(saved["met"])] = saved["common"]
    index.seed_landmarks(saved["places"])
    index.visits[: index.size] = saved["visits"]
    return index


def pack_head(head: Head, *, small: bool = False) -> Packed:
    """`small` rounds to half precision: for the prior, where size counts."""
    used = np.flatnonzero((head.weights != 0) | (head.pace != INITIAL_PACE))
    precision = np.float16 if small else np.float32
    upper = np.triu_indices(len(head.targets))
    out = Packed.of(
        used=used.astype(np.int32),
        weights=head.weights[used].astype(precision),
        pace=head.pace[used].astype(precision),
        moments=head.moments[upper].astype(np.float32),
        targets=head.targets,
        solution=np.zeros_like(head.targets) if head.solution is None else head.solution,
    )
    out.numbers = {"seen": head.rows, "total": head.total, "unsolved": head.unsolved}
    out.tasks = head.tasks
    return out


def unpack_head(saved: Packed) -> Head:
    """Raises StoreError when something is missing, damaged or of another number of bins."""
    targets = saved["targets"]
    n = len(targets)
    head = Head(n - 1)
    used = _bins(saved["used"])
    head.weights[used] = saved["weights"]
    head.pace[used] = saved["pace"]
    head.moments[np.triu_indices(n)] = saved["moments"]
    np.maximum(head.moments, head.moments.T, out=head.moments)
    head.targets, solution = targets, saved["solution"]
    head.solution = solution if solution.any() else None
    head.rows, head.total = saved.number("seen"), saved.number("total")
    head.unsolved = int(saved.number("unsolved"))
    head.tasks = saved.tasks
    return head


def _bins(ids: NDArray[Any]) -> NDArray[Any]:
    if len(ids) and (ids.min() < 0 or ids.max() >= BINS):
        raise StoreError("The saved router has another number of bins.")
    return ids


def pack_scorer(scorer: AnswerScorer) -> Packed:
    out = Packed.of(moments=scorer.moments, targets=scorer.targets, solution=scorer.solution)
    out.numbers = {"seen": scorer.rows}
    return out


def unpack_scorer(saved: Packed) -> AnswerScorer:
    """Raises StoreError when something is missing, damaged or of another width."""
    scorer = AnswerScorer()
    width = len(saved["targets"])
    if width not in (SCORER_WIDTH, SCORER_WIDTH - len(NO_HELPERS)):
        raise StoreError("The saved router scores answers by other marks.")
    # An earlier release saw no helpers: what they show had no weight.
    scorer.moments[:width, :width] = saved["moments"]
    scorer.targets[:width], scorer.solution[:width] = saved["targets"], saved["solution"]
    scorer.rows = saved.number("seen")
    return scorer
