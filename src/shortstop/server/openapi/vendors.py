"""The routes as an OpenAPI 3.1 document, kept by hand beside the router; a test compares the two.

It promises what the door checks and leaves open what dialects only pass on. The vendors' own
documents say more about theirs.
"""

from __future__ import annotations

from functools import cache

from shortstop import __version__
from shortstop.types import Json

OPENAI, ANTHROPIC = "OpenAIError", "AnthropicError"
ERRORS = {
    400: "The request is not what it should be; `param` names the field",
    401: "The key is missing, wrong, expired or revoked",
    403: "This key, or this text, may not do that",
    404: "There is no such thing",
    405: "Another method is meant",
    409: "The same idempotency key is being answered",
    413: "The body is too large",
    415: "The body's content encoding is not known",
    422: "The idempotency key was used for another request, or the vendor refuses this one",
    429: "A limit of the key or the vendor is reached, or the budget spent",
    500: "An internal error",
    502: "The model failed",
    503: "The gateway or the model is full or starting",
    504: "The model did not answer in time",
    529: "The gateway or the model is full or starting",
}
READING = (401, 405, 429, 500)
ASKING = (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503, 504)


# ---------------------------------------------------------------- schemas


def _object(required: str, **properties: Json) -> Json:
    """`required` names fields, separated by blanks; others than these are let through."""
    made: Json = {"type": "object", "properties": properties}
    return {**made, "required": required.split()} if required else made


def _list(items: Json, **more: int) -> Json:
    return {"type": "array", "items": items, **more}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _number(low: float, high: float) -> Json:
    return {"type": ["number", "null"], "minimum": low, "maximum": high}


def _count(low: int, high: int | None = None) -> Json:
    made: Json = {"type": ["integer", "null"], "minimum": low}
    return made if high is None else {**made, "maximum": high}


def _fixed(value: str) -> Json:
    return {"const": value}


TEXT: Json = {"type": "string"}
SOME_TEXT: Json = {"type": "string", "minLength": 1}
FLAG: Json = {"type": ["boolean", "null"]}
ANY: Json = {"type": "object"}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
MAYBE_ANY: Json = {"type": ["object", "null"]}
MODEL: Json = {
    "type": "string",
    "minLength": 1,
    "description": "`auto` (Shortstop decides), `local` (never leaves this machine), or a"
    " name that /v1/models lists",
    "examples": ["auto"],
}
STOP: Json = {"anyOf": [TEXT, _list(TEXT, maxItems=4), {"type": "null"}]}


def _chat() -> Json:
    text = _object("type text", type=_fixed("text"), text=TEXT)
    image = _object("type image_url", type=_fixed("image_url"), image_url=_object("url", url=TEXT))
    part = {"anyOf": [text, image]}
    content = {"anyOf": [TEXT, _list(part, minItems=1)]}
    maybe_content = {"anyOf": [TEXT, _list(part), {"type": "null"}]}
    function = _object("name", name=TEXT, arguments=TEXT)
    call = _object("id function", id=TEXT, type={"enum": ["function", None]}, function=function)
    message = {
        "anyOf": [
            _object(
                "role content",
                role={"enum": ["system", "developer", "user"]},
                content=content,
                name=MAYBE_TEXT,
            ),
            _object(
                "role",
                role=_fixed("assistant"),
                content=maybe_content,
                name=MAYBE_TEXT,
                refusal=MAYBE_TEXT,
                reasoning_content=MAYBE_TEXT,
                reasoning=MAYBE_TEXT,
                tool_calls=_or_null(_list(call)),
            ),
            _object(
                "role tool_call_id",
                role=_fixed("tool"),
                tool_call_id=TEXT,
                content=maybe_content,
            ),
        ]
    }
    described = _object("name", name=TEXT, description=MAYBE_TEXT, parameters=MAYBE_ANY)
    tool = _object("type function", type=_fixed("function"), function=described)
    named = _object("function", type=_fixed("function"), function=_object("name", name=TEXT))
    shaped = _object("", name=MAYBE_TEXT, schema=MAYBE_ANY, strict=FLAG)
    return _object(
        "model messages",
        model=MODEL,
        messages=_list(message, minItems=1),
        stream=FLAG,
        stream_options=_or_null(_object("", include_usage=FLAG)),
        max_tokens=_count(1),
        max_completion_tokens=_count(1),
        temperature=_number(0, 2),
        top_p=_number(0, 1),
        n=_count(1, 128),
        seed=_count(-(2**63)),
        stop=STOP,
        frequency_penalty=_number(-2, 2),
        presence_penalty=_number(-2, 2),
        logit_bias={"type": ["object", "null"], "additionalProperties": _number(-100, 100)},
        logprobs=FLAG,
        top_logprobs=_count(0, 20),
        tools=_or_null(_list(tool)),
        tool_choice={"anyOf": [{"enum": ["none", "auto", "required", None]}, named]},
        parallel_tool_calls=FLAG,
        response_format={
            "anyOf": [
                {"type": "null"},
                _object("type", type={"enum": ["text", "json_object"]}),
                _object("type json_schema", type=_fixed("json_schema"), json_schema=shaped),
            ]
        },
        reasoning_effort=MAYBE_TEXT,
        user=MAYBE_TEXT,
        metadata=MAYBE_ANY,
    )


def _completion() -> Json:
    tokens = _list({"type": "integer"}, minItems=1)
    prompt = {"anyOf": [TEXT, tokens, _list({"anyOf": [TEXT, tokens]}, minItems=1)]}
    return _object(
        "model prompt",
        model=MODEL,
        prompt=prompt,
        stream=FLAG,
        max_tokens=_count(0),
        temperature=_number(0, 2),
        top_p=_number(0, 1),
        n=_count(1, 128),
        logprobs=_count(0, 5),
        stop=STOP,
        frequency_penalty=_number(-2, 2),
        presence_penalty=_number(-2, 2),
        user=MAYBE_TEXT,
    )


def _response_request() -> Json:
    words = _object("type text", type={"enum": ["input_text", "output_text"]}, text=TEXT)
    item = _object(
        "role content",
        type=_fixed("message"),
        role={"enum": ["user", "assistant", "system", "developer"]},
        content={"anyOf": [TEXT, _list(words)]},
    )
    return _object(
        "model input",
        model=MODEL,
        input={"anyOf": [TEXT, _list(item, minItems=1)]},
        instructions=MAYBE_TEXT,
        previous_response_id=MAYBE_TEXT,
        store=FLAG,
        stream=FLAG,
        max_output_tokens=_count(1),
        temperature=_number(0, 2),
        top_p=_number(0, 1),
        top_logprobs=_count(0, 20),
        parallel_tool_calls=FLAG,
        reasoning=_or_null(_object("", effort=MAYBE_TEXT)),
        user=MAYBE_TEXT,
        metadata=MAYBE_ANY,
    )


def _counted() -> Json:
    """What count_tokens needs; a message request says how long the answer may be as well."""
    text = _object("type text", type=_fixed("text"), text=TEXT)
    message = _object(
        "role content",
        role={"enum": ["user", "assistant"]},
        content={"anyOf": [TEXT, _list(text)]},
    )
    tool = _object("name input_schema", name=SOME_TEXT, description=MAYBE_TEXT, input_schema=ANY)
    return _object(
        "model messages",
        model=MODEL,
        messages=_list(message, minItems=1),
        system={"anyOf": [TEXT, _list(text), {"type": "null"}]},
        tools=_or_null(_list(tool)),
    )


def _message() -> Json:
    said = _counted()
    more = {
        "max_tokens": _count(1),
        "stream": FLAG,
        "temperature": _number(0, 1),
        "top_p": _number(0, 1),
        "top_k": _count(0),
        "stop_sequences": _or_null(_list(TEXT)),
        "metadata": _or_null(_object("", user_id=MAYBE_TEXT)),
    }
    return {**said, "properties": {**said["properties"], **more}}


def _embedding() -> Json:
    tokens = _list({"type": "integer", "minimum": 0}, minItems=1)
    many = _list({"anyOf": [SOME_TEXT, tokens]}, minItems=1, maxItems=2048)
    return _object(
        "model input",
        model=MODEL,
        input={"anyOf": [SOME_TEXT, tokens, many]},
        encoding_format={"enum": ["float", "base64", None]},
        dimensions=_count(1),
        user=MAYBE_TEXT,
    )


def _feedback() -> Json:
    return _object(
        "request_id",
        request_id=TEXT,
        score={"type": ["number", "null"]},
        label=FLAG,
        correction=MAYBE_TEXT,
        answer=MAYBE_TEXT,
        source={"enum": ["user", "human", "judge", "implicit"]},
    )


def _grant() -> Json:
    told = _object(
        "name",
        name={"type": "string", "minLength": 1, "maxLength": 100},
        tenant={"type": "string", "minLength": 1, "maxLength": 100},
        targets=_list(TEXT),
        rpm=_count(1),
        tpm=_count(1),
        budget_usd={"type": ["string", "null"], "pattern": r"^[1-9]\d{0,5}$"},
        period={"enum": ["day", "month", "total"]},
        expires={"type": ["number", "null"]},
    )
    return {**told, "additionalProperties": False}


def _schemas() -> Json:
    told = _object("message type", message=TEXT, type=TEXT, param=MAYBE_TEXT, code=MAYBE_TEXT)
    claude = _object("type message", type=TEXT, message=TEXT)
    counts = {"type": "integer", "minimum": 0}
    usage = _object("input_tokens output_tokens", input_tokens=counts, output_tokens=counts)
    return {
        OPENAI: _object("error", error=told),
        ANTHROPIC: _object(
            "type error request_id", type=_fixed("error"), error=claude, request_id=TEXT
        ),
        "ChatRequest": _chat(),
        "ChatCompletion": _object(
            "id object created model choices",
            id=TEXT,
            object=_fixed("chat.completion"),
            created=counts,
            model=TEXT,
            choices=_list(_object("index message", index=counts, message=ANY), minItems=1),
            usage=MAYBE_ANY,
        ),
        "CompletionRequest": _completion(),
        "Completion": _object(
            "id object created model choices",
            id=TEXT,
            object=_fixed("text_completion"),
            choices=_list(_object("index text", index=counts, text=TEXT), minItems=1),
        ),
        "ResponseRequest": _response_request(),
        "Response": _object(
            "id object status model output",
            id=TEXT,
            object=_fixed("response"),
            status={"enum": ["completed", "incomplete"]},
            output=_list(_object("type", type=TEXT)),
        ),
        "MessageRequest": _message(),
        "Message": _object(
            "id type role model content stop_reason usage",
            type=_fixed("message"),
            role=_fixed("assistant"),
            content=_list(_object("type", type=TEXT)),
            usage=usage,
        ),
        "CountRequest": _counted(),
        "Count": _object("input_tokens", input_tokens=counts),
        "EmbeddingRequest": _embedding(),
        "Embeddings": _object(
            "object data model usage",
            object=_fixed("list"),
            data=_list(
                _object(
                    "object index embedding",
                    object=_fixed("embedding"),
                    index=counts,
                    embedding={"anyOf": [TEXT, _list({"type": "number"})]},
                )
            ),
        ),
        "Model": _object(
            "id object created owned_by", id=TEXT, object=_fixed("model"), owned_by=TEXT
        ),
        "Feedback": _feedback(),
        "Grant": _grant(),
        "Key": _object("id name created", id=TEXT, name=TEXT, created={"type": "number"}),
    }


# ---------------------------------------------------------------- routes


def _body(schema: Json, *, events: bool = False) -> Json:
    content: Json = {"application/json": {"schema": schema}}
    if events:
        content["text/event-stream"] = {}
    return content


def _answers(
    about: str, schema: Json, errors: tuple[int, ...], *, events: bool = False, error: str = OPENAI
) -> Json:
    told: Json = {"200": {"description": about, "content": _body(schema, events=events)}}
    for status in errors:
        told[str(status)] = {"description": ERRORS[status], "content": _body(_ref(error))}
    return told


def _asks(
    summary: str, request: str, answer: str, *, events: bool = False, claude: bool = False
) -> Json:
    """A POST with a JSON body."""
    errors = tuple(529 if e == 503 else e for e in ASKING) if claude else ASKING
    error = ANTHROPIC if claude else OPENAI
    headers = [_parameter("idempotency-key", "header", TEXT | {"maxLength": 255}, required=False)]
    return {
        "summary": summary,
        "parameters": headers,
        "requestBody": {"required": True, "content": _body(_ref(request))},
        "responses": _answers("The answer", _ref(answer), errors, events=events, error=error),
    }


def _reads(summary: str, schema: Json, *more: int, named: tuple[str, ...] = ()) -> Json:
    """A GET or DELETE; `named` are the variables of its path."""
    made: Json = {
        "summary": summary,
        "responses": _answers("What was asked for", schema, (*READING, *more)),
    }
    if named:
        made["parameters"] = [_parameter(name, "path", TEXT | {"minLength": 1}) for name in named]
    return made


def _parameter(name: str, place: str, schema: Json, *, required: bool = True) -> Json:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _public(summary: str, schema: Json) -> Json:
    """Nobody is asked for a key."""
    return {"summary": summary, "security": [], "responses": _answers("It", schema, (405, 500))}


def _listed(name: str) -> Json:
    return _object("data", data=_list(_ref(name)))


def _paths() -> Json:
    ready = _public("Requests can be answered now", _object("ready", ready={"type": "boolean"}))
    ready["responses"]["503"] = {
        "description": "They cannot",
        "content": _body(_object("ready", ready={"type": "boolean"})),
    }
    scraped = _public("Prometheus metrics", TEXT)
    scraped["responses"]["200"]["content"] = {"text/plain": {"schema": TEXT}}
    made = _asks("Make a key; its secret is told this once", "Grant", "Key")
    made["responses"]["201"] = made["responses"].pop("200")
    del made["parameters"]
    feedback = _asks("Say how good an answer was", "Feedback", "Accepted")
    feedback["responses"]["200"]["content"] = _body(_object("accepted", accepted=FLAG))
    del feedback["parameters"]
    reload = _reads("Read the configuration again", _object("reloaded", reloaded=TEXT), 400, 403)
    conversation = _reads(
        "Forget a conversation", _object("erased", erased=ANY), 403, 404, 503,
        named=("tenant", "id"),
    )  # fmt: skip
    return {
        "/": {"get": _public("Who answers here", _object("name", name=TEXT))},
        "/openapi.json": {"get": _public("This document", ANY)},
        "/v1/chat/completions": {
            "post": _asks("Chat, OpenAI's dialect", "ChatRequest", "ChatCompletion", events=True)
        },
        "/v1/completions": {
            "post": _asks("Legacy completions", "CompletionRequest", "Completion", events=True)
        },
        "/v1/responses": {
            "post": _asks("Responses", "ResponseRequest", "Response", events=True)
        },
        "/v1/responses/{id}": {
            "get": _reads("A stored response", _ref("Response"), 404, 503, named=("id",)),
            "delete": _reads("Forget it", _object("deleted"), 404, 503, named=("id",)),
        },
        "/v1/messages": {
            "post": _asks(
                "Messages, Anthropic's dialect", "MessageRequest", "Message",
                events=True, claude=True,
            )
        },
        "/v1/messages/count_tokens": {
            "post": _asks("Tokens of a prompt", "CountRequest", "Count", claude=True)
        },
        "/v1/embeddings": {"post": _asks("Embeddings", "EmbeddingRequest", "Embeddings")},
        "/v1/models": {"get": _reads("What this key may use", _listed("Model"))},
        "/v1/models/{id}": {"get": _reads("One of them", _ref("Model"), 404, named=("id",))},
        "/v1/feedback": {"post": feedback},
        "/health": {"get": _public("This process lives", _object("status", status=TEXT))},
        "/ready": {"get": ready},
        "/metrics": {"get": scraped},
        "/admin/reload": {"post": reload},
        "/admin/conversations/{tenant}/{id}": {"delete": conversation},
        "/admin/keys": {"get": _reads("All keys", _listed("Key"), 403), "post": made},
        "/admin/keys/{id}": {
            "get": _reads("A key and what it spent", _ref("Key"), 403, 404, named=("id",)),
            "delete": _reads("Revoke it", _ref("Key"), 403, 404, named=("id",)),
        },
    }  # fmt: skip


@cache
def document() -> Json:
    """OpenAPI 3.1. The same object each time: do not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shortstop",
            "version": __version__,
            "description": "SLM-first, LLM-backup gateway: OpenAI's and Anthropic's dialects.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"key": []}, {}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }
