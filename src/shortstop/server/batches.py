"""Batches: made, looked up and cancelled by the key that they belong to."""

from __future__ import annotations

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from shortstop.batches import BatchRequest
from shortstop.errors import InvalidRequest
from shortstop.server.answers import as_json
from shortstop.server.aside import Aside
from shortstop.server.batch_answers import batch_list, batch_object
from shortstop.server.body import read_request
from shortstop.server.capacity import Capacity, holder_of
from shortstop.server.gateway import Gateway
from shortstop.server.holders import holder_in, limit_in
from shortstop.server.stored_responses import owner_of
from shortstop.types import Caller, Json

MOST_LISTED, USUALLY_LISTED = 100, 20
CARRIED = (
    "x-shortstop-conversation",
    "x-shortstop-task",
    "x-shortstop-user",
    "x-shortstop-tag",
    "x-shortstop-cache",
)
"""Headers of a batch that go with each of its lines."""
LONGEST_HEADER = 256


class BatchesApi:
    """The handlers, for whoever `Access.key` has let in."""

    def __init__(self, gateway: Gateway, capacity: Capacity, aside: Aside) -> None:
        self._gateway = gateway
        self._capacity = capacity
        self._aside = aside

    async def create(self, request: HttpRequest, caller: Caller) -> Response:
        """POST /v1/batches: begins a batch over an uploaded file."""
        holder = holder_in(request, caller, self._gateway)
        with self._capacity.share(holder_of(caller, request.scope)) as share:
            sent = await read_request(request, self._gateway.server, share)
            asked = _decoded(await self._capacity.parse(sent))
        carried = {
            name: value[:LONGEST_HEADER]
            for name in CARRIED
            if (value := request.headers.get(name)) is not None
        }
        create = self._gateway.batches.create
        made = await self._aside.run(lambda: create(holder, caller.key, asked, carried))
        return as_json(batch_object(made))

    async def page(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/batches: the key's batches, newest first."""
        limit = limit_in(request, MOST_LISTED, USUALLY_LISTED)
        owner, after = owner_of(caller), request.query_params.get("after")
        batches = self._gateway.batches
        found = await self._aside.run(lambda: batches.page(owner, after, limit + 1))
        return as_json(batch_list(found, limit))

    async def one(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/batches/{id}."""
        id, owner = request.path_params["id"], owner_of(caller)
        found = await self._aside.run(lambda: self._gateway.batches.find(owner, id))
        return as_json(batch_object(found))

    async def cancel(self, request: HttpRequest, caller: Caller) -> Response:
        """POST /v1/batches/{id}/cancel: what is answered by then is kept."""
        id, owner = request.path_params["id"], owner_of(caller)
        found = await self._aside.run(lambda: self._gateway.batches.cancel(owner, id))
        return as_json(batch_object(found))


def _decoded(body: Json) -> BatchRequest:
    """Raises InvalidRequest, which names the field."""
    try:
        return msgspec.convert(body, BatchRequest)
    except msgspec.ValidationError as error:
        said = str(error).split("`")
        field = said[-2].removeprefix("$.").partition("[")[0] if len(said) > 2 else None
        raise InvalidRequest(f"Invalid batch: {error}.", param=field) from error
