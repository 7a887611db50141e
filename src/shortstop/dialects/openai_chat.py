"""OpenAI Chat Completions (platform.openai.com/docs/api-reference/chat)."""

from __future__ import annotations

import time
from typing import Any, get_args

import msgspec

from shortstop.dialects import fields
from shortstop.dialects.fields import reject
from shortstop.dialects.openai_errors import decode_error, encode_error
from shortstop.dialects.openai_stream import OpenAIChatDecoder, OpenAIChatEncoder
from shortstop.dialects.openai_wire import (
    FINISH_OUT,
    choice_from,
    logprobs_out,
    message_out,
    usage_from,
    usage_out,
)
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
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
        model = body.get("model")
        if not isinstance(model, str) or not model:
            reject("model", "Must be the name of a model, for example 'auto'")
        options = body.get("stream_options") or {}
        return Request(
            id=id,
            dialect=self.name,
            body=body,
            model=model,
            messages=_messages(body.get("messages")),
            tools=_tools(body),
            tool_choice=_tool_choice(body),
            parallel_tool_calls=fields.flag(body, "parallel_tool_calls"),
            sampling=_sampling(body),
            format=_format(body.get("response_format")),
            stream=bool(fields.flag(body, "stream")),
            stream_usage=bool(fields.flag(options, "include_usage")),
            user=body.get("user"),
            metadata=body.get("metadata") or {},
            extra={k: v for k, v in body.items() if k not in KNOWN},
        )

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == self.name and request.body:
            body = {**request.body, "model": model}
        else:
            body = _request_out(request, model)
        if request.stream:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return _ENCODE(body)

    # ------------------------------------------------------------ replies

    def decode_reply(self, body: bytes) -> Reply:
        try:
            tree = _DECODE(body)
            return Reply(
                id=tree.get("id") or "",
                model=tree.get("model") or "",
                choices=tuple(choice_from(c) for c in tree["choices"]),
                usage=usage_from(tree.get("usage")),
                created=tree.get("created") or 0,
                dialect=self.name,
                body=tree,
            )
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailed("The model's answer is not JSON.") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UpstreamFailed("The model's answer is not a chat completion.") from error

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == self.name and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        return _ENCODE(
            {
                "id": reply.id or f"chatcmpl-{request.id}",
                "object": "chat.completion",
                "created": reply.created or int(time.time()),
                "model": request.model,
                "choices": [
                    {
                        "index": choice.index,
                        "message": message_out(choice.parts),
                        "logprobs": (
                            logprobs_out(choice.logprobs, request.sampling.top_logprobs or 0)
                            if request.sampling.logprobs and choice.logprobs
                            else None
                        ),
                        "finish_reason": FINISH_OUT.get(choice.finish or "stop", "stop"),
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

    def stream_decoder(self) -> OpenAIChatDecoder:
        return OpenAIChatDecoder()

    def stream_encoder(self, request: Request, created: int) -> OpenAIChatEncoder:
        return OpenAIChatEncoder(request, created)


# ---------------------------------------------------------------- decoding requests


def _messages(value: Any) -> tuple[Message, ...]:
    listed = fields.items(value, "messages")
    if not listed:
        reject("messages", "Must hold at least one message")
    return tuple(_message(m, f"messages[{i}]") for i, m in enumerate(listed))


def _message(value: Any, at: str) -> Message:
    fields.table(value, at)
    role = value.get("role")
    if role not in ROLES:
        reject(f"{at}.role", f"Must be one of {', '.join(sorted(ROLES))}")
    parts = _content(value.get("content"), f"{at}.content")
    if role in ("tool", "function"):
        call = value.get("tool_call_id") or value.get("name") or ""
        texts = tuple(p for p in parts if isinstance(p, (Text, Media)))
        return Message("tool", (ToolResult(call, texts),))
    if role == "assistant":
        parts = (*_thinking(value), *parts, *_calls(value, at))
    elif not parts:
        reject(f"{at}.content", "Must not be empty")
    return Message(role, parts, name=value.get("name"))


def _content(value: Any, at: str) -> tuple[Part, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(value),)
    return tuple(_part(p, f"{at}[{i}]") for i, p in enumerate(fields.items(value, at)))


def _part(value: Any, at: str) -> Part:
    fields.table(value, at)
    kind = value.get("type")
    if kind == "text":
        return Text(fields.text(value.get("text"), f"{at}.text"))
    if kind == "refusal":
        return Refusal(fields.text(value.get("refusal"), f"{at}.refusal"))
    if kind == "image_url":
        image = fields.table(value.get("image_url"), f"{at}.image_url")
        return Media("image", url=fields.text(image.get("url"), f"{at}.image_url.url"))
    if kind == "input_audio":
        audio = fields.table(value.get("input_audio"), f"{at}.input_audio")
        return Media("audio", data=audio.get("data"), mime=f"audio/{audio.get('format', 'wav')}")
    if kind == "file":
        file = fields.table(value.get("file"), f"{at}.file")
        return Media(
            "file",
            data=file.get("file_data"),
            file_id=file.get("file_id"),
            name=file.get("filename"),
        )
    reject(f"{at}.type", f"Unknown content part {kind!r}")


def _thinking(value: Json) -> tuple[Part, ...]:
    text = value.get("reasoning_content") or value.get("reasoning")
    return (Thinking(text),) if isinstance(text, str) and text else ()


def _calls(value: Json, at: str) -> tuple[Part, ...]:
    calls: list[Part] = []
    legacy = value.get("function_call")
    if legacy is not None:
        calls.append(ToolCall(legacy["name"], legacy["name"], legacy.get("arguments") or ""))
    for i, call in enumerate(value.get("tool_calls") or ()):
        where = f"{at}.tool_calls[{i}]"
        function = fields.table(fields.table(call, where).get("function"), f"{where}.function")
        calls.append(
            ToolCall(
                fields.text(call.get("id"), f"{where}.id"),
                fields.text(function.get("name"), f"{where}.function.name"),
                fields.text(function.get("arguments", ""), f"{where}.function.arguments"),
            )
        )
    return tuple(calls)


def _tools(body: Json) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for i, tool in enumerate(body.get("tools") or ()):
        where = f"tools[{i}]"
        if fields.table(tool, where).get("type") != "function":
            reject(f"{where}.type", "Must be 'function'")
        found.append(_tool(tool.get("function"), f"{where}.function"))
    for i, function in enumerate(body.get("functions") or ()):
        found.append(_tool(function, f"functions[{i}]"))
    return tuple(found)


def _tool(value: Any, at: str) -> Tool:
    fields.table(value, at)
    return Tool(
        name=fields.text(value.get("name"), f"{at}.name"),
        description=value.get("description") or "",
        schema=value.get("parameters") or {},
        strict=value.get("strict"),
    )


def _tool_choice(body: Json) -> ToolChoice:
    value = body.get("tool_choice", body.get("function_call"))
    if value is None:
        return ToolChoice()
    if isinstance(value, str):
        if value not in ("none", "auto", "required"):
            reject("tool_choice", "Must be 'none', 'auto', 'required' or name a function")
        return ToolChoice(value)  # type: ignore[arg-type] # checked against the literals above
    fields.table(value, "tool_choice")
    if value.get("type") == "allowed_tools":
        allowed = fields.table(value.get("allowed_tools"), "tool_choice.allowed_tools")
        names = tuple(t["function"]["name"] for t in allowed.get("tools", ()))
        return ToolChoice(allowed.get("mode", "auto"), names)
    name = (value.get("function") or value).get("name")
    return ToolChoice("required", (fields.text(name, "tool_choice.function.name"),))


def _format(value: Any) -> Format:
    if value is None:
        return Format()
    kind = fields.table(value, "response_format").get("type")
    if kind == "json_schema":
        said = fields.table(value.get("json_schema"), "response_format.json_schema")
        schema = said.get("schema") or {}
        fields.table(schema, "response_format.json_schema.schema")
        return Format("json_schema", schema, said.get("name") or "answer", bool(said.get("strict")))
    if kind not in ("text", "json_object"):
        reject("response_format.type", "Must be 'text', 'json_object' or 'json_schema'")
    return Format(kind)


def _sampling(body: Json) -> Sampling:
    most = fields.integer(body, "max_completion_tokens", 1)
    stop = body.get("stop")
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > 4 or not all(isinstance(s, str) for s in stops):
        reject("stop", "Must be a string or up to four strings")
    return Sampling(
        max_tokens=most if most is not None else fields.integer(body, "max_tokens", 1),
        temperature=fields.number(body, "temperature", 0, 2),
        top_p=fields.number(body, "top_p", 0, 1),
        top_k=fields.integer(body, "top_k"),
        seed=fields.integer(body, "seed", -(2**63)),
        stop=stops,
        frequency_penalty=fields.number(body, "frequency_penalty", -2, 2),
        presence_penalty=fields.number(body, "presence_penalty", -2, 2),
        logit_bias=body.get("logit_bias"),
        logprobs=bool(fields.flag(body, "logprobs")),
        top_logprobs=fields.integer(body, "top_logprobs"),
        n=fields.integer(body, "n", 1) or 1,
        reasoning_effort=body.get("reasoning_effort"),
    )


# ---------------------------------------------------------------- encoding requests


def _request_out(request: Request, model: str) -> Json:
    said = request.sampling
    body: Json = {"model": model, "messages": [m for x in request.messages for m in _out(x)]}
    if request.tools:
        body["tools"] = [_tool_out(t) for t in request.tools]
        if request.tool_choice.mode != "auto":
            body["tool_choice"] = _choice_out(request.tool_choice)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.format.kind == "json_object":
        body["response_format"] = {"type": "json_object"}
    elif request.format.kind == "json_schema":
        schema = {
            "name": request.format.name,
            "schema": request.format.schema,
            "strict": request.format.strict,
        }
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    options = {
        "max_tokens": said.max_tokens,
        "temperature": said.temperature,
        "top_p": said.top_p,
        "top_k": said.top_k,
        "seed": said.seed,
        "stop": list(said.stop) or None,
        "frequency_penalty": said.frequency_penalty,
        "presence_penalty": said.presence_penalty,
        "logit_bias": said.logit_bias,
        "logprobs": said.logprobs or None,
        "top_logprobs": said.top_logprobs,
        "n": said.n if said.n > 1 else None,
        "reasoning_effort": said.reasoning_effort,
        "stream": request.stream or None,
        "user": request.user,
    }
    body.update((k, v) for k, v in options.items() if v is not None)
    return {**body, **request.extra}


def _out(message: Message) -> list[Json]:
    """A neutral message is one or several of OpenAI's: each tool result is its own."""
    found: list[Json] = []
    rest: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            text = "\n".join(p.text for p in part.parts if isinstance(p, Text))
            found.append({"role": "tool", "tool_call_id": part.call_id, "content": text})
        else:
            rest.append(part)
    if message.role == "assistant":
        found.append(message_out(tuple(rest)))
    elif rest:
        found.append({"role": message.role, "content": _content_out(rest)})
    return found


def _content_out(parts: list[Part]) -> str | list[Json]:
    if all(isinstance(p, Text) for p in parts):
        return "\n".join(p.text for p in parts if isinstance(p, Text))
    return [_part_out(p) for p in parts]


def _part_out(part: Part) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Media) and part.kind == "image":
        url = part.url or f"data:{part.mime};base64,{part.data}"
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "text", "text": ""}


def _tool_out(tool: Tool) -> Json:
    function: Json = {"name": tool.name, "parameters": tool.schema}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice_out(choice: ToolChoice) -> Json | str:
    if len(choice.names) == 1:
        return {"type": "function", "function": {"name": choice.names[0]}}
    return choice.mode
