"""`?explain=1` on a route to models, for operators: what would be decided. No model is asked."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from shortstop.dialects import StatefulDialect
from shortstop.server.auth import operator_in
from shortstop.server.body import Headers
from shortstop.server.caller import caller_of
from shortstop.server.chat import request_in, request_of
from shortstop.server.exchange import Exchange
from shortstop.server.gateway import Gateway
from shortstop.server.route import HotRoute, Incoming, Work
from shortstop.server.stored_responses import ResponseTurn
from shortstop.types import Admission, Caller, Json

ASKED = ("1", "true")
REPEATED = b"idempotency-key"


def asks_why(scope: Scope) -> bool:
    query = scope.get("query_string", b"")
    return bool(query) and _query(scope).get("explain") in ASKED


class Explain:
    """The same route for whoever asks what it would do. `tenant` in the query says whose request
    it is, for those who see all of them."""

    def __init__(self, gateway: Gateway, route: HotRoute) -> None:
        self._gateway = gateway
        self._route = route.asked_by(self._caller)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # An answer that is kept for retries is none to this question.
        headers = [(name, value) for name, value in scope["headers"] if name != REPEATED]
        await self._route({**scope, "headers": headers}, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        operator = operator_in(self._gateway, scope)
        tenant = _query(scope).get("tenant")
        if operator.tenant is None and tenant:
            return replace(operator.caller, tenant=tenant)
        return operator.caller


def explaining_work(gateway: Gateway) -> Work:
    """POST to a dialect's route."""

    async def work(body: Json, caller: Caller, headers: Headers, exchange: Exchange) -> Incoming:
        if isinstance(exchange.dialect, StatefulDialect):
            turn = await ResponseTurn.begun(gateway.responses, caller, body)
            request = request_of(turn, exchange)
        else:
            request = request_in(body, headers, exchange)
        caller = caller_of(caller, headers, request)

        async def answer(admission: Admission) -> None:
            explanation = await gateway.explain(request, caller)
            await exchange.json(msgspec.json.encode(explanation))

        return Incoming(request, caller, answer, asks=False)

    return work


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
