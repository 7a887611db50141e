"""Parts of the Responses format that requests, whole answers and streams have in common."""

from __future__ import annotations

from typing import Any

import msgspec

from shortstop.dialects.loss import is_vendor_tool
from shortstop.types import (
    Finish,
    Format,
    Json,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)

CUT = ("length", "content_filter", "refusal")
"""Ends of an answer that is incomplete in this dialect."""
LOGPROBS = "message.output_text.logprobs"
"""What `include` lists when log-probabilities are wanted."""


def reasoning_text(item: Json) -> str:
    """Its summary, or the reasoning itself when there is no summary."""
    parts = item.get("summary") or item.get("content") or []
    return "\n\n".join([part["text"] for part in parts])


def parts_from(item: Json) -> list[Part]:
    """The parts of an item of an answer. An unknown item is kept as it is."""
    kind = item["type"]
    if kind == "message":
        return [_content_from(c) for c in item["content"]]
    id = item.get("call_id") or ""
    if kind == "function_call":
        extra = {"namespace": item["namespace"]} if item.get("namespace") else {}
        return [ToolCall(id, item["name"], call_arguments(item.get("arguments")) or "{}", extra)]
    if kind == "custom_tool_call":
        return [ToolCall(id, item["name"], item["input"], {"type": "custom"})]
    if kind == "reasoning":
        extra = {k: item[k] for k in ("id", "encrypted_content") if item.get(k)}
        return [Thinking(reasoning_text(item), extra=extra)]
    return [Opaque(kind, item)]


def call_arguments(value: Any) -> str:
    """What a call is called with, as text: some servers send an object."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _content_from(content: Json) -> Part:
    kind = content["type"]
    if kind == "output_text":
        return Text(content["text"])
    if kind == "refusal":
        return Refusal(content["refusal"])
    return Opaque(kind, content)


def finish_from(response: Json) -> Finish:
    """Why the answer ended, by its status and its items; "error" where it failed."""
    status = response.get("status") or "completed"
    if status == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    if status != "completed":
        return "error"
    calls = ("function_call", "custom_tool_call")
    if any(item.get("type") in calls for item in response.get("output") or ()):
        return "tool_calls"
    return "stop"


def status_out(finish: Finish | None) -> str:
    """The status of an answer that has ended."""
    return "incomplete" if finish in CUT else "completed"


def usage_out(usage: Usage | None) -> Json | None:
    """The `usage` object; null when no usage is known."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
        },
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


# ---------------------------------------------------------------- the response object


def response_out(
    request: Request,
    created: int,
    *,
    status: str,
    output: list[Json],
    finish: Finish | None = None,
    usage: Usage | None = None,
    error: Json | None = None,
) -> Json:
    """The response object, which also repeats the request's options."""
    sampling, details = request.sampling, None
    if status == "incomplete":
        reason = "max_output_tokens" if finish == "length" else "content_filter"
        details = {"reason": reason}
    return {
        "id": f"resp_{request.id}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": error,
        "incomplete_details": details,
        "instructions": request.body.get("instructions"),
        "max_output_tokens": sampling.max_tokens,
        "metadata": request.metadata,
        "model": request.model,
        "output": output,
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.continues,
        "reasoning": {"effort": sampling.reasoning_effort, "summary": None},
        "store": request.body.get("store") is not False,
        "temperature": sampling.temperature,
        "text": {"format": format_out(request.format)},
        "tool_choice": tool_choice_out(request.tool_choice),
        "tools": [tool_out(tool) for tool in request.tools],
        "top_p": sampling.top_p,
        "truncation": "disabled",
        "usage": usage_out(usage),
        "user": request.user,
    }


def addressed(response: Json, request: Request) -> Json:
    """A vendor's response object under the names that the client used in `request`."""
    renamed = {**response, "model": request.model}
    if request.continues is None:
        return renamed
    return renamed | {"previous_response_id": request.continues}


def tool_out(tool: Tool) -> Json:
    """A tool as a client or vendor of this dialect knows it."""
    description = {"description": tool.description} if tool.description else {}
    if is_vendor_tool(tool):
        name = {} if tool.name == tool.extra["type"] else {"name": tool.name}
        return {**name, **description, **tool.extra}
    return {
        "type": "function",
        "name": tool.name,
        **description,
        "parameters": tool.schema,
        "strict": bool(tool.strict),
    }


def tool_choice_out(choice: ToolChoice) -> Json | str:
    """A tool choice, likewise."""
    functions: list[Json] = [{"type": "function", "name": name} for name in choice.names]
    if not functions:
        return choice.mode
    if choice.mode == "required" and len(functions) == 1:
        return functions[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": functions}


def format_out(format: Format) -> Json:
    """A promised shape as `text.format`."""
    if format.kind != "json_schema":
        return {"type": format.kind}
    return {
        "type": "json_schema",
        "name": format.name,
        "schema": format.schema,
        "strict": format.strict,
    }


# ---------------------------------------------------------------- output items


def items_out(parts: tuple[Part, ...], request_id: str) -> list[Json]:
    """Adjacent texts are one message; calls and reasoning are items by themselves."""
    items: list[Json] = []
    for part in parts:
        content = _content_out(part)
        if content is not None and items and items[-1]["type"] == "message":
            items[-1]["content"].append(content)
        elif content is not None:
            items.append(message_item(f"msg_{request_id}_{len(items)}", [content]))
        elif isinstance(part, ToolCall):
            items.append(call_item(f"fc_{request_id}_{len(items)}", part))
        elif isinstance(part, Thinking) and part.text:
            items.append(reasoning_item(f"rs_{request_id}_{len(items)}", part.text))
    return items


def _content_out(part: Part) -> Json | None:
    if isinstance(part, Text):
        return text_part(part.text)
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return None


def text_part(text: str) -> Json:
    """Text as content of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(id: str, content: list[Json], status: str = "completed") -> Json:
    """A message of the assistant."""
    return {
        "id": id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def call_item(id: str, call: ToolCall, status: str = "completed") -> Json:
    """A call of a function or custom tool."""
    custom = call.extra.get("type") == "custom"
    namespace = {"namespace": call.extra["namespace"]} if call.extra.get("namespace") else {}
    return {
        "id": id,
        "type": "custom_tool_call" if custom else "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        **namespace,
        "input" if custom else "arguments": call.arguments,
    }


def reasoning_item(id: str, text: str) -> Json:
    """Reasoning, shown as a summary."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": id, "type": "reasoning", "summary": summary}
