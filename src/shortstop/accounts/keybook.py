"""The API keys of one gateway: added, looked up, listed, revoked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from shortstop.accounts.keys import Key, ReplacedSecret, fingerprint
from shortstop.accounts.sessions import EndedSessions
from shortstop.accounts.teambook import TeamBook
from shortstop.errors import Conflict, NotFound, StoreError, StoreUnavailable
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore

log = logging.getLogger(__name__)

Check = Callable[[Key], None]
"""Raises where something must not be done to a key as it is now."""
FRESH_SECONDS = 1.0
"""How long a key that another process has revoked may still be accepted."""

_decode = msgspec.json.Decoder(Key).decode


class KeyBook:
    """Answers from memory; checks once a second whether another process has changed the store."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.teams = TeamBook(store, clock)
        self.sessions = EndedSessions(store, clock)
        self._by_fingerprint: dict[bytes, Key] = {}
        self._by_id: dict[str, Key] = {}
        self._replaced: dict[str, list[ReplacedSecret]] = {}
        self._damaged = 0
        self._version = -1
        self._checked = float("-inf")
        self._unread: StoreError | None = None
        self._followed = False
        self._loading = threading.Lock()
        self._load()

    def add(self, key: Key, secret: str) -> None:
        """Raises StoreError."""
        self._store.add_key(key.id, fingerprint(secret), _encoded(key))
        self._load()

    def find(self, secret: str) -> Key | None:
        """The key of a secret, revoked and expired ones too. By a secret that was replaced, it
        expires when that secret does. Raises StoreError where it is not known and the store, which
        may know it by now, cannot be read."""
        self._refresh()
        key = self._by_fingerprint.get(fingerprint(secret))
        if key is None and self._unread is not None:
            raise StoreUnavailable(
                "The API key cannot be looked up now: the keys cannot be read.",
                hint="Ask again in a moment.",
                code=self._unread.code,
                retry_after=FRESH_SECONDS,
            ) from self._unread
        return key

    def get(self, id: str) -> Key | None:
        self._refresh()
        return self._by_id.get(id)

    @property
    def any(self) -> bool:
        """Whether a key was ever created. Revoked and damaged keys count: authentication, once on,
        stays on."""
        self._refresh()
        return bool(self._by_id or self._damaged)

    def all(self) -> list[Key]:
        """Oldest first, revoked ones too."""
        self._refresh()
        return sorted(self._by_id.values(), key=lambda key: (key.created, key.id))

    def replaced(self, id: str) -> tuple[ReplacedSecret, ...]:
        """The earlier secrets of a key that are still good."""
        now = self._clock.time()
        return tuple(one for one in self._replaced.get(id, []) if now < one.until)

    def has_ended(self, nonce: str, subject: str, begun: float) -> bool:
        """Whether somebody's session is over before its time."""
        self._refresh()
        return self.sessions.holds(nonce, subject, begun)

    def is_replaced(self, key: Key) -> bool:
        """Whether `find` found this key by a secret that was replaced."""
        current = self._by_id.get(key.id)
        return current is not None and current != key

    def revoke(self, id: str, check: Check = lambda key: None) -> Key:
        """All of its secrets. Raises NotFound or StoreError, and what `check` raises."""
        now = self._clock.time()

        def revoked(key: Key) -> Key:
            check(key)
            return replace(key, revoked=key.revoked or now)

        return self._change(id, revoked)

    def move(self, id: str, team: str | None) -> Key:
        """Into the team with this id, or out of every team. Raises NotFound or StoreError."""
        now = self._clock.time()
        return self._change(id, lambda key: replace(key, team=team, moved=now))

    def rotate(
        self, id: str, secret: str, tail: str, until: float, check: Check = lambda key: None
    ) -> Key:
        """Give the key another secret; the one it has is good `until` then, Unix time in seconds.
        Raises NotFound, Conflict for a key that is not in use, or StoreError, and what `check`
        raises."""
        now = self._clock.time()

        def rotated(record: str) -> tuple[str, str]:
            key = _decode(record)
            check(key)
            if not key.active(now):
                raise Conflict(f"The key {key.name!r} was revoked or has expired.")
            return _encoded(replace(key, tail=tail)), key.tail

        self.current(id)
        self._store.rotate_key(id, fingerprint(secret), rotated, until)
        return self.current(id)

    def _change(self, id: str, change: Callable[[Key], Key]) -> Key:
        self.current(id)
        self._store.change_key(id, lambda record: _encoded(change(_decode(record))))
        return self.current(id)

    def current(self, id: str) -> Key:
        """The key as the store has it now. Raises NotFound or StoreError."""
        self._load()
        key = self._by_id.get(id)
        if key is None:
            raise NotFound(f"There is no key {id!r}.", hint="`shortstop keys list` shows them.")
        return key

    def _refresh(self) -> None:
        """While the store cannot be read, known keys stay valid."""
        now = self._clock.monotonic()
        if self._followed or now - self._checked < FRESH_SECONDS:
            return
        self._checked = now
        self._read_again()

    def follow(self) -> None:
        """Read what has changed. Whoever calls this calls it more than once a second from then on,
        in a thread of its own: requests look no more. Raises StoreError."""
        self._followed = True
        self._read_again()
        if self._unread is not None:
            raise self._unread

    def _read_again(self) -> None:
        try:
            if self._store.version() != self._version:
                self._load()
            self._unread = None
        except StoreError as error:
            self._unread = error
            if not self._by_fingerprint:
                raise

    def _load(self) -> None:
        with self._loading:  # what was read later is kept
            self._loaded()

    def _loaded(self) -> None:
        version = self._store.version()
        by_fingerprint: dict[bytes, Key] = {}
        by_id: dict[str, Key] = {}
        replaced: dict[str, list[ReplacedSecret]] = {}
        damaged = 0
        for row in self._store.all_keys():
            try:
                key = _decode(row.record)
            except (msgspec.DecodeError, UnicodeError):
                damaged += row.until is None
                continue
            if row.until is None:
                by_id[key.id] = key
            else:
                old = ReplacedSecret(row.tail or "", row.until)
                replaced.setdefault(key.id, []).append(old)
                key = replace(key, expires=_sooner(row.until, key.expires))
            by_fingerprint[row.fingerprint] = key
        if damaged and damaged != self._damaged:
            log.error("%d keys are damaged in their file and refused: make new ones", damaged)
        if any(key.team is not None for key in by_id.values()):
            self.teams.load()
        self.sessions.load()
        self._version, self._damaged = version, damaged
        self._by_fingerprint, self._by_id = by_fingerprint, by_id
        self._replaced = replaced


def _sooner(one: float, other: float | None) -> float:
    return one if other is None else min(one, other)


def _encoded(key: Key) -> str:
    return msgspec.json.encode(key).decode()
