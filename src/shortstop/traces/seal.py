"""Content at rest under a key of the operator's: AES-256-GCM, one nonce each, bound to its row."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from shortstop.errors import StoreError
from shortstop.types import Json, Trace

SEALED = "shortstop-sealed"
NONCE = 12


class Seal:
    """Encrypts what is kept of requests and answers. What reports need stays open."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"traces\0" + secret.encode()).digest())

    @classmethod
    def of(cls, env: Mapping[str, str], name: str) -> Seal | None:
        """With the key that the variable `name` holds; None where it is not set."""
        secret = env.get(name)
        return cls(secret) if secret else None

    def lock(self, data: bytes, about: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def unlock(self, sealed: bytes, about: str) -> bytes:
        """Raises StoreError when it was sealed with another key or for another place."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError(
                "Sealed content cannot be opened.",
                hint="It was sealed with another key, or altered since.",
            ) from error

    def close(self, trace: Trace) -> Trace:
        return replace(
            trace,
            request=self._closed(f"{trace.id} request", trace.request),
            response=self._closed(f"{trace.id} response", trace.response),
        )

    def open(self, trace: Trace) -> Trace:
        """Raises StoreError. What was never sealed comes back as it is."""
        return replace(
            trace,
            request=self._opened(f"{trace.id} request", trace.request),
            response=self._opened(f"{trace.id} response", trace.response),
        )

    def _closed(self, about: str, body: Json | None) -> Json | None:
        if body is None:
            return None
        return {SEALED: base64.b64encode(self.lock(msgspec.json.encode(body), about)).decode()}

    def _opened(self, about: str, body: Json | None) -> Json | None:
        if body is None or list(body) != [SEALED]:
            return body
        try:
            sealed = base64.b64decode(str(body[SEALED]), validate=True)
        except ValueError:
            sealed = b""
        found: Json = msgspec.json.decode(self.unlock(sealed, about), type=dict)
        return found
