"""Where real values wait for their surrogates: encrypted, for a while, erasable by conversation."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Scope = tuple[str, str]
"""(tenant, conversation)"""


@dataclass(slots=True)
class _Drawer:
    key: bytes
    expires: float
    entries: dict[str, bytes] = field(default_factory=dict)


class Vault:
    """AES-256-GCM under one random key per conversation: to forget the key is to erase.

    Nothing is written to disk: after a restart old surrogates are no longer restored.
    """

    def __init__(self, clock: Callable[[], float], ttl: float, most: int = 10_000) -> None:
        self._clock, self._ttl, self._most = clock, ttl, most
        self._drawers: OrderedDict[Scope, _Drawer] = OrderedDict()

    def put(self, scope: Scope, values: dict[str, str]) -> None:
        """Keep surrogate -> value."""
        drawer = self._drawer(scope)
        cipher = AESGCM(drawer.key)
        for surrogate, value in values.items():
            nonce = os.urandom(12)
            said = value.encode("utf-8", "surrogatepass")
            drawer.entries[surrogate] = nonce + cipher.encrypt(
                nonce, said, _about(scope, surrogate)
            )

    def get(self, scope: Scope) -> dict[str, str]:
        """surrogate -> value; empty once expired or erased."""
        self._expire()
        drawer = self._drawers.get(scope)
        if drawer is None:
            return {}
        cipher, values = AESGCM(drawer.key), {}
        for surrogate, sealed in drawer.entries.items():
            try:
                said = cipher.decrypt(sealed[:12], sealed[12:], _about(scope, surrogate))
            except InvalidTag:
                continue
            values[surrogate] = said.decode("utf-8", "surrogatepass")
        return values

    def erase(self, scope: Scope) -> bool:
        """Forget a conversation. Whether there was one."""
        return self._drawers.pop(scope, None) is not None

    def _drawer(self, scope: Scope) -> _Drawer:
        self._expire()
        drawer = self._drawers.setdefault(scope, _Drawer(os.urandom(32), 0))
        drawer.expires = self._clock() + self._ttl
        self._drawers.move_to_end(scope)
        while len(self._drawers) > self._most:
            self._drawers.popitem(last=False)
        return drawer

    def _expire(self) -> None:
        now = self._clock()
        while self._drawers and next(iter(self._drawers.values())).expires <= now:
            self._drawers.popitem(last=False)


def _about(scope: Scope, surrogate: str) -> bytes:
    return "\0".join((*scope, surrogate)).encode()
