"""The ASGI application: hot routes straight, everything else through Starlette."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortstop.errors import MethodNotAllowed, Overloaded
from shortstop.server.api import pages
from shortstop.server.calls import counting_work, embedding_work
from shortstop.server.chat import chat_work, messages_work, responses_work
from shortstop.server.gateway import Gateway
from shortstop.server.ids import Ids
from shortstop.server.route import HotRoute

EXPOSED = (
    "x-request-id",
    "request-id",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-should-retry",
    "idempotency-replayed",
    "x-shortstop-target",
    "x-shortstop-task",
    "x-shortstop-decision",
    "x-shortstop-tier",
    "x-shortstop-cost",
    "x-shortstop-saved",
    "retry-after",
    "retry-after-ms",
)


class Dispatcher:
    """Dispatches on the path, with or without `/v1` and a trailing slash."""

    def __init__(self, gateway: Gateway) -> None:
        self.hot: dict[str, HotRoute] = {
            "/chat/completions": HotRoute(gateway, "openai.chat", chat_work(gateway)),
            "/completions": HotRoute(gateway, "openai.completions", chat_work(gateway)),
            "/responses": HotRoute(gateway, "openai.responses", responses_work(gateway)),
            "/messages": HotRoute(gateway, "anthropic.messages", messages_work(gateway)),
            "/messages/count_tokens": HotRoute(
                gateway, "anthropic.messages", counting_work(gateway)
            ),
            "/embeddings": HotRoute(gateway, "openai.chat", embedding_work(gateway)),
        }
        self._cold = pages(gateway)
        self._gateway = gateway
        self._in_flight = 0
        self._id = Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = path = plain(scope["path"])
            if path in self.hot:
                await self._admit(self.hot[path], scope, receive, send)
                return
            send = with_request_id(send, self._id())
        await self._cold(scope, receive, send)

    async def _admit(self, route: HotRoute, scope: Scope, receive: Receive, send: Send) -> None:
        """Beyond `max_in_flight` a quick refusal is better than a slow answer for everybody."""
        if scope["method"] != "POST":
            await route.refuse(send, _only_post(scope["method"]))
            return
        if self._in_flight >= self._gateway.server.max_in_flight:
            await route.refuse(send, _full(self._in_flight))
            return
        self._in_flight += 1
        try:
            await route(scope, receive, send)
        finally:
            self._in_flight -= 1


def with_request_id(send: Send, id: str) -> Send:
    """`send`, which names the request in the answer's head as the hot routes do."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-request-id", id.encode())]
        await send(message)

    return named


def _only_post(method: str) -> MethodNotAllowed:
    return MethodNotAllowed(f"{method} is not allowed here.", headers={"allow": "POST"})


def _full(in_flight: int) -> Overloaded:
    return Overloaded(
        f"The gateway is full: {in_flight} requests are being answered.",
        hint="Retry in a moment, or raise server.max_in_flight.",
        retry_after=1.0,
    )


def plain(path: str) -> str:
    """`/v1/models/` and `/models` are the same place."""
    path = path.rstrip("/") or "/"
    return path[3:] if path.startswith("/v1/") else path


def create(gateway: Gateway) -> ASGIApp:
    """The application for one gateway."""
    door: ASGIApp = Dispatcher(gateway)
    if not gateway.server.cors_origins:
        return door
    return CORSMiddleware(
        door,
        allow_origins=list(gateway.server.cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=list(EXPOSED),
    )
