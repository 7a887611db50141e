"""Writing a neutral request as one of Anthropic's."""

from __future__ import annotations

from shortstop.dialects import media
from shortstop.dialects.anthropic.wire import arguments_in
from shortstop.dialects.loss import carried, refuse_media, refuse_pinned, vendor_tool
from shortstop.types import (
    Json,
    Media,
    Message,
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

_MODES = {"auto": "auto", "required": "any", "none": "none"}
_EFFORTS = {"minimal": "low"}
_BLOCK_FIELDS = frozenset(["cache_control", "citations", "context"])


def request_out(request: Request, model: str, default_max_tokens: int) -> Json:
    refuse_pinned(request)
    own = request.dialect == "anthropic.messages"
    body: Json = {
        "model": model,
        "max_tokens": request.sampling.max_tokens or default_max_tokens,
        "messages": _messages_out(request, own=own),
    }
    system = _system_out(request)
    if system:
        body["system"] = system
    tools = [_tool_out(t) for t in _allowed(request) if own or not vendor_tool(t.extra)]
    if tools:
        body["tools"] = tools
        body.update(_choice_out(request))
    body.update(_sampling_out(request))
    body.update(_output_out(request))
    if request.stream:
        body["stream"] = True
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    return body | carried(request, "anthropic.messages")


def _sampling_out(request: Request) -> Json:
    said = request.sampling
    options = {
        "temperature": None if said.temperature is None else min(said.temperature, 1),
        # 1 is the default, and many models refuse it beside a temperature.
        "top_p": None if said.top_p == 1 else said.top_p,
        "top_k": said.top_k if said.top_k is not None and said.top_k >= 0 else None,
        "stop_sequences": [s for s in said.stop if s.strip()] or None,
    }
    return {k: v for k, v in options.items() if v is not None}


def _output_out(request: Request) -> Json:
    found: Json = {}
    config: Json = {}
    said = request.sampling
    if said.reasoning_effort == "none":
        found["thinking"] = {"type": "disabled"}
    elif said.reasoning_effort is not None:
        config["effort"] = _EFFORTS.get(said.reasoning_effort, said.reasoning_effort)
    if said.thinking_budget is not None:
        found["thinking"] = {"type": "enabled", "budget_tokens": said.thinking_budget}
    if request.format.kind == "json_schema":
        config["format"] = {"type": "json_schema", "schema": request.format.schema}
    if config:
        found["output_config"] = config
    return found


def _choice_out(request: Request) -> Json:
    choice, alone = request.tool_choice, request.parallel_tool_calls
    said: Json = {"type": _MODES[choice.mode]}
    if choice.mode == "required" and len(choice.names) == 1:
        said = {"type": "tool", "name": choice.names[0]}
    if alone is not None and choice.mode != "none":
        said["disable_parallel_tool_use"] = not alone
    return {} if said == {"type": "auto"} else {"tool_choice": said}


def _allowed(request: Request) -> tuple[Tool, ...]:
    """Anthropic knows no list of allowed tools: the others are not shown."""
    names = request.tool_choice.names
    if len(names) < 2 and not (names and request.tool_choice.mode == "auto"):
        return request.tools
    return tuple([t for t in request.tools if t.name in names])


def _tool_out(tool: Tool) -> Json:
    if vendor_tool(tool.extra):
        return {"name": tool.name, **tool.extra}
    schema = tool.schema if "type" in tool.schema else {"type": "object", **tool.schema}
    body: Json = {"name": tool.name, "input_schema": schema}
    if tool.description:
        body["description"] = tool.description
    if tool.strict is not None:
        body["strict"] = tool.strict
    return body | {k: v for k, v in tool.extra.items() if k in _BLOCK_FIELDS}


def _system_out(request: Request) -> str | list[Json]:
    told = [p for m in request.messages if m.role in ("system", "developer") for p in m.parts]
    texts = [p for p in told if isinstance(p, Text) and p.text]
    if len(texts) == 1 and not texts[0].extra:
        return texts[0].text
    return [_text_out(p) for p in texts]


def _messages_out(request: Request, *, own: bool) -> list[Json]:
    """Tool results in a row, and what the user says after them, are one user's message."""
    found: list[Json] = []
    after_results = False
    for message in request.messages:
        if message.role in ("system", "developer"):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks_out(message, own=own)
        if not blocks:
            continue
        if after_results and role == "user":
            found[-1]["content"] += blocks
        else:
            found.append({"role": role, "content": blocks})
        after_results = message.role == "tool"
    for said in found:
        said["content"] = _simplest(said["content"])
    return found


def _simplest(blocks: list[Json]) -> str | list[Json]:
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def _blocks_out(message: Message, *, own: bool) -> list[Json]:
    return [b for p in message.parts if (b := _block_out(p, own=own)) is not None]


def _block_out(part: Part, *, own: bool) -> Json | None:
    if isinstance(part, Text):
        return _text_out(part) if part.text else None
    if isinstance(part, Media):
        return _media_out(part)
    if isinstance(part, ToolCall):
        given = arguments_in(part.arguments)
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}
    if isinstance(part, ToolResult):
        return _result_out(part, own=own)
    if isinstance(part, Thinking):
        return _thinking_out(part)
    if isinstance(part, Refusal):
        return {"type": "text", "text": part.text} if part.text else None
    return part.raw if own and isinstance(part, Opaque) else None


def _text_out(part: Text) -> Json:
    extra = {k: v for k, v in part.extra.items() if k in _BLOCK_FIELDS}
    return {"type": "text", "text": part.text, **extra}


def _thinking_out(part: Thinking) -> Json | None:
    """Only reasoning that Anthropic signed may go back to it; the rest is left out on purpose."""
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature is None:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _result_out(part: ToolResult, *, own: bool) -> Json:
    content = [b for p in part.parts if (b := _block_out(p, own=own)) is not None]
    body: Json = {"type": "tool_result", "tool_use_id": part.call_id}
    if content:
        body["content"] = _simplest(content)
    if part.is_error:
        body["is_error"] = True
    return body | {k: v for k, v in part.extra.items() if k in _BLOCK_FIELDS}


def _media_out(part: Media) -> Json:
    if part.kind not in ("image", "file"):
        raise refuse_media(part)
    body: Json = {"type": "image" if part.kind == "image" else "document"}
    found = media.inline(part)
    if found is not None:
        body["source"] = {"type": "base64", "media_type": found[0], "data": found[1]}
    elif part.url is not None:
        body["source"] = {"type": "url", "url": part.url}
    elif part.file_id is not None:
        body["source"] = {"type": "file", "file_id": part.file_id}
    else:
        raise refuse_media(part)
    if part.kind == "file" and part.name:
        body["title"] = part.name
    return body | {k: v for k, v in part.extra.items() if k in _BLOCK_FIELDS}
