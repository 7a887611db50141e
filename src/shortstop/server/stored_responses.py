"""`previous_response_id` and `store` of the Responses API.

A conversation is put together again before anything else looks at the request, so that privacy,
routing and the books see all of it.
"""

from __future__ import annotations

import msgspec
from starlette.types import Message, Send

from shortstop.errors import InvalidRequest
from shortstop.traces.responses import StoredResponse, StoredResponses
from shortstop.types import Caller, Json


class ResponseTurn:
    """One request of a conversation: `body` is what to decode in its stead, `previous` the id of
    the response that it goes on from."""

    def __init__(self, store: StoredResponses, caller: Caller, body: Json) -> None:
        """Raises InvalidRequest when the previous response is not the caller's, or not kept."""
        self._store = store
        self._owner = owner_of(caller)
        self.previous = body.get("previous_response_id")
        self._wanted = body.get("store") is not False
        self._asked = _items(body.get("input"))
        self.body = self._whole(body) if self.previous is not None else body
        self._last = b""

    def _whole(self, body: Json) -> Json:
        known = isinstance(self.previous, str) and self._store.conversation(
            self._owner, self.previous
        )
        if not known:
            raise InvalidRequest(
                f"Previous response with id {str(self.previous)[:80]!r} not found.",
                hint="Send the whole conversation as `input`; turns with sensitive data, and"
                " those with `store: false`, are not kept.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        whole = {k: v for k, v in body.items() if k != "previous_response_id"}
        return {**whole, "input": [*known, *self._asked]}

    def listening(self, send: Send) -> Send:
        async def listen(message: Message) -> None:
            if message.get("body"):
                self._last = message["body"]
            await send(message)

        return listen

    def keep(self, caller: Caller) -> None:
        """Call after an answer that may be kept, with the caller and its conversation."""
        response = _response(self._last)
        if not self._wanted or response is None:
            return
        turn = [*self._asked, *response.get("output", [])]
        kept = StoredResponse(
            str(response["id"]),
            self.previous,
            turn,
            response,
            caller.tenant,
            caller.conversation or "",
        )
        self._store.keep(self._owner, kept)


def owner_of(caller: Caller) -> str:
    return caller.key or caller.tenant


def _items(said: object) -> list[Json]:
    if isinstance(said, str):
        return [{"role": "user", "content": said}]
    return [item for item in said if isinstance(item, dict)] if isinstance(said, list) else []


def _response(last: bytes) -> Json | None:
    """The response object: the whole body, or in the last event of a stream."""
    if last.startswith(b"{"):
        return _object(last)
    for line in reversed(last.splitlines()):
        if line.startswith(b"data: "):
            event = _object(line[6:])
            found = event.get("response") if event else None
            return found if isinstance(found, dict) else None
    return None


def _object(data: bytes) -> Json | None:
    value = msgspec.json.decode(data)
    return value if isinstance(value, dict) else None
