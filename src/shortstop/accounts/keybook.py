"""The keys of a machine: made, found, listed, revoked."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from shortstop.accounts.database import AccountsDatabase
from shortstop.accounts.keys import Key, fingerprint
from shortstop.errors import NotFound, StoreError
from shortstop.ports import Clock

FRESH_SECONDS = 1.0
"""How long a key that another process revoked may still be believed."""

_decode = msgspec.json.Decoder(Key).decode


class KeyBook:
    """Answers from memory; looks at the file once a second whether somebody changed it."""

    def __init__(self, database: AccountsDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[bytes, Key] = {}
        self._by_id: dict[str, Key] = {}
        self._version = -1
        self._looked = float("-inf")
        self._load()

    def add(self, key: Key, secret: str) -> None:
        with self._database.writing() as db:
            db.execute(
                "INSERT INTO keys VALUES (?, ?, ?)",
                (key.id, fingerprint(secret), msgspec.json.encode(key).decode()),
            )
        self._load()

    def find(self, secret: str) -> Key | None:
        """The key of a secret, revoked and expired ones too."""
        self._refresh()
        return self._known.get(fingerprint(secret))

    def get(self, id: str) -> Key | None:
        self._refresh()
        return self._by_id.get(id)

    @property
    def any(self) -> bool:
        """Whether a key was ever made: revoked ones count, for a door once locked stays locked."""
        self._refresh()
        return bool(self._by_id)

    def all(self) -> list[Key]:
        """Oldest first, revoked ones too."""
        self._refresh()
        return sorted(self._by_id.values(), key=lambda key: (key.created, key.id))

    def revoke(self, id: str) -> Key:
        """Raises NotFound."""
        self._load()
        key = self._by_id.get(id)
        if key is None:
            raise NotFound(f"There is no key {id!r}.", hint="`shortstop keys list` shows them.")
        revoked = replace(key, revoked=key.revoked or self._clock.time())
        with self._database.writing() as db:
            record = msgspec.json.encode(revoked).decode()
            db.execute("UPDATE keys SET record = ? WHERE id = ?", (record, id))
        self._load()
        return revoked

    def _refresh(self) -> None:
        """A file that cannot be read now keeps what was known: no good key becomes a bad one."""
        now = self._clock.monotonic()
        if now - self._looked < FRESH_SECONDS:
            return
        self._looked = now
        try:
            if self._database.changes != self._version:
                self._load()
        except StoreError:
            if not self._known:
                raise

    def _load(self) -> None:
        self._version = self._database.changes
        with self._database.reading() as db:
            rows = db.execute("SELECT fingerprint, record FROM keys").fetchall()
        self._known = {mark: _decode(record) for mark, record in rows}
        self._by_id = {key.id: key for key in self._known.values()}
