"""Writing a request in Anthropic Messages."""

from __future__ import annotations

from typing import Any

from shortstop.dialects import media
from shortstop.dialects.anthropic.describe import DESCRIPTION, NAME
from shortstop.dialects.anthropic.wire import tool_use
from shortstop.dialects.fit import closed, fitted
from shortstop.dialects.loss import (
    carried,
    is_vendor_tool,
    portable,
    refuse_media,
)
from shortstop.dialects.names import fitted_id
from shortstop.types import (
    Json,
    Media,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)

DEFAULT_MAX_TOKENS = 4096
"""This dialect requires a limit."""
_MODES = {"auto": "auto", "required": "any", "none": "none"}
_JSON = "Answer with a single JSON object and nothing else."
"""Said where a client wants JSON of no certain shape, for which this dialect has no field."""
_BLOCK_FIELDS = frozenset(["cache_control", "citations", "context"])


def adapted(body: Json) -> Json:
    """A client's own body for Claude. What Claude refuses and says nothing is left out: thinking
    that no vendor signed (the gateway wrote it) and text without a visible character; ids of calls
    that other models made get letters that it takes."""
    if body.get("max_tokens") is None:
        body["max_tokens"] = DEFAULT_MAX_TOKENS
    messages = [_adapted_message(m) for m in body["messages"]]
    body["messages"] = [m for m in messages if m["content"]]
    return body


def _adapted_message(message: Json) -> Json:
    content: Any = message.get("content")
    if isinstance(content, str):
        return message if content.strip() else {**message, "content": []}
    if all(map(_is_welcome, content)):
        return message
    blocks = [_with_plain_id(b) for b in content if not _says_nothing(b)]
    return {**message, "content": blocks}


def _is_welcome(block: Json) -> bool:
    return not _says_nothing(block) and _with_plain_id(block) is block


def _says_nothing(block: Json) -> bool:
    kind = block.get("type")
    if kind == "thinking":
        return not block.get("signature")
    return kind == "text" and not block["text"].strip()


def _with_plain_id(block: Json) -> Json:
    key = {"tool_use": "id", "tool_result": "tool_use_id"}.get(block.get("type", ""))
    if key is None:
        return block
    id = fitted_id(block[key], DESCRIPTION.limits)
    return block if id == block[key] else {**block, key: id}


def request_out(request: Request, model: str) -> Json:
    """The neutral fields as a Messages body. Raises UpstreamRejected for what it cannot say."""
    native = request.dialect == NAME
    request = fitted(request, DESCRIPTION)
    body: Json = {
        "model": model,
        "max_tokens": request.sampling.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": _messages_out(request, native=native),
    }
    system = _system_out(request)
    if system:
        body["system"] = system
    tools = [_tool_out(t) for t in _allowed(request) if native or portable(t, DESCRIPTION)]
    if tools:
        body["tools"] = tools
        body.update(_tool_choice_out(request))
    body.update(_sampling_out(request))
    body.update(_output_out(request))
    if request.stream:
        body["stream"] = True
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    return body | carried(request, NAME)


def _sampling_out(request: Request) -> Json:
    sampling = request.sampling
    options = {
        "temperature": None if sampling.temperature is None else min(sampling.temperature, 1),
        "top_p": sampling.top_p,
        "top_k": sampling.top_k if sampling.top_k is not None and sampling.top_k >= 0 else None,
        "stop_sequences": list(sampling.stop) or None,
    }
    return {k: v for k, v in options.items() if v is not None}


def _output_out(request: Request) -> Json:
    """How much to think, and the form of the output."""
    options: Json = {}
    config: Json = {}
    sampling = request.sampling
    if sampling.reasoning_effort == "none":
        options["thinking"] = {"type": "disabled"}
    elif sampling.reasoning_effort is not None:
        config["effort"] = DESCRIPTION.effort(sampling.reasoning_effort)
    if sampling.thinking_budget is not None:
        options["thinking"] = {"type": "enabled", "budget_tokens": sampling.thinking_budget}
    if request.format.kind == "json_schema":
        config["format"] = {"type": "json_schema", "schema": closed(request.format.schema)}
    if config:
        options["output_config"] = config
    return options


def _tool_choice_out(request: Request) -> Json:
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    value: Json = {"type": _MODES[choice.mode]}
    if choice.mode == "required" and len(choice.names) == 1:
        value = {"type": "tool", "name": choice.names[0]}
    if parallel is not None and choice.mode != "none":
        value["disable_parallel_tool_use"] = not parallel
    return {} if value == {"type": "auto"} else {"tool_choice": value}


def _allowed(request: Request) -> tuple[Tool, ...]:
    """The tools to offer. There is no list of allowed tools here, so the others are left out."""
    names = request.tool_choice.names
    if len(names) < 2 and not (names and request.tool_choice.mode == "auto"):
        return request.tools
    return tuple([t for t in request.tools if t.name in names])


def _tool_out(tool: Tool) -> Json:
    if is_vendor_tool(tool):
        return {"name": tool.name, **tool.extra}
    value: Json = {"name": tool.name, "input_schema": tool.schema}
    if tool.description:
        value["description"] = tool.description
    if tool.strict is not None:
        value["strict"] = tool.strict
    return value | _block_fields(tool.extra)


def _system_out(request: Request) -> str | list[Json]:
    messages = [m for m in request.messages if m.role in ("system", "developer")]
    texts = [p for m in messages for p in m.parts if isinstance(p, Text) and p.text.strip()]
    if request.format.kind == "json_object":
        texts.append(Text(_JSON))
    if len(texts) == 1 and not texts[0].extra:
        return texts[0].text
    return [_text_out(p) for p in texts]


def _messages_out(request: Request, *, native: bool) -> list[Json]:
    """Adjacent tool results, and what the user says after them, are one message of the user."""
    messages: list[Json] = []
    after_results = False
    for message in request.messages:
        if message.role in ("system", "developer"):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks_out(message.parts, native=native)
        if not blocks:
            continue
        if after_results and role == "user":
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})
        after_results = message.role == "tool"
    return [{**m, "content": _simplest(m["content"])} for m in messages]


def _simplest(blocks: list[Json]) -> str | list[Json]:
    """A single plain text as a string, everything else as blocks."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def _blocks_out(parts: tuple[Part, ...], *, native: bool) -> list[Json]:
    return [block for p in parts if (block := _block_out(p, native=native)) is not None]


def _block_out(part: Part, *, native: bool) -> Json | None:
    if isinstance(part, Text):
        return _text_out(part) if part.text.strip() else None
    if isinstance(part, Media):
        return _media_out(part)
    if isinstance(part, ToolCall):
        return tool_use(part)
    if isinstance(part, ToolResult):
        return _tool_result_out(part, native=native)
    if isinstance(part, Thinking):
        return _thinking_out(part)
    if isinstance(part, Refusal):
        return {"type": "text", "text": part.text} if part.text.strip() else None
    return part.raw if native and isinstance(part, Opaque) else None


def _text_out(part: Text) -> Json:
    return {"type": "text", "text": part.text} | _block_fields(part.extra)


def _thinking_out(part: Thinking) -> Json | None:
    """Only reasoning that Anthropic signed may go back to it; other reasoning is left out."""
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if not part.signature:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _tool_result_out(part: ToolResult, *, native: bool) -> Json:
    content = _blocks_out(part.parts, native=native)
    block: Json = {"type": "tool_result", "tool_use_id": part.call_id}
    if content:
        block["content"] = _simplest(content)
    if part.is_error:
        block["is_error"] = True
    return block | _block_fields(part.extra)


def _media_out(part: Media) -> Json:
    if part.kind not in ("image", "file"):
        raise refuse_media(part)
    block: Json = {"type": "image" if part.kind == "image" else "document"}
    content = media.inline(part)
    if content is not None:
        mime, data = content
        block["source"] = {"type": "base64", "media_type": mime, "data": data}
    elif part.url is not None:
        block["source"] = {"type": "url", "url": part.url}
    elif part.file_id is not None:
        block["source"] = {"type": "file", "file_id": part.file_id}
    else:
        raise refuse_media(part)
    if part.kind == "file" and part.name:
        block["title"] = part.name
    return block | _block_fields(part.extra)


def _block_fields(extra: Json) -> Json:
    """The optional fields that a block of this dialect may have."""
    return {k: v for k, v in extra.items() if k in _BLOCK_FIELDS}
