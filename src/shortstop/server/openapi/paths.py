"""The document's operations: one entry for each method of each route."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shortstop import dialects
from shortstop.accounts.idempotency import LONGEST_TOKEN
from shortstop.dialects import Description
from shortstop.server.headers import DECISION, IDS, LIMITS, REPLAY, RETRY
from shortstop.server.openapi.vendors import (
    ANTHROPIC_ERROR,
    ANYTHING,
    OBJECT,
    OPENAI_ERROR,
    TEXT,
    ref,
)
from shortstop.types import Json

TAGS = {
    "Chat": "Generate answers, whole or as an event stream.",
    "Embeddings": "Turn texts into vectors.",
    "Models": "The names that a request's `model` may be.",
    "Feedback": "Say how good answers were.",
    "Operations": "Health, metrics and this document. `/ready` and `/metrics` need a key from other"
    " machines.",
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
            operation["requestBody"] = {"required": True, "content": _json(self.body)}
        if self.public:
            operation["security"] = []
        return operation

    def _responses(self) -> Json:
        description = "Created" if self.status == 201 else "OK"
        responses = {str(self.status): _response(description, self.answer, self.headers)}
        for status in sorted(self.errors):
            retry = RETRY if status in (429, 503, 529) else ()
            headers = ("x-request-id", *retry)
            responses[str(status)] = _response(ERRORS[status], _json(self.error), headers)
        return responses


def _json(schema: str) -> Json:
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


def _response(description: str, content: Json, headers: Iterable[str]) -> Json:
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {"description": description, "headers": references, "content": content}


def _in_path(*names: str) -> tuple[Json, ...]:
    schema = {**TEXT, "minLength": 1}
    return tuple({"name": name, "in": "path", "required": True, "schema": schema} for name in names)


# ---------------------------------------------------------------- routes to models

IDEMPOTENCY_KEY: Json = {
    "name": "idempotency-key",
    "in": "header",
    "required": False,
    "schema": {**TEXT, "maxLength": LONGEST_TOKEN},
    "description": "A retry of the same request with the same key gets the first answer again.",
}
EXPLAIN: tuple[Json, ...] = (
    {
        "name": "explain",
        "in": "query",
        "required": False,
        "schema": TEXT,
        "description": "`1`, for the admin token and operators' keys: what would be decided, as"
        " an `Explanation` in place of an answer. No model is asked, and nothing is kept.",
    },
    {
        "name": "tenant",
        "in": "query",
        "required": False,
        "schema": TEXT,
        "description": "With `explain`: whose request it is, for whoever sees all tenants.",
    },
)


def _generate(id: str, summary: str, body: str, answer: str, tag: str = "Chat") -> Operation:
    """A POST in OpenAI's format; chat can be streamed."""
    return Operation(
        id=id,
        tag=tag,
        summary=summary,
        body=body,
        answer=_json(answer) | (STREAM if tag == "Chat" else {}),
        errors=GENERATE,
        parameters=(IDEMPOTENCY_KEY, *(EXPLAIN if tag == "Chat" else ())),
        headers=[*IDS, *LIMITS, *REPLAY, *DECISION],
    )


def _anthropic(
    id: str, summary: str, body: str, answer: Json, more: tuple[Json, ...] = ()
) -> Operation:
    """A POST in Anthropic's format, which has a status of its own for an overloaded server."""
    return Operation(
        id=id,
        tag="Chat",
        summary=summary,
        body=body,
        answer=answer,
        errors=[529 if status == 503 else status for status in GENERATE],
        error=ANTHROPIC_ERROR,
        parameters=(IDEMPOTENCY_KEY, *more),
        headers=[*IDS, *LIMITS, *REPLAY, *DECISION],
    )


GENERATION = {
    "/v1/chat/completions": _generate(
        "createChatCompletion", "Create a chat completion", "ChatRequest", "ChatCompletion"
    ),
    "/v1/completions": _generate(
        "createCompletion", "Create a text completion", "CompletionRequest", "Completion"
    ),
    "/v1/responses": _generate(
        "createResponse", "Create a response", "ResponseRequest", "Response"
    ),
    "/v1/embeddings": _generate(
        "createEmbeddings", "Create embeddings", "EmbeddingRequest", "Embeddings", "Embeddings"
    ),
    "/v1/messages": _anthropic(
        "createMessage",
        "Create a message",
        "MessageRequest",
        _json("Message") | STREAM,
        EXPLAIN,
    ),
    "/v1/messages/count_tokens": _anthropic(
        "countTokens", "Count the tokens of a message's prompt", "CountRequest", _json("Count")
    ),
}

# ---------------------------------------------------------------- all other routes


def _read(
    id: str, tag: str, summary: str, answer: str, errors: tuple[int, ...], *path: str
) -> Operation:
    """A GET or DELETE; `path` names the variables of its path."""
    return Operation(
        id=id,
        tag=tag,
        summary=summary,
        answer=_json(answer),
        errors=errors,
        parameters=_in_path(*path),
        headers=KEYED if 429 in errors else OPEN,
    )


def _operation(
    id: str, summary: str, answer: Json, more: Json | None = None, *, public: bool = True
) -> Operation:
    return Operation(
        id=id,
        tag="Operations",
        summary=summary,
        answer=answer,
        errors=PUBLIC if public else READ,
        public=public,
        headers=OPEN if public else KEYED,
        more=more or {},
    )


def _query(name: str, about: str) -> Json:
    """A parameter that may be left out."""
    return {"name": name, "in": "query", "required": False, "schema": TEXT, "description": about}


_CONTENT = _query(
    "content", "What was said: `none`, `masked` or, for administrators, `full`. It is written down."
)
_FILTERS = (
    _query("since", "From then on: a date, a time (UTC), an age such as 7d, or Unix time."),
    _query("until", "Before then."),
    _query("task", "Only this task."),
    _query("target", "Only what this model answered."),
    _query("outcome", "Only what ended so: `ok`, `error`, `refused`, `cancelled`, `shadow`, ..."),
    _query("tenant", "Only this tenant; an operator's key sees its own alone."),
    _query("key_id", "Only this key."),
    _query("tag", "Only this tag."),
    _query("run", "Only the steps of this run."),
)


def _searching(id: str, summary: str, answer: Json, *more: Json) -> Operation:
    """A GET of recorded requests, by filters."""
    return Operation(
        id=id,
        tag="Administration",
        summary=summary,
        answer=answer,
        errors=READ,
        parameters=(*_FILTERS, *more),
        headers=KEYED,
    )


_UNREADY = {"503": _response("Requests cannot be answered", _json("Readiness"), ["x-request-id"])}
_LOST = (404, *READ)

OTHERS = {
    ("get", "/v1/responses/{id}"): _read(
        "getResponse", "Chat", "Get a stored response", "Response", _LOST, "id"
    ),
    ("delete", "/v1/responses/{id}"): _read(
        "deleteResponse", "Chat", "Delete a stored response", "DeletedResponse", _LOST, "id"
    ),
    ("get", "/v1/models"): _read(
        "listModels", "Models", "List the models that the key may use", "ModelList", READ
    ),
    ("get", "/v1/models/{id}"): _read("getModel", "Models", "Get a model", "Model", _LOST, "id"),
    ("post", "/v1/feedback"): Operation(
        id="createFeedback",
        tag="Feedback",
        summary="Give feedback on an answer",
        body="FeedbackRequest",
        answer=_json("Accepted"),
        errors=(404, *WRITE),
        headers=KEYED,
    ),
    ("get", "/"): _operation("getIndex", "Get the server's name and version", _json("Index")),
    ("get", "/openapi.json"): _operation(
        "getOpenApi", "Get this document", {"application/json": {"schema": ANYTHING}}
    ),
    ("get", "/docs"): _operation(
        "getDocs", "Read this document as a page", {"text/html": {"schema": TEXT}}
    ),
    ("get", "/health"): _operation("getHealth", "Check that the process is alive", _json("Health")),
    ("get", "/ready"): _operation(
        "getReadiness",
        "Check that requests can be answered",
        _json("Readiness"),
        _UNREADY,
        public=False,
    ),
    ("get", "/metrics"): _operation(
        "getMetrics", "Get Prometheus metrics", {"text/plain": {"schema": TEXT}}, public=False
    ),
    ("post", "/admin/reload"): _read(
        "reloadConfiguration",
        "Administration",
        "Reload the configuration; an invalid file changes nothing",
        "Reloaded",
        ADMIN,
    ),
    ("delete", "/admin/conversations/{tenant}/{id}"): _read(
        "eraseConversation",
        "Administration",
        "Erase a conversation's surrogates, stored responses and content in traces",
        "ErasedConversation",
        (404, *ADMIN),
        "tenant",
        "id",
    ),
    ("get", "/admin/traces"): _searching(
        "listTraces",
        "Find recorded requests, newest first, without what was said",
        _json("TraceList"),
        _query("limit", "1 to 1000 rows; 100 where it says nothing."),
        _query("cursor", "`next` of the page before; rows that come meanwhile change nothing."),
    ),
    ("get", "/admin/traces/export"): _searching(
        "exportTraces",
        "Get recorded requests as a file, oldest first",
        {
            "application/jsonl": {"schema": TEXT},
            "application/vnd.apache.parquet": {"schema": {**TEXT, "format": "binary"}},
        },
        _query("format", "`jsonl`, `parquet`, or `openai`: chats for fine-tuning, corrected."),
        _CONTENT,
    ),
    ("get", "/admin/traces/{id}"): Operation(
        id="getTrace",
        tag="Administration",
        summary="Get a recorded request and its grades",
        answer=_json("TraceDetails"),
        errors=(404, *READ),
        parameters=(*_in_path("id"), _CONTENT),
        headers=KEYED,
    ),
    ("get", "/admin/keys"): _read("listKeys", "Administration", "List keys", "KeyList", ADMIN),
    ("post", "/admin/keys"): Operation(
        id="createKey",
        tag="Administration",
        summary="Create a key; its secret is shown only once",
        body="GrantRequest",
        answer=_json("CreatedKey"),
        errors=(413, *ADMIN),
        status=201,
    ),
    ("get", "/admin/keys/{id}"): _read(
        "getKey",
        "Administration",
        "Get a key and what it has spent in this period",
        "KeyBalance",
        (404, *ADMIN),
        "id",
    ),
    ("delete", "/admin/keys/{id}"): _read(
        "revokeKey", "Administration", "Revoke a key", "KeyDetails", (404, *ADMIN), "id"
    ),
}


def _undescribed(description: Description) -> Operation:
    """A POST in a dialect of which this document knows no schemas."""
    media_type = description.route.media_type.partition(";")[0]
    anything = {"application/json": {"schema": ANYTHING}}
    return Operation(
        id="ask" + "".join(c for c in description.name.title() if c.isalpha()),
        tag="Chat",
        summary=f"Ask in the dialect {description.name}",
        answer=anything | {media_type: {}},
        errors=[description.statuses.get(status, status) for status in GENERATE],
        error=OBJECT,
        body=OBJECT,
        parameters=(IDEMPOTENCY_KEY, *EXPLAIN),
        headers=[*IDS, *LIMITS, *REPLAY, *DECISION],
    )


def paths() -> Json:
    """The document's `paths`."""
    routes = {f"/v1{d.description.route.path}": d.description for d in dialects.every()}
    generation = {path: _undescribed(one) for path, one in routes.items()} | GENERATION
    paths: Json = {path: {"post": one.document()} for path, one in generation.items()}
    for (method, path), operation in OTHERS.items():
        paths.setdefault(path, {})[method] = operation.document()
    return paths
