"""The routes that ask no model: models, stored responses, feedback, health, metrics, admin."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache, partial

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response

from shortstop import __version__
from shortstop.console import api_page
from shortstop.errors import Forbidden, MethodNotAllowed, NotFound, ShortstopError
from shortstop.server import feedback
from shortstop.server.access import ADMINISTRATOR, Access, route
from shortstop.server.admin_routes import admin_routes
from shortstop.server.answers import (
    Accepted,
    DeletedResponse,
    Health,
    Index,
    Model,
    ModelDetails,
    ModelList,
    as_json,
    failure,
)
from shortstop.server.batches import BatchesApi
from shortstop.server.body import read_request
from shortstop.server.capacity import Capacity, holder_of
from shortstop.server.console.visit import HEADERS
from shortstop.server.files import FilesApi
from shortstop.server.gateway import Gateway, Readiness
from shortstop.server.openapi import document
from shortstop.server.stored_responses import owner_of
from shortstop.types import Caller, Target

MOST_NAMED = 50
"""Models that an error names."""
ROUTED_MODELS = {
    "auto": "Shortstop decides: the small local model first, the frontier as its backup.",
    "local": "Never leaves this machine.",
}


@cache
def _document() -> bytes:
    return msgspec.json.encode(document())


@cache
def _docs() -> str:
    return api_page.page(document())


def api(gateway: Gateway, capacity: Capacity) -> Starlette:
    """The application of these routes, for paths without `/v1`."""
    public, may, files = Api(gateway, capacity), Access(gateway), FilesApi(gateway, capacity)
    batches = BatchesApi(gateway, capacity, files.aside)
    return Starlette(
        routes=[
            route("/", GET=may.anybody(public.index)),
            route("/openapi.json", GET=may.anybody(public.openapi)),
            route("/docs", GET=may.anybody(public.docs)),
            route("/models", GET=may.key(public.models)),
            route("/models/{id:path}", GET=may.key(public.model)),
            route("/health", GET=may.anybody(public.health)),
            route("/ready", GET=may.key_elsewhere("ready", public.ready)),
            route("/metrics", GET=may.key_elsewhere("metrics", public.metrics)),
            route(
                "/responses/{id}",
                GET=may.key(public.response),
                DELETE=may.key(public.delete_response),
            ),
            route("/files", GET=may.key(files.page), POST=may.key(files.upload)),
            route("/files/{id}", GET=may.key(files.one), DELETE=may.key(files.delete)),
            route("/files/{id}/content", GET=may.key(files.content)),
            route("/batches", GET=may.key(batches.page), POST=may.key(batches.create)),
            route("/batches/{id}", GET=may.key(batches.one)),
            route("/batches/{id}/cancel", POST=may.key(batches.cancel)),
            route("/feedback", POST=may.key(public.feedback)),
            *admin_routes(gateway, capacity, may),
        ],
        exception_handlers={
            ShortstopError: public.answer_error,
            HTTPException: public.answer_http_exception,
        },
    )


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
        return Response(await asyncio.to_thread(_document), media_type="application/json")

    async def docs(self, request: HttpRequest) -> Response:
        """GET /docs: the same as a page, without a network."""
        return HTMLResponse(_docs(), headers=HEADERS)

    async def models(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/models: `auto`, `local` and every target that the key may use."""
        targets, notices = self._gateway.targets, self._gateway.notices
        names = _names(caller, targets)
        return as_json(ModelList([self._model(name, targets, notices) for name in names]))

    async def model(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/models/{id}."""
        name = request.path_params["id"]
        targets = self._gateway.targets
        names = _names(caller, targets)
        if name not in names:
            raise NotFound(
                f"The model {name!r} does not exist.",
                hint=f"Available: {', '.join(names[:MOST_NAMED])}.",
                param="model",
                code="model_not_found",
            )
        return as_json(self._model(name, targets, self._gateway.notices))

    async def health(self, request: HttpRequest) -> Response:
        """GET /health: the process is alive."""
        return as_json(Health("ok", __version__))

    async def ready(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /ready: whether requests can be answered; 503 while they cannot."""
        readiness = _seen_by(caller, self._gateway.readiness())
        return as_json(readiness, 200 if readiness.ready else 503)

    async def metrics(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /metrics: Prometheus text, about all models."""
        if caller.targets:
            raise Forbidden(
                "This key may not see all models, and the metrics are about all of them.",
                hint="Read them with a key that may use every model, or from this machine.",
            )
        return Response(self._gateway.metrics(), media_type="text/plain; version=0.0.4")

    async def response(self, request: HttpRequest, caller: Caller) -> Response:
        """GET /v1/responses/{id}: a stored response, for its owner."""
        id = request.path_params["id"]
        responses = self._gateway.responses
        stored = await responses.calls.need(partial(responses.find, owner_of(caller), id))
        if stored is None:
            raise _no_response(id)
        return as_json(stored.response)

    async def delete_response(self, request: HttpRequest, caller: Caller) -> Response:
        """DELETE /v1/responses/{id}."""
        id = request.path_params["id"]
        responses = self._gateway.responses
        if not await responses.calls.need(partial(responses.drop, owner_of(caller), id)):
            raise _no_response(id)
        return as_json(DeletedResponse(id))

    async def feedback(self, request: HttpRequest, caller: Caller) -> Response:
        """POST /v1/feedback: how good an answer was. The admin token reviews all tenants'."""
        with self._capacity.share(holder_of(caller, request.scope)) as share:
            sent = await read_request(request, self._gateway.server, share)
            body = feedback.decode(await self._capacity.parse(sent))
        feedback.require_role(body, caller.role)
        tenant = None if caller is ADMINISTRATOR else caller.tenant
        if not await self._gateway.feedback(body, caller.role, tenant):
            raise NotFound(
                "The request is unknown or too old, or this role has judged it already.",
                param="request_id",
            )
        return as_json(Accepted())

    async def answer_error(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, ShortstopError)
        self._gateway.refused(error.status)
        return failure(error)

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

    def _model(self, name: str, targets: Mapping[str, Target], notices: Mapping[str, str]) -> Model:
        target, started = targets.get(name), self._gateway.started
        if target is None:
            return Model(name, started, "shortstop", ModelDetails(description=ROUTED_MODELS[name]))
        return Model(name, started, target.provider, _details(target, notices.get(name, UNSET)))


def _names(caller: Caller, targets: Mapping[str, Target]) -> list[str]:
    """Names of models that the caller may use. Specialists are not for choosing."""
    serving = [name for name, t in targets.items() if t.serves and t.specialist is None]
    return [*ROUTED_MODELS, *filter(caller.may_use, serving)]


def _details(target: Target, notice: str | UnsetType) -> ModelDetails:
    return ModelDetails(
        local=target.local,
        model=target.model,
        context=target.context,
        abilities=sorted(target.abilities),
        notice=notice,
    )


def _seen_by(caller: Caller, readiness: Readiness) -> Readiness:
    """Without the parts that are models which the caller may not use."""
    allowed = caller.targets
    if not allowed:
        return readiness
    return replace(
        readiness,
        engines={name: state for name, state in readiness.engines.items() if name in allowed},
        upstreams={name: state for name, state in readiness.upstreams.items() if name in allowed},
    )


def _no_response(id: str) -> NotFound:
    return NotFound(f"Response with id {id!r} not found.", param="id")
