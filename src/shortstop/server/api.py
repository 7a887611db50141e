"""The routes that ask no model: models, stored responses, feedback, health, metrics, admin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from shortstop import __version__, dialects
from shortstop.errors import MethodNotAllowed, NotFound, ShortstopError
from shortstop.server import feedback
from shortstop.server.admin import AdminApi
from shortstop.server.answers import (
    Accepted,
    DeletedResponse,
    Health,
    Index,
    Model,
    ModelDetails,
    ModelList,
    as_json,
)
from shortstop.server.auth import is_admin, secret_of
from shortstop.server.body import read_request
from shortstop.server.capacity import Capacity, holder_of
from shortstop.server.gateway import Gateway
from shortstop.server.openapi import document
from shortstop.server.stored_responses import owner_of
from shortstop.types import Caller, Target

ROUTED_MODELS = {
    "auto": "Shortstop decides: the small local model first, the frontier as its backup.",
    "local": "Never leaves this machine.",
}

Handler = Callable[[HttpRequest], Awaitable[Response]]


def api(gateway: Gateway, capacity: Capacity) -> Starlette:
    """The application of these routes, for paths without `/v1`."""
    public, admin = Api(gateway, capacity), AdminApi(gateway, capacity)
    return Starlette(
        routes=[
            Route("/", public.index),
            Route("/openapi.json", public.openapi),
            Route("/models", public.models),
            Route("/models/{id:path}", public.model),
            Route("/health", public.health),
            Route("/ready", public.ready),
            Route("/metrics", public.metrics),
            _route("/responses/{id}", GET=public.response, DELETE=public.delete_response),
            Route("/feedback", public.feedback, methods=["POST"]),
            Route("/admin/reload", admin.reload, methods=["POST"]),
            Route("/admin/conversations/{tenant}/{id:path}", admin.erase, methods=["DELETE"]),
            _route("/admin/keys", GET=admin.keys, POST=admin.create_key),
            _route("/admin/keys/{id}", GET=admin.key, DELETE=admin.revoke_key),
        ],
        exception_handlers={
            ShortstopError: public.answer_error,
            HTTPException: public.answer_http_exception,
        },
    )


def _route(path: str, **handlers: Handler) -> Route:
    """One route for all methods of a path, so that `Allow` names every one of them."""

    async def handle(request: HttpRequest) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, handle, methods=list(handlers))


class Api:
    """The public handlers."""

    def __init__(self, gateway: Gateway, capacity: Capacity) -> None:
        self._gateway = gateway
        self._capacity = capacity

    async def index(self, request: HttpRequest) -> Response:
        """GET /: what answers here; some clients look before they ask."""
        return as_json(Index("shortstop", __version__, "/openapi.json"))

    async def openapi(self, request: HttpRequest) -> Response:
        """GET /openapi.json: every route as an OpenAPI 3.1 document."""
        return as_json(document())

    async def models(self, request: HttpRequest) -> Response:
        """GET /v1/models: `auto`, `local` and every target that the key may use."""
        return as_json(ModelList([self._model(name) for name in self._names(request)]))

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
        return as_json(self._model(name))

    async def health(self, request: HttpRequest) -> Response:
        """GET /health: the process is alive."""
        return as_json(Health("ok", __version__))

    async def ready(self, request: HttpRequest) -> Response:
        """GET /ready: whether requests can be answered; 503 while they cannot."""
        readiness = self._gateway.readiness()
        return as_json(readiness, 200 if readiness.ready else 503)

    async def metrics(self, request: HttpRequest) -> Response:
        """GET /metrics: Prometheus text."""
        return Response(self._gateway.metrics(), media_type="text/plain; version=0.0.4")

    async def response(self, request: HttpRequest) -> Response:
        """GET /v1/responses/{id}: a stored response, for its owner."""
        id = request.path_params["id"]
        stored = self._gateway.responses.find(owner_of(self._caller(request)), id)
        if stored is None:
            raise _no_response(id)
        return as_json(stored.response)

    async def delete_response(self, request: HttpRequest) -> Response:
        """DELETE /v1/responses/{id}."""
        id = request.path_params["id"]
        if not self._gateway.responses.drop(owner_of(self._caller(request)), id):
            raise _no_response(id)
        return as_json(DeletedResponse(id))

    async def feedback(self, request: HttpRequest) -> Response:
        """POST /v1/feedback: how good an answer was. The admin token reviews all tenants'."""
        admin = is_admin(self._gateway, secret_of(dict(request.headers.raw)))
        caller = Caller(role="reviewer") if admin else self._caller(request)
        with self._capacity.share(holder_of(caller, request.scope)) as share:
            sent = await read_request(request, self._gateway.server, share)
            body = feedback.decode(await self._capacity.parse(sent))
        feedback.require_role(body, caller.role)
        if not self._gateway.feedback(body, caller.role, None if admin else caller.tenant):
            raise NotFound(
                "The request is unknown or too old, or this role has judged it already.",
                param="request_id",
            )
        return as_json(Accepted())

    async def answer_error(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, ShortstopError)
        self._gateway.refused(error.status)
        body = dialects.get("openai.chat").encode_error(error, "")
        headers = dict(error.headers)
        return Response(body, error.status, headers, media_type="application/json")

    async def answer_http_exception(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            refusal: ShortstopError = MethodNotAllowed(
                f"{request.method} is not allowed here.", headers=headers
            )
        else:
            refusal = NotFound(f"Not found: {request.url.path}.", hint="See /openapi.json.")
        return await self.answer_error(request, refusal)

    def _caller(self, request: HttpRequest) -> Caller:
        """Raises Unauthenticated where keys are required."""
        return self._gateway.identify(secret_of(dict(request.headers.raw)))

    def _names(self, request: HttpRequest) -> list[str]:
        """Names of models that the caller may use. Raises Unauthenticated."""
        allowed = self._caller(request).targets
        serving = [name for name, target in self._gateway.targets.items() if target.serves]
        return [*ROUTED_MODELS, *(name for name in serving if not allowed or name in allowed)]

    def _model(self, name: str) -> Model:
        target = self._gateway.targets.get(name)
        details = _details(target) if target else ModelDetails(description=ROUTED_MODELS[name])
        owner = target.provider if target else "shortstop"
        return Model(name, self._gateway.started, owner, details)


def _details(target: Target) -> ModelDetails:
    return ModelDetails(
        local=target.local,
        model=target.model,
        context=target.context,
        abilities=sorted(target.abilities),
    )


def _no_response(id: str) -> NotFound:
    return NotFound(f"Response with id {id!r} not found.", param="id")
