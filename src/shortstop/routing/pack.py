"""Arrays and learners as plain bytes and back, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shortstop.errors import StoreError
from shortstop.routing.features import BINS
from shortstop.routing.model import FRESH, Head, PromptIndex, TaskMean
from shortstop.routing.scorer import WIDTH as GATE_WIDTH
from shortstop.routing.scorer import AnswerScorer

KINDS = {"float16", "float32", "float64", "int8", "int32", "int64"}


class Array(Struct, frozen=True):
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
        """Raises StoreError when the array is missing or not what it says."""
        array = self.arrays.get(name)
        if array is None or array.kind not in KINDS:
            raise StoreError(f"The saved router lacks {name!r}.")
        try:
            flat = np.frombuffer(array.data, dtype=array.kind)
            return flat.reshape(array.shape).copy()
        except ValueError as e:
            raise StoreError(f"The saved router's {name!r} is damaged: {e}.") from e


def _array(value: NDArray[Any]) -> Array:
    little = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
    return Array(value.dtype.name, list(value.shape), little.tobytes())


def packed_territory(known: PromptIndex) -> Packed:
    met = np.flatnonzero(known.common)
    n = known.size
    out = Packed.of(
        met=met.astype(np.int32),
        common=known.common[met],
        places=known.places[:n],
        visits=known.visits[:n],
    )
    out.numbers = {
        "limit": known.limit,
        "documents": known.documents,
        "width": known.places.shape[1],
    }
    return out


def territory(saved: Packed) -> PromptIndex:
    known = PromptIndex(int(saved.numbers["limit"]), int(saved.numbers["width"]))
    known.documents = int(saved.numbers["documents"])
    known.common[saved["met"]] = saved["common"]
    known.settle(saved["places"])
    known.visits[: known.size] = saved["visits"]
    return known


def packed_head(head: Head, *, small: bool = False) -> Packed:
    """`small` rounds to half precision: for the prior, where size counts."""
    used = np.flatnonzero((head.weights != 0) | (head.pace != FRESH))
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
    out.numbers = {"seen": head.seen, "total": head.total, "unsolved": head.unsolved}
    out.tasks = head.tasks
    return out


def head(saved: Packed) -> Head:
    targets = saved["targets"]
    n = len(targets)
    new = Head(n - 1)
    used = saved["used"]
    if len(used) and (used.min() < 0 or used.max() >= BINS):
        raise StoreError("The saved router has another number of bins.")
    new.weights[used] = saved["weights"]
    new.pace[used] = saved["pace"]
    new.moments[np.triu_indices(n)] = saved["moments"]
    np.maximum(new.moments, new.moments.T, out=new.moments)
    new.targets, solution = targets, saved["solution"]
    new.solution = solution if solution.any() else None
    new.seen, new.total = saved.numbers["seen"], saved.numbers["total"]
    new.unsolved = int(saved.numbers["unsolved"])
    new.tasks = saved.tasks
    return new


def packed_gate(gate: AnswerScorer) -> Packed:
    out = Packed.of(moments=gate.moments, targets=gate.targets, solution=gate.solution)
    out.numbers = {"seen": gate.seen}
    return out


def gate(saved: Packed) -> AnswerScorer:
    new = AnswerScorer()
    if len(saved["targets"]) != GATE_WIDTH:
        raise StoreError("The saved router's gate has another width.")
    new.moments, new.targets = saved["moments"], saved["targets"]
    new.solution, new.seen = saved["solution"], saved.numbers["seen"]
    return new
