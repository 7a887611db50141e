"""Answers kept for an hour under their `Idempotency-Key`, so that a retry is not paid for twice.

Semantics of the IETF draft "The Idempotency-Key HTTP Header Field": the same key with the same
request gets the first answer again; with another request it is an error, and while the first is
still being answered a conflict. Only complete answers are kept; a failed request may be retried.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import msgspec

from shortstop.errors import Conflict, InvalidRequest
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore

KEPT_SECONDS = 3600.0
LONGEST_TOKEN = 255
LARGEST = 4_000_000
"""Bytes. A larger answer is not kept, so a retry of its request is answered afresh."""

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole answer as it left: status, headers, body bytes (of a stream, all of its events)."""

    status: int
    headers: RawHeaders
    body: bytes


class Locker(Protocol):
    """Encrypts for one place, which `about` names."""

    def lock(self, data: bytes, about: str) -> bytes: ...

    def unlock(self, sealed: bytes, about: str) -> bytes:
        """Raises StoreError when it was sealed with another key or for another place."""


class AnswerStore:
    """With a `seal` what is kept of answers is encrypted. Every method raises StoreError."""

    def __init__(self, store: AccountStore, clock: Clock, seal: Locker | None = None) -> None:
        self._store = store
        self._clock = clock
        self._seal = seal

    def claim(self, caller: str, token: str, asked: bytes) -> KeptAnswer | None:
        """The answer that was given before, or None: the caller answers, then calls `keep` or
        `drop`. Raises Conflict while the first request is being answered, InvalidRequest when the
        token has a wrong length or belongs to another request."""
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise InvalidRequest(f"An idempotency key has 1 to {LONGEST_TOKEN} characters.")
        now, fingerprint = self._clock.time(), blake2b(asked, digest_size=16).digest()
        record = self._store.claim_answer(
            caller, _digest(token), fingerprint, at=now, since=now - KEPT_SECONDS
        )
        if record is None:
            return None
        if record.fingerprint != fingerprint:
            raise InvalidRequest(
                "This idempotency key was used for another request.",
                hint="Use a new key for a new request.",
                code="idempotency_key_reused",
                status=422,
            )
        if record.status is None:
            raise Conflict(
                "A request with this idempotency key is being answered.",
                hint="Retry in a moment.",
                code="idempotency_key_in_use",
                retry_after=1.0,
            )
        headers = msgspec.msgpack.decode(record.headers or b"\x90", type=RawHeaders)
        return KeptAnswer(record.status, headers, self._opened(caller, token, record.body or b""))

    def keep(self, caller: str, token: str, answer: KeptAnswer) -> None:
        if len(answer.body) > LARGEST:
            self.drop(caller, token)
            return
        headers = msgspec.msgpack.encode(answer.headers)
        body = self._closed(caller, token, answer.body)
        self._store.keep_answer(caller, _digest(token), answer.status, headers, body)

    def drop(self, caller: str, token: str) -> None:
        """Release the token without an answer: the next request with it is answered afresh."""
        self._store.drop_answer(caller, _digest(token))

    def _closed(self, caller: str, token: str, body: bytes) -> bytes:
        return body if self._seal is None else self._seal.lock(body, f"{caller} {_digest(token)}")

    def _opened(self, caller: str, token: str, body: bytes) -> bytes:
        return body if self._seal is None else self._seal.unlock(body, f"{caller} {_digest(token)}")


def _digest(token: str) -> str:
    """Tokens are kept as digests only: a client may have put anything into its header."""
    return blake2b(token.encode("utf-8", "replace"), digest_size=16).hexdigest()
