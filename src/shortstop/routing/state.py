"""What the router has learned: one value, saved and restored whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct

from shortstop.errors import StoreError
from shortstop.routing.clusters import TaskClusters
from shortstop.routing.contract import Evidence
from shortstop.routing.model import Head, PromptIndex
from shortstop.routing.overall import Overall
from shortstop.routing.pack import (
    Packed,
    pack_head,
    pack_index,
    pack_scorer,
    unpack_head,
    unpack_index,
    unpack_scorer,
)
from shortstop.routing.prior import Prior
from shortstop.routing.scorer import AnswerScorer

MAGIC = b"shortstop-brain-3\n"
PENDING = 4096
CONVERSATIONS = 20_000
T = TypeVar("T")


class Pending(Struct):
    """A decision whose outcome may still come: what was seen, and with which odds it is paired."""

    task: str
    local: str
    score: float
    inclusion: float = 1.0
    audit: bool = False
    shadowed: bool = False
    grams: bytes = b""
    counts: bytes = b""
    dense: bytes = b""
    heard: list[str] = []
    answered: str = ""
    tenant: str = ""


class Asked(Struct):
    """The last time that something was asked: by which request, when, and how often so far."""

    request_id: str
    at: float
    times: int = 1


class Costs(Struct):
    """Running means of what a call to a target takes; None where never seen."""

    seconds: float | None = None
    usd: float | None = None

    def add(self, seconds: float, usd: float | None) -> None:
        self.seconds = _drift(self.seconds, seconds)
        if usd is not None:
            self.usd = _drift(self.usd, usd)


def _drift(old: float | None, new: float) -> float:
    return new if old is None else old + 0.05 * (new - old)


class _Saved(Struct):
    seed: int
    draws: int
    decided: int
    landmarks: int
    territory: Packed | None
    gaps: dict[str, Packed]
    heads: dict[str, Packed]
    gates: dict[str, Packed]
    evidence: dict[str, Evidence]
    costs: dict[str, Costs]
    pending: dict[str, Pending]
    conversations: dict[str, str]
    overall: Overall
    kinds: Packed | None
    kind_names: list[str]


class State:
    """Mutable, owned by one Brain at a time. `draws` counts random draws, so that order decides.

    `gaps` and `gates` are kept per local model (frontier's grade minus its own; its answers after
    a look), `heads` per target (its own grade), `evidence` per task and local model. What clients
    did in the last minutes (`recent`, `turns`) is not saved.
    """

    def __init__(self, seed: int = 0, landmarks: int = 512) -> None:
        self.seed = seed
        self.draws = 0
        self.decided = 0
        self.landmarks = landmarks
        self.index: PromptIndex | None = None
        self.gaps: dict[str, Head] = {}
        self.heads: dict[str, Head] = {}
        self.gates: dict[str, AnswerScorer] = {}
        self.evidence: dict[str, Evidence] = {}
        self.costs: dict[str, Costs] = {}
        self.pending: dict[str, Pending] = {}
        self.conversations: dict[str, str] = {}
        self.overall = Overall()
        self.kinds: TaskClusters | None = None
        self.recent: dict[str, Asked] = {}
        self.turns: dict[str, str] = {}

    def prepare(self, prior: Prior) -> PromptIndex:
        """The index, made from the prior on first use."""
        if self.index is None:
            self.index = prior.fresh_index(self.landmarks)
        if self.kinds is None or self.kinds.width != prior.embedder.width:
            self.kinds = TaskClusters(prior.embedder.width)
        return self.index

    def remember(self, request_id: str, pending: Pending) -> None:
        self.pending[request_id] = pending
        _trim(self.pending, PENDING)

    def record_turn(self, conversation: str, target: str, request_id: str) -> None:
        for known, value in ((self.conversations, target), (self.turns, request_id)):
            known.pop(conversation, None)
            known[conversation] = value
            _trim(known, CONVERSATIONS)

    def last_in(self, conversation: str) -> str:
        """The last answered request of a conversation, "" where there is none."""
        return self.turns.get(conversation, "")

    def note_repeat(self, question: str, request_id: str, at: float) -> Asked | None:
        """Note that something was asked; when it was asked before, and how often with this one."""
        earlier = self.recent.pop(question, None)
        times = earlier.times + 1 if earlier else 1
        self.recent[question] = Asked(request_id, at, times)
        _trim(self.recent, PENDING)
        return Asked(earlier.request_id, earlier.at, times) if earlier else None

    def snapshot(self) -> bytes:
        saved = _Saved(
            self.seed,
            self.draws,
            self.decided,
            self.landmarks,
            pack_index(self.index) if self.index else None,
            {k: pack_head(v) for k, v in self.gaps.items()},
            {k: pack_head(v) for k, v in self.heads.items()},
            {k: pack_scorer(v) for k, v in self.gates.items()},
            self.evidence,
            self.costs,
            self.pending,
            self.conversations,
            self.overall,
            self.kinds.packed() if self.kinds else None,
            self.kinds.names if self.kinds else [],
        )
        return MAGIC + msgspec.msgpack.encode(saved)

    @staticmethod
    def restore(data: bytes) -> State:
        """Raises StoreError when `data` is no snapshot of this version."""
        if not data.startswith(MAGIC):
            raise StoreError("This is no snapshot of the router's state, or of another version.")
        try:
            saved = msgspec.msgpack.decode(data[len(MAGIC) :], type=_Saved)
        except msgspec.MsgspecError as e:
            raise StoreError(f"The router's snapshot is damaged: {e}.") from e
        state = State(saved.seed, saved.landmarks)
        state.draws, state.decided = saved.draws, saved.decided
        state.index = unpack_index(saved.territory) if saved.territory else None
        state.gaps = _each(saved.gaps, unpack_head)
        state.heads = _each(saved.heads, unpack_head)
        state.gates = _each(saved.gates, unpack_scorer)
        state.evidence, state.costs = saved.evidence, saved.costs
        state.pending, state.conversations = saved.pending, saved.conversations
        state.overall = saved.overall
        state.kinds = TaskClusters.unpacked(saved.kinds, saved.kind_names) if saved.kinds else None
        return state


def _trim(known: dict[str, T], most: int) -> None:
    """Forget the oldest sixteenth of what is too much. Of a full dict the first key is found only
    behind all that were deleted before it: one at a time would cost twenty times as much."""
    if len(known) > most:
        for name in list(islice(known, most // 16)):
            del known[name]


def _each(saved: dict[str, Packed], read: Callable[[Packed], T]) -> dict[str, T]:
    return {name: read(packed) for name, packed in saved.items()}


__all__ = ["Asked", "Costs", "Pending", "State"]
