"""Who may call the routes that ask no model. Each is made by one of six, so that none forgets.

A key's requests a minute count on every route that asks for one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from shortstop.server.auth import (
    Operator,
    TeamLead,
    admin_in,
    caller_in,
    is_from_here,
    operator_in,
    shows_admin_token,
    team_lead_in,
)
from shortstop.server.gateway import Gateway
from shortstop.types import Caller

Handler = Callable[[HttpRequest], Awaitable[Response]]
AdminHandler = Callable[[HttpRequest, str], Awaitable[Response]]
"""With as whom what is done is written down."""
OperatorHandler = Callable[[HttpRequest, Operator], Awaitable[Response]]
KeyHandler = Callable[[HttpRequest, Caller], Awaitable[Response]]
TeamLeadHandler = Callable[[HttpRequest, TeamLead], Awaitable[Response]]
Needs = Literal["nothing", "key", "key elsewhere", "operator", "team lead", "admin token"]

ADMINISTRATOR = Caller(role="reviewer")
"""Of all tenants, without a key."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of a route, behind its check. Only `Access` makes one."""

    needs: Needs
    handle: Handler


class Access:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def anybody(self, handler: Handler) -> Endpoint:
        """What is no secret, from nobody."""
        return Endpoint("nothing", handler)

    def admin(self, handler: AdminHandler) -> Endpoint:
        """For the admin token, and administrators who have signed in."""

        async def handle(request: HttpRequest) -> Response:
            return await handler(request, admin_in(self._gateway, request.scope))

        return Endpoint("admin token", handle)

    def operator(self, handler: OperatorHandler) -> Endpoint:
        """For the admin token, and keys and sessions that open the console to operators."""

        async def handle(request: HttpRequest) -> Response:
            operator = operator_in(self._gateway, request.scope)
            return await self._limited(operator.caller, partial(handler, request, operator))

        return Endpoint("operator", handle)

    def team_lead(self, handler: TeamLeadHandler) -> Endpoint:
        """For keys and sessions that lead a team."""

        async def handle(request: HttpRequest) -> Response:
            lead = team_lead_in(self._gateway, request.scope)
            return await self._limited(lead.caller, partial(handler, request, lead))

        return Endpoint("team lead", handle)

    def key(self, handler: KeyHandler) -> Endpoint:
        """For a key where one is needed; the admin token is as good."""
        return Endpoint("key", self._counted(handler))

    def key_elsewhere(self, route: str, handler: KeyHandler) -> Endpoint:
        """Open to this machine and, where `server.open_routes` names `route`, to all."""
        counted = self._counted(handler)

        async def handle(request: HttpRequest) -> Response:
            if route in self._gateway.server.open_routes or is_from_here(request.scope):
                return await handler(request, Caller())
            return await counted(request)

        return Endpoint("key elsewhere", handle)

    def _counted(self, handler: KeyHandler) -> Handler:
        async def handle(request: HttpRequest) -> Response:
            if shows_admin_token(self._gateway, request.scope):
                return await handler(request, ADMINISTRATOR)
            caller = caller_in(self._gateway, request.scope)
            return await self._limited(caller, partial(handler, request, caller))

        return handle

    async def _limited(self, caller: Caller, answer: Callable[[], Awaitable[Response]]) -> Response:
        """The answer, with what the caller has left. Raises RateLimited before it is asked for."""
        limits = (await self._gateway.count(caller)).headers
        response = await answer()
        response.headers.update(limits)
        return response


def route(path: str, **methods: Endpoint) -> Route:
    """One route for all methods of a path, so that `Allow` names every one of them."""

    async def handle(request: HttpRequest) -> Response:
        name = "GET" if request.method == "HEAD" else request.method
        return await methods[name].handle(request)

    handle.endpoints = methods  # type: ignore[attr-defined]
    return Route(path, handle, methods=list(methods))
