"""Anthropic Messages (docs.claude.com/en/api/messages)."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects import fields
from shortstop.dialects.anthropic.request import request_out
from shortstop.dialects.anthropic.stream import AnthropicDecoder, AnthropicEncoder
from shortstop.dialects.anthropic.wire import (
    FINISH_IN,
    arguments_in,
    decode_error,
    error_body,
    finish_out,
    usage_from,
    usage_out,
)
from shortstop.dialects.fields import reject
from shortstop.dialects.validate import sound
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed
from shortstop.types import (
    Choice,
    DialectName,
    Format,
    Json,
    Media,
    MediaKind,
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
DEFAULT_MAX_TOKENS = 4096
KNOWN = frozenset(
    [
        "model",
        "messages",
        "system",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "stream",
        "tools",
        "tool_choice",
        "metadata",
        "thinking",
        "output_config",
    ]
)
VENDOR_BLOCKS = frozenset(
    [
        "browser_state",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "compaction",
        "container_upload",
        "mcp_tool_result",
        "mcp_tool_use",
        "search_result",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "tool_reference",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    ]
)
"""Blocks of tools that run at Anthropic: kept, shown to no other vendor."""
_MODES = {"auto": "auto", "any": "required", "none": "none"}


class AnthropicMessages:
    name: DialectName = "anthropic.messages"

    # ------------------------------------------------------------ requests

    def decode_request(self, body: Json, id: str) -> Request:
        choice, parallel = _tool_choice(body)
        metadata = fields.optional_table(body, "metadata")
        return Request(
            id=id,
            dialect=self.name,
            body=body,
            model=fields.model(body),
            messages=(*_system(body.get("system")), *_messages(body.get("messages"))),
            tools=_tools(body),
            tool_choice=choice,
            parallel_tool_calls=parallel,
            sampling=_sampling(body),
            format=_format(body),
            stream=bool(fields.flag(body, "stream")),
            stream_usage=True,
            user=fields.string(metadata, "user_id", "metadata."),
            metadata={k: v for k, v in metadata.items() if k != "user_id"},
            extra={k: v for k, v in body.items() if k not in KNOWN},
        )

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == self.name and request.body:
            body = {**request.body, "model": model}
            if body.get("max_tokens") is None:
                body["max_tokens"] = DEFAULT_MAX_TOKENS
            return _ENCODE(body)
        return _ENCODE(request_out(request, model, DEFAULT_MAX_TOKENS))

    # ------------------------------------------------------------ replies

    def decode_reply(self, body: bytes) -> Reply:
        try:
            tree = _DECODE(body)
            choice = Choice(
                parts=tuple([part_from(b) for b in tree["content"]]),
                finish=FINISH_IN.get(tree.get("stop_reason") or "end_turn", "stop"),
                stop_sequence=tree.get("stop_sequence"),
            )
            return Reply(
                id=tree.get("id") or "",
                model=tree.get("model") or "",
                choices=sound((choice,)),
                usage=usage_from(tree.get("usage")),
                dialect=self.name,
                body=tree,
            )
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailed("The model's answer is not JSON.") from error
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise UpstreamFailed("The model's answer is not an Anthropic message.") from error

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == self.name and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        choice = reply.choices[0] if reply.choices else Choice()
        called = any(isinstance(p, ToolCall) for p in choice.parts)
        return _ENCODE(
            {
                "id": f"msg_{request.id}",
                "type": "message",
                "role": "assistant",
                "model": request.model,
                "content": [b for p in choice.parts if (b := _block_out(p)) is not None],
                "stop_reason": finish_out(choice.finish, choice.stop_sequence, called=called),
                "stop_sequence": choice.stop_sequence,
                "usage": usage_out(reply.usage),
            }
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return _ENCODE(error_body(error, request_id))

    def status_of(self, error: ShortstopError) -> int:
        """Anthropic's own number says "overloaded"; its SDK and Claude Code look for it."""
        return 529 if error.status == 503 else error.status

    def stream_decoder(self) -> AnthropicDecoder:
        return AnthropicDecoder()

    def stream_encoder(self, request: Request, created: int) -> AnthropicEncoder:
        return AnthropicEncoder(request)


# ---------------------------------------------------------------- decoding requests


def _system(value: Any) -> tuple[Message, ...]:
    if value is None or value in ("", []):
        return ()
    return (Message("system", _content(value, "system", ("text",))),)


def _messages(value: Any) -> tuple[Message, ...]:
    listed = fields.items(value, "messages")
    if not listed:
        reject("messages", "Must hold at least one message")
    return tuple([m for i, value in enumerate(listed) for m in _message(value, f"messages[{i}]")])


def _message(value: Any, at: str) -> list[Message]:
    """The results of tools become messages of their own, before what the user says beside them."""
    role = fields.table(value, at).get("role")
    if role not in ("user", "assistant", "system"):
        reject(f"{at}.role", "Must be one of assistant, system, user")
    parts = _content(value.get("content"), f"{at}.content")
    if not parts and role != "assistant":
        reject(f"{at}.content", "Must not be empty")
    results = [p for p in parts if isinstance(p, ToolResult)]
    if not results:
        return [Message(role, parts)]
    if role != "user":
        reject(f"{at}.content", "Only a user's message may hold tool results")
    rest = tuple([p for p in parts if not isinstance(p, ToolResult)])
    found = [Message("tool", (result,)) for result in results]
    return [*found, Message("user", rest)] if rest else found


def _content(value: Any, at: str, only: tuple[str, ...] = ()) -> tuple[Part, ...]:
    if isinstance(value, str):
        return (Text(value),)
    if not isinstance(value, list):
        reject(at, "Must be a string or a list of blocks")
    return tuple([_part(b, f"{at}[{i}]", only) for i, b in enumerate(value)])


def _part(value: Any, at: str, only: tuple[str, ...] = ()) -> Part:
    kind = fields.table(value, at).get("type")
    if only and kind not in only:
        reject(f"{at}.type", f"Must be one of {', '.join(only)}")
    if kind == "text":
        return Text(fields.text(value.get("text"), f"{at}.text"), _rest(value, "text"))
    if kind in ("image", "document"):
        return _media(value, at, "image" if kind == "image" else "file")
    if kind == "tool_result":
        return _result(value, at)
    if kind == "tool_use":
        return ToolCall(
            fields.text(value.get("id"), f"{at}.id"),
            fields.text(value.get("name"), f"{at}.name"),
            _ENCODE(fields.table(value.get("input"), f"{at}.input")).decode(),
            _rest(value, "id", "name", "input"),
        )
    if kind == "thinking":
        text = fields.text(value.get("thinking"), f"{at}.thinking")
        return Thinking(text, fields.string(value, "signature", f"{at}."))
    if kind == "redacted_thinking":
        return Thinking(redacted=fields.text(value.get("data"), f"{at}.data"))
    if isinstance(kind, str) and kind in VENDOR_BLOCKS:
        return Opaque(kind, value)
    reject(f"{at}.type", f"Unknown content block {kind!r}")


def _rest(value: Json, *known: str) -> Json:
    return {k: v for k, v in value.items() if k != "type" and k not in known}


def _media(value: Json, at: str, kind: MediaKind) -> Part:
    source = fields.table(value.get("source"), f"{at}.source")
    said, extra, inside = source.get("type"), _rest(value, "source"), f"{at}.source"
    name = value.get("title")
    if said == "base64":
        data = fields.text(source.get("data"), f"{inside}.data")
        return Media(kind, mime=source.get("media_type"), data=data, name=name, extra=extra)
    if said == "url":
        address = fields.text(source.get("url"), f"{inside}.url")
        return Media(kind, url=address, name=name, extra=extra)
    if said == "file":
        file = fields.text(source.get("file_id"), f"{inside}.file_id")
        return Media(kind, file_id=file, name=name, extra=extra)
    if said in ("text", "content"):
        return Opaque("document", value)
    reject(f"{inside}.type", "Must be 'base64', 'url', 'file', 'text' or 'content'")


def _result(value: Json, at: str) -> ToolResult:
    content = value.get("content")
    parts = () if content is None else _content(content, f"{at}.content")
    return ToolResult(
        fields.text(value.get("tool_use_id"), f"{at}.tool_use_id"),
        tuple([p for p in parts if isinstance(p, (Text, Media, Opaque))]),
        bool(fields.flag(value, "is_error")),
        _rest(value, "tool_use_id", "content", "is_error"),
    )


def _tools(body: Json) -> tuple[Tool, ...]:
    found = []
    for i, tool in enumerate(fields.optional_items(body, "tools")):
        at = f"tools[{i}]"
        extra = _rest(fields.table(tool, at), "name", "description", "input_schema", "strict")
        schema: Json = {}
        if tool.get("type") in (None, "custom"):
            schema = fields.table(tool.get("input_schema"), f"{at}.input_schema")
        else:
            extra["type"] = tool["type"]
        name = tool.get("name") or tool.get("mcp_server_name")
        found.append(
            Tool(
                fields.text(name, f"{at}.name"),
                fields.string(tool, "description", f"{at}.") or "",
                schema,
                fields.flag(tool, "strict", f"{at}."),
                extra,
            )
        )
    return tuple(found)


def _tool_choice(body: Json) -> tuple[ToolChoice, bool | None]:
    value = fields.optional_table(body, "tool_choice")
    if not value:
        return ToolChoice(), None
    alone = fields.flag(value, "disable_parallel_tool_use")
    parallel = None if alone is None else not alone
    kind = value.get("type")
    if kind == "tool":
        name = fields.text(value.get("name"), "tool_choice.name")
        return ToolChoice("required", (name,)), parallel
    if not isinstance(kind, str) or kind not in _MODES:
        reject("tool_choice.type", "Must be 'auto', 'any', 'tool' or 'none'")
    return ToolChoice(_MODES[kind]), parallel  # type: ignore[arg-type] # the table's values


def _format(body: Json) -> Format:
    output = fields.optional_table(body, "output_config")
    value = output.get("format") or body.get("output_format")
    if not value:
        return Format()
    if fields.table(value, "output_config.format").get("type") != "json_schema":
        reject("output_config.format.type", "Must be 'json_schema'")
    schema = fields.table(value.get("schema"), "output_config.format.schema")
    return Format("json_schema", schema, strict=True)


def _sampling(body: Json) -> Sampling:
    thinking = fields.optional_table(body, "thinking")
    effort = fields.optional_table(body, "output_config").get("effort")
    if effort is None and thinking.get("type") == "disabled":
        effort = "none"
    stop = body.get("stop_sequences")
    return Sampling(
        max_tokens=fields.integer(body, "max_tokens", 1),
        temperature=fields.number(body, "temperature", 0, 1),
        top_p=fields.number(body, "top_p", 0, 1),
        top_k=fields.integer(body, "top_k"),
        stop=() if stop is None else fields.strings(stop, "stop_sequences"),
        reasoning_effort=None if effort is None else fields.text(effort, "output_config.effort"),
        thinking_budget=fields.integer(thinking, "budget_tokens", 1),
    )


# ---------------------------------------------------------------- replies


def part_from(block: Json) -> Part:
    """A block of an answer; an unknown one is kept, never a failure."""
    kind = block["type"]
    if kind == "text":
        return Text(block["text"])
    if kind == "tool_use":
        return ToolCall(block["id"], block["name"], _ENCODE(block["input"]).decode())
    if kind == "thinking":
        return Thinking(block["thinking"], block.get("signature"))
    if kind == "redacted_thinking":
        return Thinking(redacted=block["data"])
    return Opaque(kind, block)


def _block_out(part: Part) -> Json | None:
    if isinstance(part, (Text, Refusal)):
        return {"type": "text", "text": part.text} if part.text else None
    if isinstance(part, ToolCall):
        given = arguments_in(part.arguments)
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}
    if isinstance(part, Thinking):
        if part.redacted is not None:
            return {"type": "redacted_thinking", "data": part.redacted}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
    return None
