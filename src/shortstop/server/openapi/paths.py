"""The document's operations: one entry for each method of each route."""

from __future__ import annotations

from shortstop import dialects
from shortstop.accounts.idempotency import LONGEST_TOKEN
from shortstop.dialects import Description
from shortstop.server.headers import DECISION, IDS, LIMITS, REPLAY
from shortstop.server.openapi.batches import BATCHES
from shortstop.server.openapi.operation import (
    ADMIN,
    GENERATE,
    KEYED,
    OPEN,
    PUBLIC,
    READ,
    STREAM,
    WRITE,
    Operation,
    content,
    in_path,
    query,
    read,
    response,
)
from shortstop.server.openapi.teams import TEAMS
from shortstop.server.openapi.vendors import ANTHROPIC_ERROR, ANYTHING, OBJECT, TEXT
from shortstop.types import Json

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
        answer=content(answer) | (STREAM if tag == "Chat" else {}),
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
        content("Message") | STREAM,
        EXPLAIN,
    ),
    "/v1/messages/count_tokens": _anthropic(
        "countTokens", "Count the tokens of a message's prompt", "CountRequest", content("Count")
    ),
}

# ---------------------------------------------------------------- all other routes


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


_CONTENT = query(
    "content", "What was said: `none`, `masked` or, for administrators, `full`. It is written down."
)
_FILTERS = (
    query("since", "From then on: a date, a time (UTC), an age such as 7d, or Unix time."),
    query("until", "Before then."),
    query("task", "Only this task."),
    query("target", "Only what this model answered."),
    query("outcome", "Only what ended so: `ok`, `error`, `refused`, `cancelled`, `shadow`, ..."),
    query("tenant", "Only this tenant; an operator's key sees its own alone."),
    query("key_id", "Only this key."),
    query("tag", "Only this tag."),
    query("run", "Only the steps of this run."),
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


_UNREADY = {"503": response("Requests cannot be answered", content("Readiness"), ["x-request-id"])}
_LOST = (404, *READ)

OTHERS = {
    ("get", "/v1/responses/{id}"): read(
        "getResponse", "Chat", "Get a stored response", "Response", _LOST, "id"
    ),
    ("delete", "/v1/responses/{id}"): read(
        "deleteResponse", "Chat", "Delete a stored response", "DeletedResponse", _LOST, "id"
    ),
    ("get", "/v1/models"): read(
        "listModels", "Models", "List the models that the key may use", "ModelList", READ
    ),
    ("get", "/v1/models/{id}"): read("getModel", "Models", "Get a model", "Model", _LOST, "id"),
    ("post", "/v1/feedback"): Operation(
        id="createFeedback",
        tag="Feedback",
        summary="Give feedback on an answer",
        body="FeedbackRequest",
        answer=content("Accepted"),
        errors=(404, *WRITE),
        headers=KEYED,
    ),
    ("get", "/"): _operation("getIndex", "Get the server's name and version", content("Index")),
    ("get", "/openapi.json"): _operation(
        "getOpenApi", "Get this document", {"application/json": {"schema": ANYTHING}}
    ),
    ("get", "/docs"): _operation(
        "getDocs", "Read this document as a page", {"text/html": {"schema": TEXT}}
    ),
    ("get", "/health"): _operation(
        "getHealth", "Check that the process is alive", content("Health")
    ),
    ("get", "/ready"): _operation(
        "getReadiness",
        "Check that requests can be answered",
        content("Readiness"),
        _UNREADY,
        public=False,
    ),
    ("get", "/metrics"): _operation(
        "getMetrics", "Get Prometheus metrics", {"text/plain": {"schema": TEXT}}, public=False
    ),
    ("post", "/admin/reload"): read(
        "reloadConfiguration",
        "Administration",
        "Reload the configuration; an invalid file changes nothing",
        "Reloaded",
        ADMIN,
    ),
    ("delete", "/admin/conversations/{tenant}/{id}"): read(
        "eraseConversation",
        "Administration",
        "Erase a conversation's surrogates, stored responses, files, and content in traces",
        "ErasedConversation",
        (404, *ADMIN),
        "tenant",
        "id",
    ),
    ("get", "/admin/traces"): _searching(
        "listTraces",
        "Find recorded requests, newest first, without what was said",
        content("TraceList"),
        query("limit", "1 to 1000 rows; 100 where it says nothing."),
        query("cursor", "`next` of the page before; rows that come meanwhile change nothing."),
    ),
    ("get", "/admin/traces/export"): _searching(
        "exportTraces",
        "Get recorded requests as a file, oldest first",
        {
            "application/jsonl": {"schema": TEXT},
            "application/vnd.apache.parquet": {"schema": {**TEXT, "format": "binary"}},
        },
        query("format", "`jsonl`, `parquet`, or `openai`: chats for fine-tuning, corrected."),
        _CONTENT,
    ),
    ("get", "/admin/traces/{id}"): Operation(
        id="getTrace",
        tag="Administration",
        summary="Get a recorded request and its grades",
        answer=content("TraceDetails"),
        errors=(404, *READ),
        parameters=(*in_path("id"), _CONTENT),
        headers=KEYED,
    ),
    ("get", "/admin/keys"): read("listKeys", "Administration", "List keys", "KeyList", ADMIN),
    ("post", "/admin/keys"): Operation(
        id="createKey",
        tag="Administration",
        summary="Create a key; its secret is shown only once",
        body="GrantRequest",
        answer=content("CreatedKey"),
        errors=(404, 413, *ADMIN),
        status=201,
    ),
    ("get", "/admin/keys/{id}"): read(
        "getKey",
        "Administration",
        "Get a key and what it has spent in this period",
        "KeyBalance",
        (404, *ADMIN),
        "id",
    ),
    ("delete", "/admin/keys/{id}"): read(
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
    for (method, path), operation in (OTHERS | BATCHES | TEAMS).items():
        paths.setdefault(path, {})[method] = operation.document()
    return paths
