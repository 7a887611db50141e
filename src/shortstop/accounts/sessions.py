"""People's sessions that were ended before their time.

A session is sealed and kept nowhere; what is kept is which of them are over.
"""

from __future__ import annotations

from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore

LONGEST_SECONDS = 604_800.0
"""What a session lasts at most."""
NEVER = float("-inf")


class EndedSessions:
    """Answers from memory; `load` reads what other processes have ended."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._ended: dict[str, float] = {}

    def load(self) -> None:
        """Raises StoreError."""
        self._ended = dict(self._store.ended_sessions())

    def holds(self, nonce: str, subject: str, begun: float) -> bool:
        """Whether the session of this random text, which somebody began then, is over."""
        return _one(nonce) in self._ended or begun <= self._ended.get(_all_of(subject), NEVER)

    def end(self, nonce: str) -> None:
        """One session. Raises StoreError."""
        self._end(_one(nonce))

    def end_all(self, subject: str) -> None:
        """Every session that somebody has begun by now. Raises StoreError."""
        self._end(_all_of(subject))

    def _end(self, name: str) -> None:
        now = self._clock.time()
        self._store.end_sessions(name, now, now - LONGEST_SECONDS)
        self.load()


def _one(nonce: str) -> str:
    return f"session {nonce}"


def _all_of(subject: str) -> str:
    return f"person {subject}"
