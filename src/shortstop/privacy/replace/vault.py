"""Where real values wait for their surrogates: encrypted, for a while, erasable by conversation."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = logging.getLogger(__name__)

Scope = tuple[str, str]
"""(tenant, conversation)"""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS drawer (
    scope BLOB PRIMARY KEY,   -- HMAC of tenant and conversation: neither can be read here
    key BLOB NOT NULL,        -- the conversation's, wrapped by its tenant's
    sealed BLOB NOT NULL,     -- surrogate -> value
    expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_expiry ON drawer (expires);
"""
_NONCE = 12


class Vault:
    """AES-256-GCM under one random key per conversation, wrapped by a key of its tenant's: to
    forget the conversation's key is to erase.

    `path` is one SQLite file for all processes that have the same `key`; None keeps everything in
    memory. `ttl` in seconds counts from the last `put`; of more than `most` conversations the ones
    that would end first are dropped. A copy of the file made before an erasure, with `key`, still
    tells: keep none.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        ttl: float,
        most: int = 10_000,
        *,
        path: Path | None = None,
        key: bytes | None = None,
    ) -> None:
        self._clock, self._ttl, self._most = clock, ttl, most
        self._key = key or os.urandom(32)
        self._lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
        self._base = sqlite3.connect(
            path or ":memory:", timeout=5, isolation_level=None, check_same_thread=False
        )
        self._base.executescript("PRAGMA journal_mode=TRUNCATE; PRAGMA secure_delete=ON;" + _SCHEMA)

    def put(self, scope: Scope, values: dict[str, str]) -> None:
        """Keep surrogate -> value. Raises sqlite3.Error when it cannot be kept."""
        name = self._name(scope)
        with self._writing():
            self._expire()
            drawer = self._drawer(scope, name)
            key, known = drawer or (os.urandom(32), {})
            sealed = _seal(key, msgspec.json.encode(known | _plain(values)), name)
            self._base.execute(
                "INSERT OR REPLACE INTO drawer VALUES (?, ?, ?, ?)",
                (name, _seal(self._tenant(scope), key, name), sealed, self._clock() + self._ttl),
            )
            self._base.execute(
                "DELETE FROM drawer WHERE scope IN (SELECT scope FROM drawer ORDER BY expires"
                " LIMIT max(0, (SELECT count(*) FROM drawer) - ?))",
                (self._most,),
            )

    def get(self, scope: Scope) -> dict[str, str]:
        """surrogate -> value; empty once expired or erased, or when the file cannot be read."""
        try:
            with self._lock:
                drawer = self._drawer(scope, self._name(scope))
        except sqlite3.Error as error:
            log.error("the vault cannot be read: %s", error)
            return {}
        return {} if drawer is None else {s: _real(v) for s, v in drawer[1].items()}

    def erase(self, scope: Scope) -> bool:
        """Forget a conversation, overwriting what was kept. Whether there was something."""
        with self._writing():
            self._expire()
            gone = self._base.execute("DELETE FROM drawer WHERE scope = ?", (self._name(scope),))
            return gone.rowcount > 0

    def close(self) -> None:
        self._base.close()

    def _drawer(self, scope: Scope, name: bytes) -> tuple[bytes, dict[str, str]] | None:
        row = self._base.execute(
            "SELECT key, sealed FROM drawer WHERE scope = ? AND expires > ?", (name, self._clock())
        ).fetchone()
        if row is None:
            return None
        try:
            key = _unseal(self._tenant(scope), row[0], name)
            return key, msgspec.json.decode(_unseal(key, row[1], name), type=dict[str, str])
        except (InvalidTag, ValueError):
            return None

    def _expire(self) -> None:
        self._base.execute("DELETE FROM drawer WHERE expires <= ?", (self._clock(),))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")

    def _tenant(self, scope: Scope) -> bytes:
        return hmac.digest(self._key, b"vault tenant\0" + scope[0].encode(), hashlib.sha256)

    def _name(self, scope: Scope) -> bytes:
        said = "\0".join(scope).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, b"vault scope\0" + said, hashlib.sha256)


def _seal(key: bytes, said: bytes, about: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, said, about)


def _unseal(key: bytes, sealed: bytes, about: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about)


def _plain(values: dict[str, str]) -> dict[str, str]:
    """Lone surrogates of UTF-16 are no JSON text."""
    return {s: v.encode("utf-8", "surrogatepass").hex() for s, v in values.items()}


def _real(value: str) -> str:
    return bytes.fromhex(value).decode("utf-8", "surrogatepass")
