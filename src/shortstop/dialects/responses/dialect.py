"""OpenAI Responses (platform.openai.com/docs/api-reference/responses)."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from shortstop.dialects import fields
from shortstop.dialects.fields import reject
from shortstop.dialects.openai.errors import decode_error, encode_error
from shortstop.dialects.responses.request import fitted, request_out
from shortstop.dialects.responses.stream import ResponsesDecoder, ResponsesEncoder
from shortstop.dialects.responses.wire import (
    VENDOR_ITEMS,
    answer,
    finish_from,
    items_out,
    named_out,
    parts_from,
    reasoning_text,
    status_out,
    usage_from,
)
from shortstop.dialects.validate import sound
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
from shortstop.types import (
    Choice,
    DialectName,
    Format,
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Reply,
    Request,
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
_ROLES = ("user", "assistant", "system", "developer")
_LOGPROBS = "message.output_text.logprobs"
KNOWN = frozenset(
    [
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "stream",
        "stream_options",
        "user",
        "metadata",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
    ]
)


class OpenAIResponses:
    name: DialectName = "openai.responses"

    # ------------------------------------------------------------ requests

    def decode_request(self, body: Json, id: str) -> Request:
        said = fields.string(body, "instructions")
        instructions = (Message("system", (Text(said),)),) if said else ()
        pinned = any(body.get(k) for k in ("previous_response_id", "conversation", "prompt"))
        return Request(
            id=id,
            dialect=self.name,
            body=body,
            model=fields.model(body),
            messages=(*instructions, *_input(body.get("input"), may_be_absent=pinned)),
            tools=_tools(body),
            tool_choice=_tool_choice(body.get("tool_choice")),
            parallel_tool_calls=fields.flag(body, "parallel_tool_calls"),
            sampling=_sampling(body),
            format=_format(fields.optional_table(body, "text").get("format")),
            stream=bool(fields.flag(body, "stream")),
            stream_usage=True,
            user=fields.string(body, "user"),
            metadata=fields.optional_table(body, "metadata"),
            extra={k: v for k, v in body.items() if k not in KNOWN},
        )

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == self.name and request.body:
            return _ENCODE(fitted({**request.body, "model": model}))
        return _ENCODE(request_out(request, model))

    # ------------------------------------------------------------ replies

    def decode_reply(self, body: bytes) -> Reply:
        try:
            tree = _DECODE(body)
            if tree.get("status") in ("failed", "cancelled"):
                raise UpstreamFailed("The upstream says that its answer failed.")
            parts = tuple([p for item in tree["output"] for p in parts_from(item)])
            return Reply(
                id=tree.get("id") or "",
                model=tree.get("model") or "",
                choices=sound((Choice(parts=parts, finish=finish_from(tree)),)),
                usage=usage_from(tree.get("usage")),
                created=int(tree.get("created_at") or 0),
                dialect=self.name,
                body=tree,
            )
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailed("The model's answer is not JSON.") from error
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise UpstreamFailed("The model's answer is not a response.") from error

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == self.name and reply.body is not None:
            return _ENCODE(named_out(reply.body, request))
        choice = reply.choices[0] if reply.choices else Choice()
        return _ENCODE(
            answer(
                request,
                reply.created or int(time.time()),
                status=status_out(choice.finish),
                finish=choice.finish,
                output=items_out(choice.parts, request.id),
                usage=reply.usage,
            )
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode_error(error)

    def status_of(self, error: ShortstopError) -> int:
        return error.status

    def stream_decoder(self) -> ResponsesDecoder:
        return ResponsesDecoder()

    def stream_encoder(self, request: Request, created: int) -> ResponsesEncoder:
        return ResponsesEncoder(request, created)


# ---------------------------------------------------------------- decoding requests


def _input(value: Any, *, may_be_absent: bool) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message("user", (Text(value),)),)
    if value is None and may_be_absent:
        return ()
    if not isinstance(value, list):
        reject("input", "Must be a string or a list of items")
    if not value and not may_be_absent:
        reject("input", "Must hold at least one item")
    return _joined([_item(item, f"input[{i}]") for i, item in enumerate(value)])


def _joined(messages: list[Message]) -> tuple[Message, ...]:
    """Reasoning, words and calls of one turn are items of their own: one message in the house."""
    found: list[Message] = []
    for message in messages:
        last = found[-1] if found else None
        if last is not None and last.role == message.role == "assistant":
            found[-1] = Message("assistant", last.parts + message.parts)
        else:
            found.append(message)
    return tuple(found)


def _item(value: Any, at: str) -> Message:
    kind = fields.table(value, at).get("type", "message")
    if kind == "message":
        role = value.get("role")
        if role not in _ROLES:
            reject(f"{at}.role", f"Must be one of {', '.join(_ROLES)}")
        parts = _content(value.get("content"), f"{at}.content")
        if not parts and role != "assistant":
            reject(f"{at}.content", "Must not be empty")
        return Message(role, parts)
    if kind in ("function_call", "custom_tool_call"):
        return Message("assistant", (_call(value, at),))
    if kind in ("function_call_output", "custom_tool_call_output"):
        parts = _content(value.get("output"), f"{at}.output")
        call = fields.text(value.get("call_id"), f"{at}.call_id")
        results = tuple([p for p in parts if isinstance(p, (Text, Media))])
        return Message("tool", (ToolResult(call, results),))
    if kind == "reasoning":
        extra = {k: value[k] for k in ("id", "encrypted_content") if value.get(k)}
        return Message("assistant", (Thinking(_reasoning(value, at), extra=extra),))
    if isinstance(kind, str) and kind in VENDOR_ITEMS:
        return Message("assistant", (Opaque(kind, value),))
    reject(f"{at}.type", f"Unknown input item {kind!r}")


def _reasoning(value: Json, at: str) -> str:
    for key in ("summary", "content"):
        for i, part in enumerate(fields.optional_items(value, key, f"{at}.")):
            where = f"{at}.{key}[{i}]"
            fields.text(fields.table(part, where).get("text"), f"{where}.text")
    return reasoning_text(value)


def _call(value: Json, at: str) -> ToolCall:
    id = fields.text(value.get("call_id"), f"{at}.call_id")
    name = fields.text(value.get("name"), f"{at}.name")
    if value["type"] == "custom_tool_call":
        given = fields.text(value.get("input", ""), f"{at}.input")
        return ToolCall(id, name, given, {"type": "custom"})
    return ToolCall(id, name, fields.text(value.get("arguments", ""), f"{at}.arguments"))


def _content(value: Any, at: str) -> tuple[Part, ...]:
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        reject(at, "Must be a string or a list of parts")
    return tuple([_part(p, f"{at}[{i}]") for i, p in enumerate(value)])


def _part(value: Any, at: str) -> Part:
    kind, inside = fields.table(value, at).get("type"), f"{at}."
    if kind in ("input_text", "output_text", "text"):
        return Text(fields.text(value.get("text"), f"{at}.text"))
    if kind == "refusal":
        return Refusal(fields.text(value.get("refusal"), f"{at}.refusal"))
    if kind == "input_image":
        detail = {"detail": value["detail"]} if value.get("detail") else {}
        return Media(
            "image",
            url=fields.string(value, "image_url", inside),
            file_id=fields.string(value, "file_id", inside),
            extra=detail,
        )
    if kind == "input_file":
        return Media(
            "file",
            data=fields.string(value, "file_data", inside),
            url=fields.string(value, "file_url", inside),
            file_id=fields.string(value, "file_id", inside),
            name=fields.string(value, "filename", inside),
        )
    if kind == "input_audio":
        audio = fields.table(value.get("input_audio"), f"{at}.input_audio")
        data = fields.text(audio.get("data"), f"{at}.input_audio.data")
        return Media("audio", data=data, mime=f"audio/{audio.get('format') or 'wav'}")
    reject(f"{at}.type", f"Unknown content part {kind!r}")


def _tools(body: Json) -> tuple[Tool, ...]:
    found = []
    for i, tool in enumerate(fields.optional_items(body, "tools")):
        at = f"tools[{i}]"
        kind = fields.text(fields.table(tool, at).get("type"), f"{at}.type")
        if kind != "function":
            name = tool.get("name")
            extra = {k: v for k, v in tool.items() if k not in ("name", "description")}
            told = fields.string(tool, "description", f"{at}.") or ""
            found.append(Tool(name if isinstance(name, str) else kind, told, extra=extra))
            continue
        schema = tool.get("parameters")
        found.append(
            Tool(
                fields.text(tool.get("name"), f"{at}.name"),
                fields.string(tool, "description", f"{at}.") or "",
                {} if schema is None else fields.table(schema, f"{at}.parameters"),
                fields.flag(tool, "strict", f"{at}."),
            )
        )
    return tuple(found)


def _tool_choice(value: Any) -> ToolChoice:
    if value is None:
        return ToolChoice()
    if isinstance(value, str):
        if value not in ("none", "auto", "required"):
            reject("tool_choice", "Must be 'none', 'auto', 'required' or name a function")
        return ToolChoice(value)  # type: ignore[arg-type] # checked against the literals above
    if fields.table(value, "tool_choice").get("type") != "allowed_tools":
        return ToolChoice("required", (_chosen(value, "tool_choice"),))
    mode, tools = value.get("mode", "auto"), fields.items(value.get("tools"), "tool_choice.tools")
    if mode not in ("auto", "required"):
        reject("tool_choice.mode", "Must be 'auto' or 'required'")
    return ToolChoice(
        mode, tuple([_chosen(t, f"tool_choice.tools[{i}]") for i, t in enumerate(tools)])
    )


def _chosen(value: Any, at: str) -> str:
    """A function by its name, a vendor's tool by its type."""
    named = fields.table(value, at).get("name") or value.get("type")
    return fields.text(named, f"{at}.name")


def _format(value: Any) -> Format:
    if value is None:
        return Format()
    kind = fields.table(value, "text.format").get("type")
    if kind == "json_schema":
        schema = fields.table(value.get("schema"), "text.format.schema")
        name = fields.string(value, "name", "text.format.") or "answer"
        return Format(
            "json_schema", schema, name, bool(fields.flag(value, "strict", "text.format."))
        )
    if kind not in ("text", "json_object"):
        reject("text.format.type", "Must be 'text', 'json_object' or 'json_schema'")
    return Format(kind)


def _sampling(body: Json) -> Sampling:
    effort = fields.optional_table(body, "reasoning").get("effort")
    return Sampling(
        max_tokens=fields.integer(body, "max_output_tokens", 1),
        temperature=fields.number(body, "temperature", 0, 2),
        top_p=fields.number(body, "top_p", 0, 1),
        logprobs=_LOGPROBS in fields.optional_items(body, "include"),
        top_logprobs=fields.integer(body, "top_logprobs", 0, 20),
        reasoning_effort=None if effort is None else fields.text(effort, "reasoning.effort"),
    )
