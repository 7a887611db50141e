"""The ASGI application: routes to models directly, everything else through Starlette."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortstop import dialects
from shortstop.dialects import StatefulDialect, embeddings
from shortstop.server.api import api
from shortstop.server.calls import counting_work, embedding_work
from shortstop.server.chat import chat_work, stateful_work
from shortstop.server.gateway import Gateway
from shortstop.server.headers import RESPONSE_HEADERS
from shortstop.server.ids import Ids
from shortstop.server.inflight import InFlight
from shortstop.server.route import HotRoute, Work

NO_MOUNTS: Mapping[str, ASGIApp] = MappingProxyType({})


class Dispatcher:
    """Dispatches on the path, with or without `/v1` and a trailing slash.

    `mounts` are further applications by path prefix, such as `/console`, which is the `root_path`
    that they see. Raises ValueError for a prefix that is not one segment, or is one of our own.
    """

    def __init__(self, gateway: Gateway, mounts: Mapping[str, ASGIApp] = NO_MOUNTS) -> None:
        self.hot = hot_routes(gateway, InFlight(gateway))
        self._cold = api(gateway)
        self._mounts = dict(mounts)
        self._check_mounts()
        self._id = Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._cold(scope, receive, send)
            return
        path = plain(scope["path"])
        if path in self.hot:
            scope["path"] = path
            await self.hot[path](scope, receive, send)
            return
        send = with_request_id(send, self._id())
        prefix = first_segment(scope["path"])
        if prefix in self._mounts:
            await self._enter(prefix, scope, receive, send)
            return
        scope["path"] = path
        await self._cold(scope, receive, send)

    def _check_mounts(self) -> None:
        cold = (route.path for route in self._cold.routes if isinstance(route, Route))
        taken = {"/", "/v1", *map(first_segment, (*self.hot, *cold))}
        for prefix in self._mounts:
            if prefix != first_segment(prefix) or prefix in taken:
                raise ValueError(f"Nothing can be mounted at {prefix!r}.")

    async def _enter(self, prefix: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to a mounted application, its path unchanged."""
        if scope["path"] == prefix:
            # Relative links of a page work only below its directory.
            await RedirectResponse(f"{prefix}/")(scope, receive, send)
            return
        await self._mounts[prefix]({**scope, "root_path": prefix}, receive, send)


def hot_routes(gateway: Gateway, in_flight: InFlight) -> dict[str, HotRoute]:
    """The routes to models by path, without `/v1`: those of every dialect, and embeddings."""

    def hot(name: str, work: Work) -> HotRoute:
        return HotRoute(gateway, name, work, in_flight)

    routes = {embeddings.PATH: hot(embeddings.DIALECT, embedding_work(gateway))}
    for dialect in dialects.every():
        description = dialect.description
        name, route, counting = description.name, description.route, description.counting
        if isinstance(dialect, StatefulDialect):
            work = stateful_work(gateway, dialect)
        else:
            work = chat_work(gateway)
        routes[route.path] = hot(name, work)
        if counting is not None and counting.route is not None:
            routes[counting.route] = hot(name, counting_work(gateway))
    return routes


def with_request_id(send: Send, id: str) -> Send:
    """`send`, with `x-request-id` in the response's head."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-request-id", id.encode())]
        await send(message)

    return named


def plain(path: str) -> str:
    """The path without `/v1` and trailing slashes: `/v1/models/` and `/models` are the same."""
    path = path.rstrip("/") or "/"
    return path[3:] if path.startswith("/v1/") else path


def first_segment(path: str) -> str:
    """`/console` of `/console/keys`."""
    return "/" + path.removeprefix("/").partition("/")[0]


def create(gateway: Gateway, mounts: Mapping[str, ASGIApp] = NO_MOUNTS) -> ASGIApp:
    """The application for one gateway; `mounts` are further ones by path prefix."""
    dispatcher: ASGIApp = Dispatcher(gateway, mounts)
    if not gateway.server.cors_origins:
        return dispatcher
    return CORSMiddleware(
        dispatcher,
        allow_origins=list(gateway.server.cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=list(RESPONSE_HEADERS),
    )
