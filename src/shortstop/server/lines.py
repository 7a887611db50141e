"""Lines of batches on the ordinary way to the models: each a request of its key, in the background.

They have places of their own: what a batch has under way takes none from clients.
"""

from __future__ import annotations

import asyncio

from msgspec.structs import replace
from starlette.types import Message, Scope

from shortstop.batches import Batch, BatchLine, LineAnswer
from shortstop.errors import Unauthenticated
from shortstop.ports.forwarding import VendorBatches
from shortstop.server.asgi import hot_routes, plain
from shortstop.server.capacity import Capacity
from shortstop.server.gateway import Gateway
from shortstop.server.inflight import InFlight
from shortstop.server.route import Incoming
from shortstop.types import Caller
from shortstop.types.batches import LinePlace

AGAIN = (408, 429, 500, 502, 503, 504)
"""Statuses after which the same line may be answered yet."""
SOON = 1.0
"""Seconds after which a line is asked again that is not told when."""
TAG = "x-shortstop-tag"


class _EveryPlace(InFlight):
    """The batches' own places bound how many lines are asked; who waits for a vendor has none."""

    def follow(self) -> None:
        self.places = 1 << 20


class LineAsker:
    """Implements batches.AskLine."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        capacity = Capacity(lambda: gateway.server)
        self._routes = hot_routes(gateway, capacity, _EveryPlace(gateway))

    async def __call__(self, batch: Batch, line: BatchLine, place: LinePlace) -> LineAnswer:
        response, conversation = _HeardResponse(), ""

        def heard(asked: Incoming) -> None:
            nonlocal conversation
            conversation = asked.caller.conversation or ""

        path = plain(batch.terms.endpoint)
        route = self._routes[path].in_background(
            lambda scope: replace(self._caller(batch), line=place), heard
        )
        await route(_scope(path, batch, line), _WholeBody(line.body).receive, response.send)
        return response.answer(conversation)

    def vendor(self, target: str) -> VendorBatches | None:
        return self._gateway.vendor_batches(target)

    def knows(self, batch: Batch, model: str) -> bool:
        return self._gateway.knows(model, batch.row.tenant)

    def _caller(self, batch: Batch) -> Caller:
        """Raises Unauthenticated where the key is no longer good."""
        if batch.terms.key is not None:
            return self._gateway.accounts.caller_with(batch.terms.key)
        if self._gateway.asks_for_keys:
            raise Unauthenticated(
                "This batch was made without a key, and now one is needed.",
                hint="Make the batch again with a key.",
            )
        return Caller()


def _scope(path: str, batch: Batch, line: BatchLine) -> Scope:
    headers = {TAG: batch.id, **batch.terms.headers}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(line.body)).encode()),
            *(
                (name.encode(), value.encode("latin-1", "replace"))
                for name, value in headers.items()
            ),
        ],
        "client": None,
    }


class _WholeBody:
    """What a client sends that stays until it has its answer."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    async def receive(self) -> Message:
        if self._body is None:
            await asyncio.Future()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _HeardResponse:
    """Hears what a client would be sent."""

    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], dict(message["headers"])
        else:
            self._body.append(message.get("body", b""))

    def answer(self, conversation: str) -> LineAnswer:
        request_id = self._headers.get(b"x-request-id", b"").decode()
        return LineAnswer(
            self._status, request_id, b"".join(self._body), conversation, self._again()
        )

    def _again(self) -> float | None:
        told = self._headers.get(b"x-should-retry")
        if self._status not in AGAIN or told == b"false":
            return None
        milliseconds = self._headers.get(b"retry-after-ms", b"")
        return int(milliseconds) / 1000 if milliseconds.isdigit() else SOON
