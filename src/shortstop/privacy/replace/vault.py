"""Where real values wait for their surrogates: encrypted, for a while, erasable by conversation."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shortstop.errors import StoreError
from shortstop.ports.stores import SurrogateStore
from shortstop.types.rows import SealedSurrogates

log = logging.getLogger(__name__)

Scope = tuple[str, str]
"""(tenant, conversation)"""

_NONCE = 12


class Vault:
    """AES-256-GCM under one random key per conversation, wrapped by a key of its tenant's: to
    forget the conversation's key is to erase.

    `store` keeps what is sealed, for all processes that have the same `key`; None keeps it in
    memory. `ttl` in seconds counts from the last `put`; of more than `most` conversations the ones
    that would end first are dropped. Whoever has a copy of the store made before an erasure, and
    `key`, can still read it: make no such copies.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        ttl: float,
        most: int = 10_000,
        *,
        store: SurrogateStore | None = None,
        key: bytes | None = None,
    ) -> None:
        self._clock, self._ttl, self._most = clock, ttl, most
        self._key = key or os.urandom(32)
        self._store = store or MemorySurrogates()

    def put(self, scope: Scope, values: dict[str, str]) -> None:
        """Keep surrogate -> value. Raises StoreError when it cannot be kept."""
        name = self._name(scope)

        def add(before: SealedSurrogates | None) -> SealedSurrogates:
            key, known = self._unsealed(scope, name, before) or (os.urandom(32), {})
            sealed = _seal(key, msgspec.json.encode(known | _plain(values)), name)
            return SealedSurrogates(_seal(self._tenant(scope), key, name), sealed)

        now = self._clock()
        self._store.update(name, add, now=now, expires=now + self._ttl, most=self._most)

    def get(self, scope: Scope) -> dict[str, str]:
        """surrogate -> value; empty once expired or erased, or when the store cannot be read."""
        name = self._name(scope)
        try:
            row = self._store.get(name, self._clock())
        except StoreError as error:
            log.error("the vault cannot be read: %s", error)
            return {}
        drawer = self._unsealed(scope, name, row)
        return {} if drawer is None else {s: _real(v) for s, v in drawer[1].items()}

    def erase(self, scope: Scope) -> bool:
        """Forget a conversation, overwriting what was kept. Whether there was something.

        Raises StoreError.
        """
        return self._store.erase(self._name(scope), self._clock())

    def sweep(self) -> int:
        """Overwrite what has expired; of how many conversations. Raises StoreError."""
        return self._store.sweep(self._clock())

    def close(self) -> None:
        self._store.close()

    def _unsealed(
        self, scope: Scope, name: bytes, row: SealedSurrogates | None
    ) -> tuple[bytes, dict[str, str]] | None:
        """The conversation's key and its values; None where nothing is there or it was altered."""
        if row is None:
            return None
        try:
            key = _unseal(self._tenant(scope), row.key, name)
            return key, msgspec.json.decode(_unseal(key, row.sealed, name), type=dict[str, str])
        except (InvalidTag, ValueError):
            return None

    def _tenant(self, scope: Scope) -> bytes:
        return hmac.digest(self._key, b"vault tenant\0" + scope[0].encode(), hashlib.sha256)

    def _name(self, scope: Scope) -> bytes:
        plain = "\0".join(scope).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, b"vault scope\0" + plain, hashlib.sha256)


class MemorySurrogates:
    """Implements ports.stores.SurrogateStore for one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[bytes, tuple[SealedSurrogates, float]] = {}

    def get(self, scope: bytes, now: float) -> SealedSurrogates | None:
        with self._lock:
            return self._alive(scope, now)

    def update(
        self,
        scope: bytes,
        change: Callable[[SealedSurrogates | None], SealedSurrogates],
        *,
        now: float,
        expires: float,
        most: int,
    ) -> None:
        with self._lock:
            new = change(self._alive(scope, now))
            self._rows.pop(scope, None)
            self._rows[scope] = new, expires
            while next(iter(self._rows.values()))[1] <= now:
                del self._rows[next(iter(self._rows))]
            while len(self._rows) > most:
                del self._rows[min(self._rows, key=lambda name: self._rows[name][1])]

    def erase(self, scope: bytes, now: float) -> bool:
        with self._lock:
            was_there = self._alive(scope, now) is not None
            with suppress(KeyError):
                del self._rows[scope]
            return was_there

    def sweep(self, now: float) -> int:
        with self._lock:
            late = [scope for scope, (_, expires) in self._rows.items() if expires <= now]
            for scope in late:
                del self._rows[scope]
            return len(late)

    def close(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._rows.clear()

    def _alive(self, scope: bytes, now: float) -> SealedSurrogates | None:
        row, expires = self._rows.get(scope, (None, 0.0))
        return row if expires > now else None


def _seal(key: bytes, data: bytes, about: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, about)


def _unseal(key: bytes, sealed: bytes, about: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about)


def _plain(values: dict[str, str]) -> dict[str, str]:
    """Hexadecimal: a lone surrogate of UTF-16 cannot be written as JSON text."""
    return {s: v.encode("utf-8", "surrogatepass").hex() for s, v in values.items()}


def _real(value: str) -> str:
    return bytes.fromhex(value).decode("utf-8", "surrogatepass")
