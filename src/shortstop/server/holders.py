"""To whom files and batches belong, and how lists of them are asked for."""

from __future__ import annotations

from starlette.requests import Request as HttpRequest

from shortstop.batches import Holder
from shortstop.errors import Forbidden, InvalidRequest
from shortstop.server.caller import conversation_in
from shortstop.server.gateway import Gateway
from shortstop.server.stored_responses import owner_of
from shortstop.types import Caller


def holder_in(request: HttpRequest, caller: Caller, gateway: Gateway) -> Holder:
    """Who makes a file or a batch. Raises Forbidden without a key where one is needed: nobody would
    pay for the lines."""
    if caller.key is None and gateway.asks_for_keys:
        raise Forbidden(
            "Files and batches belong to a key.",
            hint="Make one with `shortstop keys create NAME`.",
        )
    conversation = conversation_in(dict(request.headers.raw)) or ""
    return Holder(owner_of(caller), caller.tenant, conversation)


def limit_in(request: HttpRequest, most: int, otherwise: int) -> int:
    """How many a list may hold. Raises InvalidRequest."""
    said = request.query_params.get("limit")
    if said is None:
        return otherwise
    if not (said.isascii() and said.isdigit() and 1 <= int(said[:9]) <= most):
        raise InvalidRequest(f"`limit` is a number from 1 to {most}.", param="limit")
    return int(said)
