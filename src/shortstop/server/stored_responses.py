"""`previous_response_id` and `store` of the Responses API.

A conversation is put together again before anything else looks at the request, so that privacy,
routing and the books see all of it.
"""

from __future__ import annotations

from functools import partial

from shortstop.errors import InvalidRequest
from shortstop.traces.responses import StoredResponse, StoredResponses
from shortstop.types import Caller, Json


class ResponseTurn:
    """One request of a conversation: `body` is what to decode in its stead, `previous` the id of
    the response that it goes on from, `wanted` whether the client may go on from this one."""

    @classmethod
    async def begun(cls, store: StoredResponses, caller: Caller, body: Json) -> ResponseTurn:
        """Raises InvalidRequest when the previous response is not the caller's, or not kept."""
        if body.get("previous_response_id") is None:
            return cls(store, caller, body)
        return await store.calls.need(partial(cls, store, caller, body))

    def __init__(self, store: StoredResponses, caller: Caller, body: Json) -> None:
        self._store = store
        self._owner = owner_of(caller)
        self.previous = body.get("previous_response_id")
        self.wanted = body.get("store") is not False
        self._asked = _items(body.get("input"))
        self.body = self._whole(body) if self.previous is not None else body

    def _whole(self, body: Json) -> Json:
        previous = self.previous if isinstance(self.previous, str) else ""
        earlier = self._store.conversation(self._owner, previous) if previous else None
        if not earlier:
            raise InvalidRequest(
                f"Previous response with id {str(self.previous)[:80]!r} not found.",
                hint="Send the whole conversation as `input`; turns with sensitive data, and"
                " those with `store: false`, are not kept.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        whole = {k: v for k, v in body.items() if k != "previous_response_id"}
        return {**whole, "input": [*earlier, *self._asked]}

    async def keep(self, caller: Caller, response: Json) -> None:
        """Call after an answer that may be kept, with the caller and its conversation."""
        if not self.wanted:
            return
        turn = [*self._asked, *response.get("output", [])]
        stored = StoredResponse(
            str(response["id"]),
            self.previous,
            turn,
            response,
            caller.tenant,
            caller.conversation or "",
        )
        await self._store.calls.need(partial(self._store.keep, self._owner, stored))


def owner_of(caller: Caller) -> str:
    return caller.key or caller.tenant


def _items(asked: object) -> list[Json]:
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    return [item for item in asked if isinstance(item, dict)] if isinstance(asked, list) else []
