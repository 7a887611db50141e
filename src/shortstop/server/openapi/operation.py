"""One operation of the document, and the words that all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shortstop.server.headers import LIMITS, RETRY
from shortstop.server.openapi.vendors import OPENAI_ERROR, TEXT, ref
from shortstop.types import Json

TAGS = {
    "Chat": "Generate answers, whole or as an event stream.",
    "Batches": "Files of requests that are answered within a day, while no client waits.",
    "Embeddings": "Turn texts into vectors.",
    "Models": "The names that a request's `model` may be.",
    "Feedback": "Say how good answers were.",
    "Operations": "Health, metrics and this document. `/ready` and `/metrics` need a key from other"
    " machines.",
    "Teams": "For keys that lead a team: its budget and its keys. Never for web pages.",
    "Administration": "For holders of the admin token, and never for web pages. Recorded requests"
    " are for operators' keys too.",
}
ERRORS = {
    400: "Invalid request; `param` names the field",
    401: "Missing, invalid, expired or revoked API key",
    403: "Not permitted for this key, host or web page, or withheld by the privacy policy",
    404: "Not found",
    405: "Method not allowed",
    409: "A request with this idempotency key is in progress",
    413: "Request body too large",
    415: "The body is not JSON, or its content encoding is not supported",
    422: "Idempotency key reused for another request, or request rejected by the vendor",
    429: "Rate limit exceeded, or budget exhausted",
    500: "Internal error",
    502: "The model failed",
    503: "The gateway or the model is overloaded or starting",
    504: "The model did not answer in time",
    529: "The gateway or the model is overloaded or starting",
}
PUBLIC = (400, 403, 405, 415, 500)
"""The head alone may be refused anywhere."""
ADMIN = (401, *PUBLIC, 503)
READ = (*ADMIN, 429)
WRITE = (413, *READ)
OPEN = ("x-request-id",)
KEYED = (*OPEN, *LIMITS)
"""The headers of an answer that no key, or a key, was needed for."""
GENERATE = (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one route.

    Attributes:
        answer: content of the good answer, by media type.
        errors: the statuses of `ERRORS` that it may answer with, in the format `error`.
        body: the schema of the request's body.
        form: the same where the body is a form.
        parameters: variables of the path and headers of the request.
        headers: names of the good answer's headers.
        public: whether no key is needed.
    """

    id: str
    tag: str
    summary: str
    answer: Json
    errors: Iterable[int]
    body: str | None = None
    form: Json | None = None
    parameters: tuple[Json, ...] = ()
    headers: Iterable[str] = OPEN
    status: int = 200
    error: str = OPENAI_ERROR
    public: bool = False
    more: Json = field(default_factory=dict)
    """Further responses, by status."""

    def document(self) -> Json:
        operation: Json = {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "responses": self._responses() | self.more,
        }
        if self.parameters:
            operation["parameters"] = list(self.parameters)
        if self.body is not None:
            operation["requestBody"] = {"required": True, "content": content(self.body)}
        if self.form is not None:
            sent = {"multipart/form-data": {"schema": self.form}}
            operation["requestBody"] = {"required": True, "content": sent}
        if self.public:
            operation["security"] = []
        return operation

    def _responses(self) -> Json:
        description = "Created" if self.status == 201 else "OK"
        responses = {str(self.status): response(description, self.answer, self.headers)}
        for status in sorted(self.errors):
            retry = RETRY if status in (429, 503, 529) else ()
            headers = ("x-request-id", *retry)
            responses[str(status)] = response(ERRORS[status], content(self.error), headers)
        return responses


def content(schema: str) -> Json:
    """A JSON body."""
    return {"application/json": {"schema": ref(schema)}}


STREAM: Json = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "description": "With `stream`: one of the events, as the vendor's own stream has them.",
            "properties": {"event": TEXT, "data": TEXT},
        }
    }
}


def response(description: str, body: Json, headers: Iterable[str]) -> Json:
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {"description": description, "headers": references, "content": body}


def in_path(*names: str) -> tuple[Json, ...]:
    schema = {**TEXT, "minLength": 1}
    return tuple({"name": name, "in": "path", "required": True, "schema": schema} for name in names)


def read(
    id: str, tag: str, summary: str, answer: str, errors: tuple[int, ...], *path: str
) -> Operation:
    """A GET or DELETE; `path` names the variables of its path."""
    return Operation(
        id=id,
        tag=tag,
        summary=summary,
        answer=content(answer),
        errors=errors,
        parameters=in_path(*path),
        headers=KEYED if 429 in errors else OPEN,
    )


def query(name: str, about: str) -> Json:
    """A parameter that may be left out."""
    return {"name": name, "in": "query", "required": False, "schema": TEXT, "description": about}
