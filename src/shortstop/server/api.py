"""The cold routes: models, health, metrics, administration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from shortstop import __version__
from shortstop.dialects import parse_object
from shortstop.errors import (
    ConfigError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ShortstopError,
)
from shortstop.server.admin import AdminApi, as_json, body_of, require_admin
from shortstop.server.caller import known_as, secret_of
from shortstop.server.gateway import Gateway
from shortstop.server.openapi import document
from shortstop.server.stored_responses import owner_of
from shortstop.types import Json, Target

AUTO_MODELS = {
    "auto": "Shortstop decides: the small local model first, the frontier behind it.",
    "local": "Never leaves this machine.",
}


Handler = Callable[[HttpRequest], Awaitable[Response]]


def pages(gateway: Gateway) -> Starlette:
    door, keys = Api(gateway), AdminApi(gateway)
    return Starlette(
        routes=[
            Route("/", door.index),
            Route("/openapi.json", door.openapi),
            Route("/models", door.models),
            Route("/models/{id:path}", door.model),
            Route("/health", door.health),
            Route("/ready", door.ready),
            Route("/metrics", door.metrics),
            _route("/responses/{id}", GET=door.response, DELETE=door.forget),
            Route("/feedback", door.feedback, methods=["POST"]),
            Route("/admin/reload", door.reload, methods=["POST"]),
            Route("/admin/conversations/{tenant}/{id:path}", door.erase, methods=["DELETE"]),
            _route("/admin/keys", GET=keys.list, POST=keys.create),
            _route("/admin/keys/{id}", GET=keys.show, DELETE=keys.revoke),
        ],
        exception_handlers={ShortstopError: door.failed, HTTPException: door.missed},
    )


def _route(path: str, **pages: Handler) -> Route:
    """One route for all methods of a path: only so `Allow` names every one of them."""

    async def page(request: HttpRequest) -> Response:
        return await pages["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, page, methods=list(pages))


class Api:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def index(self, request: HttpRequest) -> Response:
        """GET /: who answers here; some clients look before they ask."""
        about = {"name": "shortstop", "version": __version__, "openapi": "/openapi.json"}
        return as_json(about)

    async def openapi(self, request: HttpRequest) -> Response:
        """GET /openapi.json: these routes as an OpenAPI 3.1 document."""
        return as_json(document())

    async def models(self, request: HttpRequest) -> Response:
        """GET /v1/models: `auto`, `local` and every target that the key may use."""
        names = self._names(request)
        return as_json({"object": "list", "data": [self._card(name) for name in names]})

    async def model(self, request: HttpRequest) -> Response:
        """GET /v1/models/{id}."""
        name = request.path_params["id"]
        names = self._names(request)
        if name not in names:
            raise NotFound(
                f"The model {name!r} does not exist.",
                hint=f"Available: {', '.join(names)}.",
                param="model",
                code="model_not_found",
            )
        return as_json(self._card(name))

    async def health(self, request: HttpRequest) -> Response:
        """GET /health: this process lives."""
        return as_json({"status": "ok", "version": __version__})

    async def ready(self, request: HttpRequest) -> Response:
        """GET /ready: requests can be answered; 503 while they cannot."""
        state = self._gateway.readiness()
        return as_json({"ready": state.ready, **state.detail}, 200 if state.ready else 503)

    async def metrics(self, request: HttpRequest) -> Response:
        """GET /metrics: Prometheus text."""
        return Response(self._gateway.metrics(), media_type="text/plain; version=0.0.4")

    async def response(self, request: HttpRequest) -> Response:
        """GET /v1/responses/{id}: a stored answer, for its owner."""
        id = request.path_params["id"]
        kept = self._gateway.responses.find(self._owner(request), id)
        if kept is None:
            raise NotFound(f"Response with id {id!r} not found.", param="id")
        return as_json(kept.response)

    async def forget(self, request: HttpRequest) -> Response:
        """DELETE /v1/responses/{id}."""
        id = request.path_params["id"]
        if not self._gateway.responses.drop(self._owner(request), id):
            raise NotFound(f"Response with id {id!r} not found.", param="id")
        return as_json({"id": id, "object": "response", "deleted": True})

    def _owner(self, request: HttpRequest) -> str:
        return owner_of(self._gateway.identify(secret_of(dict(request.headers.raw))))

    async def feedback(self, request: HttpRequest) -> Response:
        """POST /v1/feedback: how good an answer was; `request_id` is its `x-request-id`."""
        caller = self._gateway.identify(secret_of(dict(request.headers.raw)))
        said = parse_object(await body_of(self._gateway, request))
        if not self._gateway.feedback(said, caller):
            raise NotFound(
                "That request is not remembered, or this source has spoken about it already.",
                param="request_id",
            )
        return as_json({"accepted": True})

    async def reload(self, request: HttpRequest) -> Response:
        """POST /admin/reload: read the configuration again; a bad file changes nothing."""
        require_admin(self._gateway, request)
        try:
            return as_json({"reloaded": await self._gateway.reload()})
        except ConfigError as error:
            raise InvalidRequest(str(error), code="invalid_config") from error

    async def erase(self, request: HttpRequest) -> Response:
        """DELETE /admin/conversations/{tenant}/{id}: its surrogates, its traces' content and its
        stored responses. `id` is what the client called it, or what traces call it."""
        require_admin(self._gateway, request)
        tenant, id = request.path_params["tenant"], request.path_params["id"]
        named, known = [await self._gateway.erase(tenant, c) for c in (known_as(id), id)]
        told = {
            "surrogates": named["surrogates"] or known["surrogates"],
            "traces": named["traces"] + known["traces"],
            "responses": named["responses"] + known["responses"],
        }
        return as_json({"erased": told})

    async def failed(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, ShortstopError)
        self._gateway.refused(error.status)
        body = self._gateway.dialect("openai.chat").encode_error(error, "")
        headers = dict(error.headers)
        return Response(body, error.status, headers, media_type="application/json")

    async def missed(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            told = error.headers or {}
            return await self.failed(
                request,
                MethodNotAllowed(
                    f"{request.method} is not allowed here.",
                    headers={k.lower(): v for k, v in told.items()},
                ),
            )
        return await self.failed(
            request, NotFound(f"There is nothing at {request.url.path}.", hint="See /v1/models.")
        )

    def _names(self, request: HttpRequest) -> list[str]:
        """Raises Unauthenticated where keys are asked for."""
        allowed = self._gateway.identify(secret_of(dict(request.headers.raw))).targets
        targets = self._gateway.targets
        return [*AUTO_MODELS, *(t for t in targets if not allowed or t in allowed)]

    def _card(self, name: str) -> Json:
        """One entry of the list, with what a client may want to know in `shortstop`."""
        target = self._gateway.targets.get(name)
        card: Json = {"id": name, "object": "model", "created": self._gateway.started}
        card["owned_by"] = target.provider if target else "shortstop"
        about = _about(target) if target else {"description": AUTO_MODELS[name]}
        return {**card, "shortstop": about}


def _about(target: Target) -> Json:
    return {
        "local": target.local,
        "model": target.model,
        "context": target.context,
        "abilities": sorted(target.abilities),
    }
