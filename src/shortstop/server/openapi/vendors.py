"""Requests and answers in the vendors' formats, as JSON Schema.

Only what Shortstop itself checks is promised; whatever a dialect merely passes on is left open.
The vendors' own documents say more. A test compares the bounds with what the dialects accept.
"""

from __future__ import annotations

from shortstop.dialects.embeddings import MAX_INPUTS
from shortstop.types import Json

OPENAI_ERROR, ANTHROPIC_ERROR = "OpenAIError", "AnthropicError"
OBJECT = "Object"
"""A body in a dialect of which nothing is promised here."""

TEXT: Json = {"type": "string"}
NONEMPTY: Json = {"type": "string", "minLength": 1}
VENDORS: Json = {**TEXT, "not": {"const": "function"}}
"""A kind of tool that only some vendor knows: for that vendor to judge."""
FLAG: Json = {"type": ["boolean", "null"]}
ANYTHING: Json = {"type": "object"}
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
OBJECT_OR_NULL: Json = {"type": ["object", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
MODEL: Json = {
    "type": "string",
    "minLength": 1,
    "description": "`auto` (Shortstop decides), `local` (never leaves this machine), or a"
    " name that /v1/models lists.",
    "examples": ["auto"],
}


def ref(name: str) -> Json:
    """A reference to the schema `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, **properties: Json) -> Json:
    """An object; `required` names fields, separated by spaces. Further fields are allowed."""
    schema: Json = {"type": "object", "properties": properties}
    return {**schema, "required": required.split()} if required else schema


def _list(items: Json, **bounds: int) -> Json:
    return {"type": "array", "items": items, **bounds}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _any_of(*schemas: Json) -> Json:
    return {"anyOf": list(schemas)}


def _number(low: float, high: float) -> Json:
    return {"type": ["number", "null"], "minimum": low, "maximum": high}


def _integer(low: int, high: int | None = None) -> Json:
    schema: Json = {"type": ["integer", "null"], "minimum": low}
    return schema if high is None else {**schema, "maximum": high}


def _const(value: str) -> Json:
    return {"const": value}


# ---------------------------------------------------------------- OpenAI: chat and completions


def _sampling() -> Json:
    """What chat and legacy completions share."""
    return {
        "model": MODEL,
        "stream": FLAG,
        "temperature": _number(0, 2),
        "top_p": _number(0, 1),
        "n": _integer(1, 128),
        "seed": _integer(-(2**63)),
        "stop": _any_of(TEXT, _list(TEXT), {"type": "null"}),
        "frequency_penalty": _number(-2, 2),
        "presence_penalty": _number(-2, 2),
        "user": TEXT_OR_NULL,
    }


def _chat_message() -> Json:
    image = _object("url", url=TEXT)
    part = _any_of(
        _object("type text", type=_const("text"), text=TEXT),
        _object("type image_url", type=_const("image_url"), image_url=image),
        _object("type", type={**TEXT, "not": {"enum": ["text", "image_url"]}}),
    )
    content = _any_of(TEXT, _list(part), {"type": "null"})
    function = _object("name", name=TEXT, arguments=TEXT)
    call = _object("id function", id=TEXT, type={"enum": ["function", None]}, function=function)
    return _any_of(
        _object(
            "role content",
            role={"enum": ["system", "developer", "user"]},
            content=_any_of(TEXT, _list(part, minItems=1)),
            name=TEXT_OR_NULL,
        ),
        _object(
            "role",
            role=_const("assistant"),
            content=content,
            name=TEXT_OR_NULL,
            refusal=TEXT_OR_NULL,
            reasoning_content=TEXT_OR_NULL,
            reasoning=TEXT_OR_NULL,
            tool_calls=_or_null(_list(call)),
        ),
        _object("role tool_call_id", role=_const("tool"), tool_call_id=TEXT, content=content),
    )


def _chat_format() -> Json:
    schema = _object("", name=TEXT_OR_NULL, schema=OBJECT_OR_NULL, strict=FLAG)
    return _any_of(
        {"type": "null"},
        _object("type", type={"enum": ["text", "json_object"]}),
        _object("type json_schema", type=_const("json_schema"), json_schema=schema),
    )


def _chat_request() -> Json:
    function = _object("name", name=TEXT, description=TEXT_OR_NULL, parameters=OBJECT_OR_NULL)
    tool = _any_of(
        _object("type function", type=_const("function"), function=function),
        _object("type", type=VENDORS),
    )
    choice = _object("function", type=_const("function"), function=_object("name", name=TEXT))
    return _object(
        "model messages",
        **_sampling(),
        messages=_list(_chat_message(), minItems=1),
        stream_options=_or_null(_object("", include_usage=FLAG)),
        max_tokens=_integer(1),
        max_completion_tokens=_integer(1),
        logit_bias={"type": ["object", "null"], "additionalProperties": _number(-100, 100)},
        logprobs=FLAG,
        top_logprobs=_integer(0, 20),
        tools=_or_null(_list(tool)),
        tool_choice=_any_of({"enum": ["none", "auto", "required", None]}, choice),
        parallel_tool_calls=FLAG,
        response_format=_chat_format(),
        reasoning_effort=TEXT_OR_NULL,
        metadata=OBJECT_OR_NULL,
    )


def _completion_request() -> Json:
    tokens = _list({"type": "integer"}, minItems=1)
    return _object(
        "model prompt",
        **_sampling(),
        prompt=_any_of(TEXT, tokens, _list(_any_of(TEXT, tokens), minItems=1)),
        max_tokens=_integer(0),
        logprobs=_integer(0, 5),
    )


def _chat_reply() -> Json:
    function = _object("name arguments", name=TEXT, arguments=TEXT)
    call = _object("id type", id=TEXT, type=TEXT, function=function)
    return _object(
        "role content",
        role=_const("assistant"),
        content=TEXT_OR_NULL,
        refusal=TEXT_OR_NULL,
        tool_calls=_or_null(_list(call)),
    )


def _chat_answers() -> Json:
    choice = _object(
        "index message", index=COUNT, message=_chat_reply(), finish_reason=TEXT_OR_NULL
    )
    text = _object("index text", index=COUNT, text=TEXT, finish_reason=TEXT_OR_NULL)
    usage = _or_null(_object("", prompt_tokens=COUNT, completion_tokens=COUNT, total_tokens=COUNT))
    common = {"id": TEXT, "created": COUNT, "model": TEXT, "usage": usage}
    return {
        "ChatCompletion": _object(
            "id object created model choices",
            object=_const("chat.completion"),
            choices=_list(choice, minItems=1),
            **common,
        ),
        "Completion": _object(
            "id object created model choices",
            object=_const("text_completion"),
            choices=_list(text, minItems=1),
            **common,
        ),
    }


# ---------------------------------------------------------------- OpenAI: responses, embeddings


def _response_request() -> Json:
    text = _object("type text", type={"enum": ["input_text", "output_text"]}, text=TEXT)
    item = _object(
        "role content",
        type=_const("message"),
        role={"enum": ["user", "assistant", "system", "developer"]},
        content=_any_of(TEXT, _list(text)),
    )
    return _object(
        "model input",
        model=MODEL,
        input=_any_of(TEXT, _list(item, minItems=1)),
        instructions=TEXT_OR_NULL,
        previous_response_id=TEXT_OR_NULL,
        store=FLAG,
        stream=FLAG,
        max_output_tokens=_integer(1),
        temperature=_number(0, 2),
        top_p=_number(0, 1),
        top_logprobs=_integer(0, 20),
        parallel_tool_calls=FLAG,
        reasoning=_or_null(_object("", effort=TEXT_OR_NULL)),
        user=TEXT_OR_NULL,
        metadata=OBJECT_OR_NULL,
    )


def _response() -> Json:
    return _object(
        "id object status model output",
        id=TEXT,
        object=_const("response"),
        status={"enum": ["completed", "incomplete"]},
        model=TEXT,
        output=_list(_object("type", type=TEXT)),
        usage=OBJECT_OR_NULL,
    )


def _embedding_request() -> Json:
    tokens = _list({"type": "integer", "minimum": 0}, minItems=1)
    inputs = _list(_any_of(NONEMPTY, tokens), minItems=1, maxItems=MAX_INPUTS)
    return _object(
        "model input",
        model=MODEL,
        input=_any_of(NONEMPTY, tokens, inputs),
        encoding_format={"enum": ["float", "base64", None]},
        dimensions=_integer(1),
        user=TEXT_OR_NULL,
    )


def _embeddings() -> Json:
    vector = _object(
        "object index embedding",
        object=_const("embedding"),
        index=COUNT,
        embedding=_any_of(TEXT, _list({"type": "number"})),
    )
    usage = _object("", prompt_tokens=COUNT, total_tokens=COUNT)
    return _object(
        "object data model usage",
        object=_const("list"),
        data=_list(vector),
        model=TEXT,
        usage=usage,
    )


# ---------------------------------------------------------------- Anthropic: messages


def _count_request() -> Json:
    """A message request without what only generating needs."""
    text = _object("type text", type=_const("text"), text=TEXT)
    message = _object(
        "role content",
        role={"enum": ["user", "assistant"]},
        content=_any_of(TEXT, _list(text)),
    )
    tool = _object(
        "name input_schema", name=NONEMPTY, description=TEXT_OR_NULL, input_schema=ANYTHING
    )
    return _object(
        "model messages",
        model=MODEL,
        messages=_list(message, minItems=1),
        system=_any_of(TEXT, _list(text), {"type": "null"}),
        tools=_or_null(_list(tool)),
    )


def _message_request() -> Json:
    counted = _count_request()
    generating = {
        "max_tokens": _integer(1),
        "stream": FLAG,
        "temperature": _number(0, 1),
        "top_p": _number(0, 1),
        "top_k": _integer(0),
        "stop_sequences": _or_null(_list(TEXT)),
        "metadata": _or_null(_object("", user_id=TEXT_OR_NULL)),
    }
    return {**counted, "properties": {**counted["properties"], **generating}}


def _message() -> Json:
    usage = _object("input_tokens output_tokens", input_tokens=COUNT, output_tokens=COUNT)
    return _object(
        "id type role model content stop_reason usage",
        id=TEXT,
        type=_const("message"),
        role=_const("assistant"),
        model=TEXT,
        content=_list(_object("type", type=TEXT, text=TEXT)),
        stop_reason=TEXT_OR_NULL,
        usage=usage,
    )


# ---------------------------------------------------------------- all of them


def _errors() -> Json:
    openai = _object("message type", message=TEXT, type=TEXT, param=TEXT_OR_NULL, code=TEXT_OR_NULL)
    anthropic = _object("type message", type=TEXT, message=TEXT)
    return {
        OPENAI_ERROR: _object("error", error=openai),
        ANTHROPIC_ERROR: _object(
            "type error request_id", type=_const("error"), error=anthropic, request_id=TEXT
        ),
    }


def vendor_schemas() -> Json:
    """Every schema of this module by its name."""
    return {
        **_errors(),
        **_chat_answers(),
        "ChatRequest": _chat_request(),
        "CompletionRequest": _completion_request(),
        "ResponseRequest": _response_request(),
        "Response": _response(),
        "EmbeddingRequest": _embedding_request(),
        "Embeddings": _embeddings(),
        "CountRequest": _count_request(),
        "Count": _object("input_tokens", input_tokens=COUNT),
        OBJECT: ANYTHING,
        "MessageRequest": _message_request(),
        "Message": _message(),
    }
