"""The ASGI application: routes to models directly, everything else through Starlette."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortstop import __version__, dialects
from shortstop.dialects import StatefulDialect, embeddings
from shortstop.errors import MethodNotAllowed, ShortstopError
from shortstop.server.answers import Health, failure
from shortstop.server.api import api
from shortstop.server.calls import counting_work, embedding_work
from shortstop.server.capacity import Capacity
from shortstop.server.chat import chat_work, stateful_work
from shortstop.server.clients import Clients
from shortstop.server.console.app import Console
from shortstop.server.door import CONSOLE, Door, is_admin_path, is_below
from shortstop.server.explain import Explain, asks_why, explaining_work
from shortstop.server.gateway import Gateway
from shortstop.server.headers import RESPONSE_HEADERS
from shortstop.server.ids import Ids
from shortstop.server.inflight import InFlight
from shortstop.server.route import HotRoute, Work

HEALTHY = msgspec.json.encode(Health("ok", __version__))
HEALTHY_HEAD = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(HEALTHY)).encode()),
]
PLAYGROUND = dialects.get("openai.chat").description.route.path
"""Where the console asks."""
NO_MOUNTS: Mapping[str, ASGIApp] = MappingProxyType({})


class Dispatcher:
    """Dispatches on the path, with or without `/v1` and a trailing slash.

    `mounts` are further applications by path prefix beside `/console`, which is the `root_path`
    that they see. Raises ValueError for a prefix that is not one segment, or is one of our own.
    """

    def __init__(self, gateway: Gateway, mounts: Mapping[str, ASGIApp] = NO_MOUNTS) -> None:
        capacity = Capacity(lambda: gateway.server)
        self._in_flight = InFlight(gateway)
        self.hot = hot_routes(gateway, capacity, self._in_flight)
        self._explain = explaining_routes(gateway, capacity)
        self._cold = api(gateway, capacity)
        self._check(mounts)
        self._console = Console(gateway, capacity, time, self.hot[PLAYGROUND])
        self._mounts: dict[str, ASGIApp] = {CONSOLE: self._console, **mounts}
        self._gateway = gateway
        self.door = Door(gateway)
        self._clients = Clients()
        self._id = Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._cold(scope, receive, send)
            return
        path = plain(scope["path"])
        refusal = self._clients.refusal(scope, self._gateway.server) or self.door.refusal(
            scope, path
        )
        if refusal is not None:
            await self._refuse(refusal, path, scope, receive, send)
            return
        if path in self.hot:
            scope["path"] = path
            if scope["method"] != "POST":
                await self.hot[path].refuse(send, _only_post(scope["method"]))
            elif path in self._explain and asks_why(scope):
                await self._explain[path](scope, receive, send)
            else:
                await self.hot[path](scope, receive, send)
            return
        send = with_request_id(send, self._id())
        if path == "/health" and scope["method"] in ("GET", "HEAD"):
            await health(send)
            return
        prefix = first_segment(scope["path"])
        if prefix in self._mounts:
            await self._enter(prefix, scope, receive, send)
            return
        scope["path"] = path
        await self._cold(scope, receive, send)

    async def _refuse(
        self, error: ShortstopError, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """In the dialect of the route that was meant."""
        if path in self.hot:
            await self.hot[path].refuse(send, error)
            return
        self._gateway.refused(error.status)
        send = with_request_id(send, self._id())
        if is_below(CONSOLE, path):
            await self._console.refuse(error, scope, receive, send)
            return
        await failure(error)(scope, receive, send)

    def _check(self, mounts: Mapping[str, ASGIApp]) -> None:
        cold = (route.path for route in self._cold.routes if isinstance(route, Route))
        taken = {"/", "/v1", CONSOLE, *map(first_segment, (*self.hot, *cold))}
        for prefix in mounts:
            if prefix != first_segment(prefix) or prefix in taken:
                raise ValueError(f"Nothing can be mounted at {prefix!r}.")

    async def _enter(self, prefix: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to a mounted application, its path unchanged."""
        if scope["path"] == prefix:
            # Relative links of a page work only below its directory.
            await RedirectResponse(f"{prefix}/")(scope, receive, send)
            return
        await self._mounts[prefix]({**scope, "root_path": prefix}, receive, send)


def hot_routes(gateway: Gateway, capacity: Capacity, in_flight: InFlight) -> dict[str, HotRoute]:
    """The routes to models by path, without `/v1`: those of every dialect, and embeddings."""

    def hot(name: str, work: Work) -> HotRoute:
        return HotRoute(gateway, capacity, in_flight, name, work)

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


def explaining_routes(gateway: Gateway, capacity: Capacity) -> dict[str, Explain]:
    """What says of the dialects' routes how they would be answered."""
    in_flight, work = InFlight(gateway), explaining_work(gateway)
    return {
        one.route.path: Explain(gateway, HotRoute(gateway, capacity, in_flight, one.name, work))
        for one in (dialect.description for dialect in dialects.every())
    }


async def health(send: Send) -> None:
    """The process is alive: said at once, for everybody may ask, and as often as they like."""
    await send({"type": "http.response.start", "status": 200, "headers": HEALTHY_HEAD})
    await send({"type": "http.response.body", "body": HEALTHY})


def with_request_id(send: Send, id: str) -> Send:
    """`send`, with `x-request-id` in the response's head."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-request-id", id.encode())]
        await send(message)

    return named


def _only_post(method: str) -> MethodNotAllowed:
    return MethodNotAllowed(f"{method} is not allowed here.", headers={"allow": "POST"})


def plain(path: str) -> str:
    """The path without `/v1` and trailing slashes: `/v1/models/` and `/models` are the same."""
    path = path.rstrip("/") or "/"
    return path[3:] if path.startswith("/v1/") else path


def first_segment(path: str) -> str:
    """`/console` of `/console/keys`."""
    return "/" + path.removeprefix("/").partition("/")[0]


class Cors:
    """`dispatcher` for the web pages of the operator's origins; administration and the console are
    not among what they may ask for, and no name that is not ours gets an answer."""

    def __init__(self, dispatcher: Dispatcher, origins: tuple[str, ...]) -> None:
        self._dispatcher = dispatcher
        self._cors = CORSMiddleware(
            dispatcher,
            allow_origins=[origin.lower() for origin in origins],
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=list(RESPONSE_HEADERS),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        public = (
            scope["type"] == "http"
            and not is_admin_path(plain(scope["path"]))
            and not is_below(CONSOLE, plain(scope["path"]))
            and self._dispatcher.door.knows(scope)
        )
        await (self._cors if public else self._dispatcher)(scope, receive, send)


def create(gateway: Gateway, mounts: Mapping[str, ASGIApp] = NO_MOUNTS) -> ASGIApp:
    """The application for one gateway; `mounts` are further ones by path prefix."""
    dispatcher, origins = Dispatcher(gateway, mounts), gateway.server.cors_origins
    return Cors(dispatcher, origins) if origins else dispatcher
