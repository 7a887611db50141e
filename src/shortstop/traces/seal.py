"""Content at rest, encrypted: AES-256-GCM, bound to its row."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from itertools import count

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shortstop.errors import StoreError
from shortstop.types import Json

SEALED = "shortstop-sealed"
LOCKED = b"\0"
"""How sealed bytes begin; JSON never does."""
NONCE, COUNT_BYTES = 12, 5


class Seal:
    """Encrypts what is kept of requests and answers. What reports need stays readable.

    `secret` seals; what one of the `earlier` secrets sealed can be opened, too. A nonce is a field
    that is drawn when the process starts, and a count (NIST SP 800-38D, 8.2.1): to draw all of it
    for each row costs as much as the encryption.
    """

    def __init__(self, secret: str, *earlier: str) -> None:
        keys = [hashlib.sha256(b"traces\0" + one.encode()).digest() for one in (secret, *earlier)]
        self._ciphers = [AESGCM(key) for key in keys]
        self._cipher = self._ciphers[0]
        self._field, self._counts = os.urandom(NONCE - COUNT_BYTES), count()
        self._digest_key = hmac.digest(keys[0], b"digests", "sha256")
        self.id = hmac.digest(keys[0], b"name of the key", "sha256")[:4].hex()
        """Names the key that seals without telling it: eight hexadecimal digits."""

    @classmethod
    def of(cls, env: Mapping[str, str], name: str) -> Seal | None:
        """With the key in the environment variable `name`; None if that is not set."""
        secret = env.get(name)
        return cls(secret) if secret else None

    def lock(self, data: bytes, about: str) -> bytes:
        nonce = self._field + next(self._counts).to_bytes(COUNT_BYTES, "big")
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def unlock(self, sealed: bytes, about: str) -> bytes:
        """Raises StoreError when it was sealed with another key or for another place."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
            except (InvalidTag, ValueError):
                continue
        raise StoreError(
            "Sealed content cannot be opened.",
            hint="It was sealed with another key, or altered since.",
        )

    def digest(self, data: bytes, size: int = 16) -> bytes:
        """`size` bytes that tell whether `data` is the same, and nothing to who lacks the key."""
        return hashlib.blake2b(data, digest_size=size, key=self._digest_key).digest()

    def close(self, body: Json, about: str) -> Json:
        """What to encode as JSON, bytes as base64, in the place of `body`, whose values may be
        Structs as well."""
        return {SEALED: self.lock(msgspec.json.encode(body), about)}

    def open(self, body: Json, about: str) -> Json:
        """What `close` was given. Raises StoreError as `unlock` does."""
        try:
            sealed = base64.b64decode(str(body[SEALED]), validate=True)
        except ValueError:
            sealed = b""
        opened: Json = msgspec.json.decode(self.unlock(sealed, about), type=dict)
        return opened


def locked(seal: Seal | None, data: bytes, about: str) -> bytes:
    """`data`, which is JSON: sealed if there is a seal."""
    return data if seal is None else LOCKED + seal.lock(data, about)


def unlocked(seal: Seal | None, data: bytes, about: str) -> bytes:
    """What `locked` was given. Raises StoreError as `unlock` does, and without the seal."""
    if not data.startswith(LOCKED):
        return data
    if seal is None:
        raise StoreError(
            "This content is sealed.", hint="Its key is missing: see `shortstop config check`."
        )
    return seal.unlock(data.removeprefix(LOCKED), about)


def is_sealed(body: Json) -> bool:
    """Whether a JSON object is one that `Seal.close` made."""
    return len(body) == 1 and SEALED in body
