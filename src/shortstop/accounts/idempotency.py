"""Answers kept for a while by `Idempotency-Key`, so that a client's retry costs nothing twice.

Semantics of the IETF draft "The Idempotency-Key HTTP Header Field": the same key with the same
request gets the first answer again, with another request an error, and while the first is still
being made a conflict. Only complete answers are kept; what failed may be tried anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import msgspec

from shortstop.accounts.database import AccountsDatabase, alive
from shortstop.errors import Conflict, InvalidRequest
from shortstop.ports import Clock

KEPT_SECONDS = 3600.0
LONGEST_TOKEN = 255
LARGEST = 4_000_000
"""Bytes; a larger answer is not kept, and a retry of its request is answered anew."""

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
    """With a `seal` what is kept of answers is encrypted."""

    def __init__(
        self, database: AccountsDatabase, clock: Clock, seal: Locker | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal

    def claim(self, caller: str, token: str, asked: bytes) -> KeptAnswer | None:
        """The answer that was given already, or None: the caller is to make it and then to call
        `keep` or `drop`. Raises Conflict while another makes it, InvalidRequest for misuse."""
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise InvalidRequest(f"An idempotency key has 1 to {LONGEST_TOKEN} characters.")
        now, print_ = self._clock.time(), blake2b(asked, digest_size=16).digest()
        with self._database.writing() as db:
            db.execute("DELETE FROM answers WHERE at < ?", (now - KEPT_SECONDS,))
            row = db.execute(
                "SELECT asked, owner, status, headers, body FROM answers"
                " WHERE caller = ? AND token = ?",
                (caller, _print(token)),
            ).fetchone()
            if row is None or (row[2] is None and row[0] == print_ and not alive(row[1])):
                db.execute(
                    "INSERT OR REPLACE INTO answers (caller, token, asked, owner, at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (caller, _print(token), print_, os.getpid(), now),
                )
                return None
        if row[0] != print_:
            raise InvalidRequest(
                "This idempotency key was used for another request.",
                hint="Use a new key for a new request.",
                code="idempotency_key_reused",
                status=422,
            )
        if row[2] is None:
            raise Conflict(
                "A request with this idempotency key is being answered.",
                hint="Retry in a moment.",
                code="idempotency_key_in_use",
                retry_after=1.0,
            )
        headers = msgspec.msgpack.decode(row[3], type=RawHeaders)
        return KeptAnswer(row[2], headers, self._opened(caller, token, row[4]))

    def keep(self, caller: str, token: str, answer: KeptAnswer) -> None:
        if len(answer.body) > LARGEST:
            self.drop(caller, token)
            return
        with self._database.writing() as db:
            db.execute(
                "UPDATE answers SET status = ?, headers = ?, body = ?"
                " WHERE caller = ? AND token = ?",
                (
                    answer.status,
                    msgspec.msgpack.encode(answer.headers),
                    self._closed(caller, token, answer.body),
                    caller,
                    _print(token),
                ),
            )

    def drop(self, caller: str, token: str) -> None:
        """Nothing worth keeping came of it: the next one with this key starts anew."""
        with self._database.writing() as db:
            db.execute(
                "DELETE FROM answers WHERE caller = ? AND token = ?", (caller, _print(token))
            )

    def _closed(self, caller: str, token: str, body: bytes) -> bytes:
        return body if self._seal is None else self._seal.lock(body, f"{caller} {_print(token)}")

    def _opened(self, caller: str, token: str, body: bytes) -> bytes:
        return body if self._seal is None else self._seal.unlock(body, f"{caller} {_print(token)}")


def _print(token: str) -> str:
    """Tokens are kept as digests only: a client may have put anything into its header."""
    return blake2b(token.encode("utf-8", "replace"), digest_size=16).hexdigest()
