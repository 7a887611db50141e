"""Pieces of the Responses wire format that whole answers and streams share."""

from __future__ import annotations

from typing import Any

from shortstop.dialects.responses.request import choice_out, format_out, tool_out
from shortstop.dialects.validate import count
from shortstop.types import (
    Finish,
    Json,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    ToolCall,
    Usage,
)

VENDOR_ITEMS = frozenset(
    [
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    ]
)
"""Items of tools that run at OpenAI: kept, shown to no other vendor."""


def reasoning_text(item: Json) -> str:
    """Its summary; where there is none, the reasoning itself."""
    told = item.get("summary") or item.get("content") or []
    return "\n\n".join([p["text"] for p in told])


def parts_from(item: Json) -> list[Part]:
    """An item of an answer; an unknown one is kept, never a failure."""
    kind = item["type"]
    if kind == "message":
        return [_content_from(c) for c in item["content"]]
    if kind == "function_call":
        return [ToolCall(item["call_id"], item["name"], item["arguments"])]
    if kind == "custom_tool_call":
        return [ToolCall(item["call_id"], item["name"], item["input"], {"type": "custom"})]
    if kind == "reasoning":
        extra = {k: item[k] for k in ("id", "encrypted_content") if item.get(k)}
        return [Thinking(reasoning_text(item), extra=extra)]
    return [Opaque(kind, item)]


def _content_from(content: Json) -> Part:
    kind = content["type"]
    if kind == "output_text":
        return Text(content["text"])
    if kind == "refusal":
        return Refusal(content["refusal"])
    return Opaque(kind, content)


def finish_from(response: Json) -> Finish:
    if response.get("status") == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    calls = ("function_call", "custom_tool_call")
    if any(item.get("type") in calls for item in response.get("output") or ()):
        return "tool_calls"
    return "stop"


def status_out(finish: Finish | None) -> str:
    return "incomplete" if finish in ("length", "content_filter") else "completed"


def usage_from(value: Any) -> Usage | None:
    """Cached tokens are counted inside the input, reasoning inside the output."""
    if not value:
        return None
    asked = value.get("input_tokens_details") or {}
    cached, written = count(asked, "cached_tokens"), count(asked, "cache_write_tokens")
    reasoning = count((value.get("output_tokens_details") or {}), "reasoning_tokens")
    return Usage(
        input=max(0, count(value, "input_tokens") - cached - written),
        cache_read=cached,
        cache_write=written,
        output=max(0, count(value, "output_tokens") - reasoning),
        reasoning=reasoning,
    )


def usage_out(usage: Usage | None) -> Json | None:
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


def answer(
    request: Request,
    created: int,
    *,
    status: str,
    output: list[Json],
    finish: Finish | None = None,
    usage: Usage | None = None,
    error: Json | None = None,
) -> Json:
    """The response object, which also repeats what was asked."""
    said, details = request.sampling, None
    if status == "incomplete":
        cut = "content_filter" if finish == "content_filter" else "max_output_tokens"
        details = {"reason": cut}
    effort = {"effort": said.reasoning_effort, "summary": None}
    return {
        "id": f"resp_{request.id}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": error,
        "incomplete_details": details,
        "instructions": request.body.get("instructions"),
        "max_output_tokens": said.max_tokens,
        "metadata": request.metadata,
        "model": request.model,
        "output": output,
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": request.continues,
        "reasoning": effort,
        "store": request.body.get("store") is not False,
        "temperature": said.temperature,
        "text": {"format": format_out(request.format)},
        "tool_choice": choice_out(request.tool_choice),
        "tools": [tool_out(t) for t in request.tools],
        "top_p": said.top_p,
        "truncation": "disabled",
        "usage": usage_out(usage),
        "user": request.user,
    }


def named_out(response: Json, request: Request) -> Json:
    """A vendor's response object as the answer to `request`."""
    ours = {**response, "model": request.model}
    return ours if request.continues is None else ours | {"previous_response_id": request.continues}


def items_out(parts: tuple[Part, ...], request_id: str) -> list[Json]:
    """Words that stand side by side are one message; calls and reasoning are items of their own."""
    found: list[Json] = []
    for part in parts:
        content = _content_out(part)
        if content is not None and found and found[-1]["type"] == "message":
            found[-1]["content"].append(content)
        elif content is not None:
            found.append(message_item(f"msg_{request_id}_{len(found)}", [content]))
        elif isinstance(part, ToolCall):
            found.append(call_item(f"fc_{request_id}_{len(found)}", part))
        elif isinstance(part, Thinking) and part.text:
            found.append(reasoning_item(f"rs_{request_id}_{len(found)}", part.text))
    return found


def _content_out(part: Part) -> Json | None:
    if isinstance(part, Text):
        return text_part(part.text)
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return None


def text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(id: str, content: list[Json], status: str = "completed") -> Json:
    return {
        "id": id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def call_item(id: str, call: ToolCall, status: str = "completed") -> Json:
    custom = call.extra.get("type") == "custom"
    return {
        "id": id,
        "type": "custom_tool_call" if custom else "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "input" if custom else "arguments": call.arguments,
    }


def reasoning_item(id: str, text: str) -> Json:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": id, "type": "reasoning", "summary": summary}
