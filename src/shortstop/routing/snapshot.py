"""The router's state as bytes and back: one version is written, older ones are upgraded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct

from shortstop.errors import StateUnfit
from shortstop.routing.clusters import TaskClusters
from shortstop.routing.contract import Evidence
from shortstop.routing.lengths import Lengths
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
from shortstop.routing.policies import EVERYBODY
from shortstop.routing.prior import Prior
from shortstop.routing.state import Candidate, Costs, PendingOutcome, State

MAGIC = b"shortstop-router-4\n"
MAGIC_3 = b"shortstop-brain-3\n"
SOURCES_3 = {"human": "reviewer", "implicit": "client"}
"""Sources of grades by their names in version 3."""
T = TypeVar("T")


class Saved(Struct):
    """A snapshot of version 4."""

    seed: int
    draws: int
    decided: int
    landmarks: int
    index: Packed | None
    gaps: dict[str, Packed]
    heads: dict[str, Packed]
    voices: dict[str, dict[str, float]]
    scorers: dict[str, Packed]
    evidence: dict[str, dict[str, Evidence]]
    costs: dict[str, Costs]
    pending: dict[str, PendingOutcome]
    conversations: dict[str, str]
    overall: dict[str, Overall]
    clusters: Packed | None
    cluster_names: list[str]
    heard: dict[str, int] = {}
    origin: str = ""
    lengths: dict[str, Lengths] = {}


class Pending3(Struct):
    """A decision as version 3 kept it: one local model against the frontier."""

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

    def upgraded(self) -> PendingOutcome:
        candidate = Candidate(self.local, self.score, self.inclusion, self.audit, self.shadowed)
        heard = [_mark(mark, self.local) for mark in self.heard]
        return PendingOutcome(
            self.task,
            [candidate],
            self.grams,
            self.counts,
            self.dense,
            heard,
            self.answered,
            self.tenant,
        )


def _mark(mark: str, local: str) -> str:
    """An outcome that was heard, in the words of version 4."""
    if mark == "pair":
        return f"pair:{local}"
    source, _, target = mark.partition(":")
    return f"{SOURCES_3.get(source, source)}:{target}"


class Saved3(Struct):
    """A snapshot of version 3."""

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
    pending: dict[str, Pending3]
    conversations: dict[str, str]
    overall: Overall
    kinds: Packed | None
    kind_names: list[str]

    def upgraded(self) -> Saved:
        owner = self._owner()
        return Saved(
            self.seed,
            self.draws,
            self.decided,
            self.landmarks,
            self.territory,
            self.gaps,
            self.heads,
            {},
            self.gates,
            {owner: self.evidence},
            self.costs,
            {name: pending.upgraded() for name, pending in self.pending.items()},
            self.conversations,
            {owner: self.overall},
            self.kinds,
            self.kind_names,
        )

    def _owner(self) -> str:
        """Whose the evidence is, which was kept for all tenants together: of one tenant alone, if
        all requests that are remembered are its own; else it proves nothing for any of them."""
        tenants = {pending.tenant for pending in self.pending.values()}
        return tenants.pop() if len(tenants) == 1 else EVERYBODY


def dump_state(state: State) -> bytes:
    saved = Saved(
        state.seed,
        state.draws,
        state.decided,
        state.landmarks,
        pack_index(state.index) if state.index else None,
        {name: pack_head(head) for name, head in state.gaps.items()},
        {name: pack_head(head) for name, head in state.heads.items()},
        {name: head.voices for name, head in state.heads.items()},
        {name: pack_scorer(scorer) for name, scorer in state.scorers.items()},
        state.evidence,
        state.costs,
        state.pending,
        state.conversations,
        state.overall,
        state.clusters.packed() if state.clusters else None,
        state.clusters.names if state.clusters else [],
        state.heard,
        state.origin,
        state.lengths,
    )
    return MAGIC + msgspec.msgpack.encode(saved)


def load_state(data: bytes, prior: Prior | None = None) -> State:
    """The state in a snapshot of this version or of the one before.

    Raises StateUnfit when `data` is of another version or damaged, or, where `prior` is given, when
    the state does not fit it.
    """
    try:
        state = _restored(_decoded(data))
    except StateUnfit:
        raise
    except Exception as e:  # numbers that contradict each other fail in more ways than one can list
        raise StateUnfit(f"The router's snapshot is damaged: {e}", "damaged") from e
    if prior is not None:
        state.prepare(prior)
    return state


def _decoded(data: bytes) -> Saved:
    if data.startswith(MAGIC):
        return msgspec.msgpack.decode(data[len(MAGIC) :], type=Saved)
    if data.startswith(MAGIC_3):
        return msgspec.msgpack.decode(data[len(MAGIC_3) :], type=Saved3).upgraded()
    raise StateUnfit(
        "This is not a snapshot of the router's state, or one of another version.", "version"
    )


def _restored(saved: Saved) -> State:
    state = State(saved.seed, saved.landmarks)
    state.draws, state.decided = saved.draws, saved.decided
    state.index = unpack_index(saved.index) if saved.index else None
    state.gaps = _each(saved.gaps, unpack_head)
    state.heads = _each(saved.heads, unpack_head)
    for name, head in state.heads.items():
        head.voices = saved.voices.get(name, {})
    state.scorers = _each(saved.scorers, unpack_scorer)
    state.evidence, state.costs = saved.evidence, saved.costs
    state.pending, state.conversations = saved.pending, saved.conversations
    state.overall, state.lengths = saved.overall, saved.lengths
    state.heard, state.origin = saved.heard, saved.origin
    if saved.clusters is not None:
        state.clusters = TaskClusters.unpacked(saved.clusters, saved.cluster_names)
    return state


def _each(saved: dict[str, Packed], unpack: Callable[[Packed], T]) -> dict[str, T]:
    return {name: unpack(packed) for name, packed in saved.items()}
