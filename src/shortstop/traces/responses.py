"""Answers of the Responses API that a client may build on: `previous_response_id`."""

from __future__ import annotations

import logging

import msgspec
from msgspec import Struct

from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.errors import StoreError
from shortstop.ports import Clock
from shortstop.ports.stores import ResponseStore
from shortstop.traces.seal import LOCKED, Seal, locked, unlocked
from shortstop.types import Json
from shortstop.types.rows import ResponseRow

KEPT_SECONDS = 30 * 86_400.0
LONGEST_CHAIN = 1_000
EARLIER = 50
"""Responses of before there was a key that are sealed at once."""

UNOPENED = (StoreError, msgspec.DecodeError, UnicodeDecodeError)
_NOT_OPENED = "a stored response cannot be opened and counts as not kept: %s"

log = logging.getLogger(__name__)

_items = msgspec.json.Decoder(list[Json]).decode


class StoredResponse(Struct, frozen=True):
    """`turn` holds the items that this turn added: what was asked and what was answered.
    `tenant` and `conversation` are what it is erased by."""

    id: str
    parent: str | None
    turn: list[Json]
    response: Json
    tenant: str = ""
    conversation: str = ""


class StoredResponses:
    """Kept for 30 days, encrypted with a `seal`. Every method raises StoreError.

    One that cannot be opened, because its key is not here or because it was altered, counts as not
    kept: the client sends the whole conversation again.
    """

    def __init__(
        self,
        store: ResponseStore,
        clock: Clock,
        seal: Seal | None = None,
        calls: Calls = ON_THE_LOOP,
    ) -> None:
        self.calls = calls
        """How requests ask for them."""
        self._store = store
        self._clock = clock
        self._seal = seal

    def keep(self, owner: str, response: StoredResponse) -> None:
        now = self._clock.time()
        row = ResponseRow(
            response.id,
            owner,
            response.parent,
            now,
            locked(self._seal, msgspec.json.encode(response.turn), response.id),
            locked(self._seal, msgspec.json.encode(response.response), response.id),
            response.tenant,
            response.conversation,
        )
        self._store.keep(row)
        self._store.delete_before(now - KEPT_SECONDS)

    def find(self, owner: str, id: str) -> StoredResponse | None:
        """None: there is no such response, or it is not the owner's."""
        row = self._store.find(owner, id, self._clock.time() - KEPT_SECONDS)
        if row is None:
            return None
        try:
            return self._opened(row)
        except UNOPENED as error:
            log.warning(_NOT_OPENED, error)
            return None

    def _opened(self, row: ResponseRow) -> StoredResponse:
        """Raises StoreError when it was sealed with another key, and msgspec.DecodeError."""
        return StoredResponse(
            row.id,
            row.parent,
            _items(unlocked(self._seal, row.turn, row.id)),
            msgspec.json.decode(unlocked(self._seal, row.response, row.id)),
            row.tenant,
            row.conversation,
        )

    def conversation(self, owner: str, id: str) -> list[Json] | None:
        """Every item up to and including response `id`, oldest first. None: a part is missing."""
        since = self._clock.time() - KEPT_SECONDS
        chain = self._store.chain(owner, id, since, LONGEST_CHAIN)
        if not chain or chain[-1].parent is not None:
            return None
        try:
            turns = [_items(unlocked(self._seal, one.turn, one.id)) for one in reversed(chain)]
        except UNOPENED as error:
            log.warning(_NOT_OPENED, error)
            return None
        return [item for turn in turns for item in turn]

    def drop(self, owner: str, id: str) -> bool:
        """Whether there was such a response."""
        return self._store.drop(owner, id)

    def forget(self, tenant: str, conversation: str) -> int:
        """Delete every response of a conversation, and off the disk; how many there were."""
        return self._store.forget(tenant, conversation)

    def sweep(self) -> int:
        """Delete what is older than 30 days, and off the disk; how many there were."""
        return self._store.sweep(self._clock.time() - KEPT_SECONDS)

    def seal_earlier(self) -> int:
        """Seal what was kept before there was a key; how many there were."""
        if self._seal is None:
            return 0
        count = 0
        while done := self._store.seal_earlier(self._sealed, EARLIER):
            count += done
        return count

    def _sealed(self, row: ResponseRow) -> ResponseRow:
        return row._replace(
            turn=locked(self._seal, row.turn, row.id),
            response=row.response
            if row.response.startswith(LOCKED)
            else locked(self._seal, row.response, row.id),
        )

    def close(self) -> None:
        self._store.close()
