"""The API keys of one gateway: added, looked up, listed, revoked."""

from __future__ import annotations

import logging

import msgspec
from msgspec.structs import replace

from shortstop.accounts.keys import Key, fingerprint
from shortstop.errors import NotFound, StoreError, StoreUnavailable
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore

log = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""How long a key that another process has revoked may still be accepted."""

_decode = msgspec.json.Decoder(Key).decode


class KeyBook:
    """Answers from memory; checks once a second whether another process has changed the store."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._by_fingerprint: dict[bytes, Key] = {}
        self._by_id: dict[str, Key] = {}
        self._damaged = 0
        self._version = -1
        self._checked = float("-inf")
        self._unread: StoreError | None = None
        self._load()

    def add(self, key: Key, secret: str) -> None:
        """Raises StoreError."""
        self._store.add_key(key.id, fingerprint(secret), msgspec.json.encode(key).decode())
        self._load()

    def find(self, secret: str) -> Key | None:
        """The key of a secret, revoked and expired ones too. Raises StoreError where it is not
        known and the store, which may know it by now, cannot be read."""
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

    def revoke(self, id: str) -> Key:
        """Raises NotFound or StoreError."""
        self._load()
        key = self._by_id.get(id)
        if key is None:
            raise NotFound(f"There is no key {id!r}.", hint="`shortstop keys list` shows them.")
        revoked = replace(key, revoked=key.revoked or self._clock.time())
        self._store.replace_key(id, msgspec.json.encode(revoked).decode())
        self._load()
        return revoked

    def _refresh(self) -> None:
        """While the store cannot be read, known keys stay valid."""
        now = self._clock.monotonic()
        if now - self._checked < FRESH_SECONDS:
            return
        self._checked = now
        try:
            if self._store.version() != self._version:
                self._load()
            self._unread = None
        except StoreError as error:
            self._unread = error
            if not self._by_fingerprint:
                raise

    def _load(self) -> None:
        self._version = self._store.version()
        keys: dict[bytes, Key] = {}
        damaged = 0
        for mark, record in self._store.all_keys():
            try:
                keys[mark] = _decode(record)
            except (msgspec.DecodeError, UnicodeError):
                damaged += 1
        if damaged and damaged != self._damaged:
            log.error("%d keys are damaged in their file and refused: make new ones", damaged)
        self._damaged = damaged
        self._by_fingerprint = keys
        self._by_id = {key.id: key for key in keys.values()}
