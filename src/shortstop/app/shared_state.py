"""The learned state that machines share: snapshots of it in their store."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable

from shortstop import routing
from shortstop.errors import StateUnfit
from shortstop.ports.replicas import EventStore
from shortstop.routing import State
from shortstop.traces.seal import Seal
from shortstop.traces.sealed_state import sealed_state, unsealed_state
from shortstop.types.replicas import StateSnapshot

log = logging.getLogger("shortstop")

PLACES = 40
"""Bits of the count of draws; those above keep the lots of processes apart."""


class SharedState:
    """`blank` makes a state in which nothing is learned."""

    def __init__(self, store: EventStore, seal: Seal | None, blank: Callable[[], State]) -> None:
        self._store = store
        self._seal = seal
        self._blank = blank

    def load(self, own: State | None) -> tuple[State, int]:
        """What all machines have learned, and up to which event. Where nobody has begun yet they
        begin with this machine's `own`.

        A snapshot that cannot be used is passed over, and a warning says why. Raises StoreError
        where the store does.
        """
        snapshots = self._store.snapshots()
        if not snapshots:
            self._begin(own)
            snapshots = self._store.snapshots()
        return self._newest(snapshots) or (_unlike(own or self._blank()), 0)

    def newest(self) -> tuple[State, int] | None:
        """The same; None where there is no snapshot that can be used."""
        return self._newest(self._store.snapshots())

    def _newest(self, snapshots: list[StateSnapshot]) -> tuple[State, int] | None:
        for snapshot in snapshots:
            try:
                return _unlike(self._opened(snapshot)), snapshot.upto
            except StateUnfit as error:
                log.warning("a snapshot of what machines share is passed over: %s", error)
        log.warning("no snapshot can be used: this machine goes on with what it knows itself")
        return None

    def keep(self, term: int, upto: int, state: bytes) -> int:
        """Write a snapshot as the leader; how many events it made superfluous. Raises
        StoreError."""
        data = sealed_state(self._seal, state)
        return self._store.keep_snapshot(term, StateSnapshot(upto, _checksum(data), data))

    def _begin(self, own: State | None) -> None:
        state = own or self._blank()
        state.prepare(routing.packaged())
        state.origin = secrets.token_hex(8)
        data = sealed_state(self._seal, routing.dump_state(state))
        self._store.begin(StateSnapshot(0, _checksum(data), data))

    def _opened(self, snapshot: StateSnapshot) -> State:
        if not hmac.compare_digest(_checksum(snapshot.data), snapshot.digest):
            raise StateUnfit("Its bytes are not those that were written.")
        return routing.load_state(unsealed_state(self._seal, snapshot.data), routing.packaged())


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _unlike(state: State) -> State:
    """Processes that begin with the same state must not draw the same lots."""
    state.draws = (state.draws & ((1 << PLACES) - 1)) + (secrets.randbits(22) << PLACES)
    return state
