"""The ASGI application: hot routes straight, everything else through Starlette."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from shortstop.server.calls import JsonRoute, counting_work, embedding_work
from shortstop.server.chat import ChatRoute
from shortstop.server.gateway import Gateway
from shortstop.server.pages import pages

EXPOSED = (
    "x-request-id",
    "x-shortstop-target",
    "x-shortstop-task",
    "x-shortstop-decision",
    "x-shortstop-tier",
    "x-shortstop-cost",
    "x-shortstop-saved",
    "retry-after",
)


class Door:
    """Dispatches on the path, with or without `/v1` and a trailing slash."""

    def __init__(self, gateway: Gateway) -> None:
        self._hot: dict[str, ASGIApp] = {
            "/chat/completions": ChatRoute(gateway, "openai.chat"),
            "/completions": ChatRoute(gateway, "openai.completions"),
            "/responses": ChatRoute(gateway, "openai.responses"),
            "/messages": ChatRoute(gateway, "anthropic.messages"),
            "/messages/count_tokens": JsonRoute(
                gateway, "anthropic.messages", counting_work(gateway)
            ),
            "/embeddings": JsonRoute(gateway, "openai.chat", embedding_work(gateway)),
        }
        self._cold = pages(gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = path = plain(scope["path"])
            if scope["method"] == "POST" and path in self._hot:
                await self._hot[path](scope, receive, send)
                return
        await self._cold(scope, receive, send)


def plain(path: str) -> str:
    """`/v1/models/` and `/models` are the same place."""
    path = path.rstrip("/") or "/"
    return path[3:] if path.startswith("/v1/") else path


def create(gateway: Gateway) -> ASGIApp:
    """The application for one gateway."""
    door: ASGIApp = Door(gateway)
    if not gateway.server.cors_origins:
        return door
    return CORSMiddleware(
        door,
        allow_origins=list(gateway.server.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=list(EXPOSED),
    )
