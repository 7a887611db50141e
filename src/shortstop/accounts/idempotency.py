"""Answers kept for an hour under their `Idempotency-Key`, so that a retry is not paid for twice.

Semantics of the IETF draft "The Idempotency-Key HTTP Header Field": the same key with the same
request gets the first answer again; with another request it is an error, and while the first is
still being answered a conflict. Only complete answers are kept; a failed request may be retried.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.errors import Conflict, InvalidRequest, StoreError
from shortstop.ports import Clock, Locker
from shortstop.ports.stores import AccountStore
from shortstop.types.accounts import IdempotencyRecord, KeptRow

log = logging.getLogger(__name__)

KEPT_SECONDS = 3600.0
LONGEST_TOKEN = 255
LARGEST = 4_000_000
"""Bytes. A larger answer is not kept, so a retry of its request is answered afresh."""
MOST, MOST_BYTES = 1_000, 64_000_000
"""Answers, and bytes of them, that are kept for one caller: the oldest make room."""
LOCKED = b"\0"
"""How a sealed body begins; answers are JSON or text."""

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A whole answer as it left: status, headers, body bytes (of a stream, all of its events)."""

    status: int
    headers: RawHeaders
    body: bytes


class AnswerStore:
    """With a `seal` what is kept of answers is encrypted, and digests are made with its key. Every
    method raises StoreError."""

    def __init__(
        self,
        store: AccountStore,
        clock: Clock,
        seal: Locker | None = None,
        calls: Calls = ON_THE_LOOP,
    ) -> None:
        self.calls = calls
        """How requests ask for them."""
        self._store = store
        self._clock = clock
        self._seal = seal

    def claim(self, caller: str, token: str, asked: bytes) -> KeptAnswer | None:
        """The answer that was given before, or None: the caller answers, then calls `keep` or
        `drop`. Raises Conflict while the first request is being answered, InvalidRequest when the
        token has a wrong length or belongs to another request."""
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise InvalidRequest(f"An idempotency key has 1 to {LONGEST_TOKEN} characters.")
        fingerprint = self._digest(asked)
        record = self._claimed(caller, token, fingerprint)
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
        try:
            return self._opened(caller, token, record)
        except (StoreError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("a kept answer cannot be opened, its request is answered afresh: %s", error)
            self.drop(caller, token)
            return self.claim(caller, token, asked)

    def keep(
        self, caller: str, token: str, answer: KeptAnswer, subject: tuple[str, str] = ("", "")
    ) -> None:
        """`subject` is the tenant and the conversation that the answer is erased by."""
        if len(answer.body) > LARGEST:
            self.drop(caller, token)
            return
        headers = msgspec.msgpack.encode(answer.headers)
        body = self._closed(caller, token, answer.body)
        row = KeptRow(answer.status, headers, body, *subject)
        self._store.keep_answer(caller, self._name(token), row, MOST, MOST_BYTES)

    def drop(self, caller: str, token: str) -> None:
        """Release the token without an answer: the next request with it is answered afresh."""
        self._store.drop_answer(caller, self._name(token))

    def forget(self, tenant: str, conversation: str) -> int:
        """Delete every answer of a conversation, and off the disk; how many there were."""
        return self._store.forget_answers(tenant, conversation)

    def sweep(self) -> int:
        """Delete those whose hour is over, and off the disk; how many there were."""
        return self._store.sweep_answers(self._clock.time() - KEPT_SECONDS)

    def _claimed(self, caller: str, token: str, fingerprint: bytes) -> IdempotencyRecord | None:
        now = self._clock.time()
        return self._store.claim_answer(
            caller, self._name(token), fingerprint, at=now, since=now - KEPT_SECONDS
        )

    def _closed(self, caller: str, token: str, body: bytes) -> bytes:
        if self._seal is None:
            return body
        return LOCKED + self._seal.lock(body, f"{caller} {self._name(token)}")

    def _opened(self, caller: str, token: str, record: IdempotencyRecord) -> KeptAnswer:
        """Raises StoreError when it was sealed with another key, and msgspec.DecodeError."""
        headers = msgspec.msgpack.decode(record.headers or b"\x90", type=RawHeaders)
        body = record.body or b""
        if self._seal is not None and body.startswith(LOCKED):
            body = self._seal.unlock(body.removeprefix(LOCKED), f"{caller} {self._name(token)}")
        assert record.status is not None
        return KeptAnswer(record.status, headers, body)

    def _name(self, token: str) -> str:
        """Tokens are kept as digests only: a client may have put anything into its header."""
        return self._digest(token.encode("utf-8", "replace")).hex()

    def _digest(self, data: bytes) -> bytes:
        if self._seal is None:
            return blake2b(data, digest_size=16).digest()
        return self._seal.digest(data)
