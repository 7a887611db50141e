"""OpenAI Chat Completions (platform.openai.com/docs/api-reference/chat)."""

from __future__ import annotations

import time
from typing import Any, get_args

import msgspec

from shortstop.dialects import fields
from shortstop.dialects.fields import reject
from shortstop.dialects.openai.errors import decode_error, encode_error
from shortstop.dialects.openai.request import fitted, request_out
from shortstop.dialects.openai.stream import OpenAIChatDecoder, OpenAIChatEncoder
from shortstop.dialects.openai.wire import (
    choice_from,
    finish_out,
    is_legacy,
    logprobs_out,
    message_out,
    usage_from,
    usage_out,
)
from shortstop.dialects.validate import sound
from shortstop.errors import InvalidRequest, ShortstopError, TargetError, UpstreamFailed
from shortstop.types import (
    DialectName,
    Format,
    Json,
    Media,
    Message,
    Part,
    Refusal,
    Reply,
    Request,
    Role,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
ROLES = frozenset(get_args(Role)) | {"function"}
KNOWN = frozenset(
    [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "stream",
        "stream_options",
        "user",
        "metadata",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "n",
        "logprobs",
        "top_logprobs",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "reasoning_effort",
        "functions",
        "function_call",
        "top_k",
    ]
)


class OpenAIChat:
    name: DialectName = "openai.chat"

    # ------------------------------------------------------------ requests

    def decode_request(self, body: Json, id: str) -> Request:
        options = fields.optional_table(body, "stream_options")
        return Request(
            id=id,
            dialect=self.name,
            body=body,
            model=fields.model(body),
            messages=_messages(body.get("messages")),
            tools=_tools(body),
            tool_choice=_tool_choice(body),
            parallel_tool_calls=fields.flag(body, "parallel_tool_calls"),
            sampling=_sampling(body),
            format=_format(body.get("response_format")),
            stream=bool(fields.flag(body, "stream")),
            stream_usage=bool(fields.flag(options, "include_usage")),
            user=fields.string(body, "user"),
            metadata=fields.optional_table(body, "metadata"),
            extra={k: v for k, v in body.items() if k not in KNOWN},
        )

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == self.name and request.body:
            body = fitted({**request.body, "model": model})
        else:
            body = request_out(request, model)
        if request.stream:
            # Usage is always needed for the books; the encoder hides it from who did not ask.
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return _ENCODE(body)

    # ------------------------------------------------------------ replies

    def decode_reply(self, body: bytes) -> Reply:
        try:
            tree = _DECODE(body)
            if not tree["choices"]:
                raise UpstreamFailed("The model's answer holds no choice.")
            return Reply(
                id=tree.get("id") or "",
                model=tree.get("model") or "",
                choices=sound(tuple([choice_from(c) for c in tree["choices"]])),
                usage=usage_from(tree.get("usage")),
                created=tree.get("created") or 0,
                dialect=self.name,
                body=tree,
            )
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailed("The model's answer is not JSON.") from error
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise UpstreamFailed("The model's answer is not a chat completion.") from error

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == self.name and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        legacy = is_legacy(request)
        return _ENCODE(
            {
                "id": f"chatcmpl-{request.id}",
                "object": "chat.completion",
                "created": reply.created or int(time.time()),
                "model": request.model,
                "choices": [
                    {
                        "index": choice.index,
                        "message": message_out(choice.parts, legacy=legacy),
                        "logprobs": (
                            logprobs_out(choice.logprobs, request.sampling.top_logprobs or 0)
                            if request.sampling.logprobs and choice.logprobs
                            else None
                        ),
                        "finish_reason": finish_out(choice.finish, legacy=legacy),
                    }
                    for choice in reply.choices
                ],
                "usage": usage_out(reply.usage),
            }
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode_error(error)

    def status_of(self, error: ShortstopError) -> int:
        return error.status

    def stream_decoder(self) -> OpenAIChatDecoder:
        return OpenAIChatDecoder()

    def stream_encoder(self, request: Request, created: int) -> OpenAIChatEncoder:
        return OpenAIChatEncoder(request, created)


# ---------------------------------------------------------------- decoding requests


def _messages(value: Any) -> tuple[Message, ...]:
    listed = fields.items(value, "messages")
    if not listed:
        reject("messages", "Must hold at least one message")
    return tuple([_message(m, i) for i, m in enumerate(listed)])


def _message(value: Any, i: int) -> Message:
    if type(value) is not dict:
        reject(f"messages[{i}]", "Must be an object")
    role = value.get("role")
    if not isinstance(role, str) or role not in ROLES:
        reject(f"messages[{i}].role", f"Must be one of {', '.join(sorted(ROLES))}")
    content = value.get("content")
    if type(content) is str:
        parts: tuple[Part, ...] = (Text(content),)
    else:
        parts = _content(content, f"messages[{i}].content")
    if role == "assistant":
        parts = _assistant(value, parts, f"messages[{i}]")
    elif role in ("tool", "function"):
        return Message("tool", (_result(value, parts, f"messages[{i}]"),))
    elif not parts:
        reject(f"messages[{i}].content", "Must not be empty")
    name = value.get("name")
    if name is not None and not isinstance(name, str):
        reject(f"messages[{i}].name", "Must be a string")
    return Message(role, parts, name)  # type: ignore[arg-type] # checked against ROLES


def _result(value: Json, parts: tuple[Part, ...], at: str) -> ToolResult:
    key = "tool_call_id" if value["role"] == "tool" else "name"
    call = fields.text(value.get(key), f"{at}.{key}")
    return ToolResult(call, tuple([p for p in parts if isinstance(p, (Text, Media))]))


def _content(value: Any, at: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        reject(at, "Must be a string or a list of parts")
    return tuple([_part(p, f"{at}[{i}]") for i, p in enumerate(value)])


def _part(value: Any, at: str) -> Part:
    kind = fields.table(value, at).get("type")
    if kind == "text":
        extra = {k: v for k, v in value.items() if k not in ("type", "text")}
        return Text(fields.text(value.get("text"), f"{at}.text"), extra)
    if kind == "refusal":
        return Refusal(fields.text(value.get("refusal"), f"{at}.refusal"))
    if kind == "image_url":
        image = fields.table(value.get("image_url"), f"{at}.image_url")
        extra = {k: v for k, v in image.items() if k != "url"}
        url = fields.text(image.get("url"), f"{at}.image_url.url")
        return Media("image", url=url, extra=extra)
    if kind == "input_audio":
        audio = fields.table(value.get("input_audio"), f"{at}.input_audio")
        data = fields.text(audio.get("data"), f"{at}.input_audio.data")
        return Media("audio", data=data, mime=f"audio/{audio.get('format') or 'wav'}")
    if kind == "file":
        file, inside = fields.table(value.get("file"), f"{at}.file"), f"{at}.file."
        return Media(
            "file",
            data=fields.string(file, "file_data", inside),
            file_id=fields.string(file, "file_id", inside),
            name=fields.string(file, "filename", inside),
        )
    reject(f"{at}.type", f"Unknown content part {kind!r}")


def _assistant(value: Json, parts: tuple[Part, ...], at: str) -> tuple[Part, ...]:
    said = [*parts]
    inside = f"{at}."
    thinking = fields.string(value, "reasoning_content", inside)
    thinking = thinking or fields.string(value, "reasoning", inside)
    if thinking:
        said.insert(0, Thinking(thinking))
    refusal = fields.string(value, "refusal", inside)
    if refusal:
        said.append(Refusal(refusal))
    legacy = value.get("function_call")
    if legacy is not None:
        said.append(_legacy_call(legacy, f"{at}.function_call"))
    for i, call in enumerate(fields.optional_items(value, "tool_calls", f"{at}.")):
        said.append(_call(call, f"{at}.tool_calls[{i}]"))
    return tuple(said)


def _legacy_call(value: Any, at: str) -> ToolCall:
    name = fields.text(fields.table(value, at).get("name"), f"{at}.name")
    return ToolCall(name, name, fields.text(value.get("arguments", ""), f"{at}.arguments"))


def _call(value: Any, at: str) -> ToolCall:
    id = fields.text(fields.table(value, at).get("id"), f"{at}.id")
    if value.get("type") not in (None, "function", "custom"):
        reject(f"{at}.type", "Must be 'function' or 'custom'")
    if value.get("type") == "custom":
        custom = fields.table(value.get("custom"), f"{at}.custom")
        name = fields.text(custom.get("name"), f"{at}.custom.name")
        given = fields.text(custom.get("input", ""), f"{at}.custom.input")
        return ToolCall(id, name, given, {"type": "custom"})
    function = fields.table(value.get("function"), f"{at}.function")
    return ToolCall(
        id,
        fields.text(function.get("name"), f"{at}.function.name"),
        fields.text(function.get("arguments", ""), f"{at}.function.arguments"),
    )


def _tools(body: Json) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for i, tool in enumerate(fields.optional_items(body, "tools")):
        where = f"tools[{i}]"
        kind = fields.table(tool, where).get("type")
        if kind == "custom":
            found.append(_custom_tool(tool.get("custom"), f"{where}.custom"))
        elif kind == "function":
            found.append(_tool(tool.get("function"), f"{where}.function"))
        else:
            reject(f"{where}.type", "Must be 'function' or 'custom'")
    for i, function in enumerate(fields.optional_items(body, "functions")):
        found.append(_tool(function, f"functions[{i}]"))
    return tuple(found)


def _tool(value: Any, at: str) -> Tool:
    fields.table(value, at)
    schema = value.get("parameters")
    return Tool(
        name=fields.text(value.get("name"), f"{at}.name"),
        description=fields.string(value, "description", f"{at}.") or "",
        schema={} if schema is None else fields.table(schema, f"{at}.parameters"),
        strict=fields.flag(value, "strict", f"{at}."),
    )


def _custom_tool(value: Any, at: str) -> Tool:
    name = fields.text(fields.table(value, at).get("name"), f"{at}.name")
    return Tool(name, fields.string(value, "description", f"{at}.") or "", extra={"type": "custom"})


def _tool_choice(body: Json) -> ToolChoice:
    value = body.get("tool_choice", body.get("function_call"))
    if value is None:
        return ToolChoice()
    if isinstance(value, str):
        if value not in ("none", "auto", "required"):
            reject("tool_choice", "Must be 'none', 'auto', 'required' or name a function")
        return ToolChoice(value)  # type: ignore[arg-type] # checked against the literals above
    kind = fields.table(value, "tool_choice").get("type", "function")
    if kind not in ("function", "custom", "allowed_tools"):
        reject("tool_choice.type", "Must be 'function', 'custom' or 'allowed_tools'")
    if kind == "allowed_tools":
        return _allowed(fields.table(value.get("allowed_tools"), "tool_choice.allowed_tools"))
    return ToolChoice("required", (_chosen(value, "tool_choice"),))


def _allowed(value: Json) -> ToolChoice:
    mode, at = value.get("mode", "auto"), "tool_choice.allowed_tools"
    if mode not in ("auto", "required"):
        reject(f"{at}.mode", "Must be 'auto' or 'required'")
    tools = fields.items(value.get("tools"), f"{at}.tools")
    return ToolChoice(
        mode, tuple([_chosen(tool, f"{at}.tools[{i}]") for i, tool in enumerate(tools)])
    )


def _chosen(value: Any, at: str) -> str:
    named = fields.table(value, at).get("function") or value.get("custom") or value
    return fields.text(fields.table(named, f"{at}.function").get("name"), f"{at}.function.name")


def _format(value: Any) -> Format:
    if value is None:
        return Format()
    kind = fields.table(value, "response_format").get("type")
    if kind == "json_schema":
        said = fields.table(value.get("json_schema"), "response_format.json_schema")
        at = "response_format.json_schema."
        given = said.get("schema")
        schema = {} if given is None else fields.table(given, f"{at}schema")
        name = fields.string(said, "name", at) or "answer"
        return Format("json_schema", schema, name, bool(fields.flag(said, "strict", at)))
    if kind not in ("text", "json_object"):
        reject("response_format.type", "Must be 'text', 'json_object' or 'json_schema'")
    return Format(kind)


def stops(body: Json) -> tuple[str, ...]:
    value = body.get("stop")
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or len(value) > 4 or not all(type(s) is str for s in value):
        reject("stop", "Must be a string or up to four strings")
    return tuple(value)


def logit_bias(body: Json) -> Json | None:
    biases = fields.optional_table(body, "logit_bias")
    for token in biases:
        try:
            fields.number(biases, token, -100, 100)
        except InvalidRequest:
            reject("logit_bias", "Must hold numbers from -100 to 100")
    return biases or None


def _sampling(body: Json) -> Sampling:
    most = fields.integer(body, "max_completion_tokens", 1)
    fallback = fields.integer(body, "max_tokens", 1)
    return Sampling(
        max_tokens=most if most is not None else fallback,
        temperature=fields.number(body, "temperature", 0, 2),
        top_p=fields.number(body, "top_p", 0, 1),
        top_k=fields.integer(body, "top_k", -1),
        seed=fields.integer(body, "seed", -(2**63)),
        stop=stops(body),
        frequency_penalty=fields.number(body, "frequency_penalty", -2, 2),
        presence_penalty=fields.number(body, "presence_penalty", -2, 2),
        logit_bias=logit_bias(body),
        logprobs=bool(fields.flag(body, "logprobs")),
        top_logprobs=fields.integer(body, "top_logprobs", 0, 20),
        n=fields.integer(body, "n", 1, 128) or 1,
        reasoning_effort=fields.string(body, "reasoning_effort"),
    )
