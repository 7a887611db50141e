"""Writing a neutral request as one of OpenAI Responses."""

from __future__ import annotations

from shortstop.dialects import media
from shortstop.dialects.loss import carried, refuse_media, refuse_pinned, vendor_tool
from shortstop.types import (
    Format,
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
    ToolChoice,
    ToolResult,
)


def fitted(body: Json) -> Json:
    """A client's own body for a vendor of this dialect. Answers are waited for: nothing runs in the
    background. Reasoning that the house told under its own id the vendor never saw."""
    body.pop("background", None)
    if isinstance(body.get("input"), list):
        body["input"] = [item for item in body["input"] if not _house_reasoning(item)]
    return body


def _house_reasoning(item: Json) -> bool:
    return item.get("type") == "reasoning" and str(item.get("id")).startswith("rs_req_")


def request_out(request: Request, model: str) -> Json:
    own = request.dialect == "openai.responses"
    if not own:
        refuse_pinned(request)
    said = request.sampling
    body: Json = {"model": model, "input": [i for m in request.messages for i in _items(m, own)]}
    tools = [tool_out(t) for t in request.tools if own or _portable(t)]
    if tools:
        body["tools"] = tools
        if request.tool_choice != ToolChoice():
            body["tool_choice"] = choice_out(request.tool_choice)
    options = {
        "parallel_tool_calls": request.parallel_tool_calls if tools else None,
        "max_output_tokens": said.max_tokens,
        "temperature": said.temperature,
        "top_p": said.top_p,
        "top_logprobs": said.top_logprobs,
        "include": ["message.output_text.logprobs"] if said.logprobs else None,
        "reasoning": {"effort": said.reasoning_effort} if said.reasoning_effort else None,
        "text": None if request.format.kind == "text" else {"format": format_out(request.format)},
        "stream": request.stream or None,
        "user": request.user,
        "metadata": request.metadata or None,
    }
    body.update((k, v) for k, v in options.items() if v is not None)
    body = body | carried(request, "openai.responses")
    # The house remembers nothing between requests, and asks no one to.
    body.setdefault("store", False)
    return body


def _portable(tool: Tool) -> bool:
    return not vendor_tool(tool.extra) or tool.extra["type"] == "custom"


def tool_out(tool: Tool) -> Json:
    told = {"description": tool.description} if tool.description else {}
    if vendor_tool(tool.extra):
        named = {} if tool.name == tool.extra["type"] else {"name": tool.name}
        return {**named, **told, **tool.extra}
    return {
        "type": "function",
        "name": tool.name,
        **told,
        "parameters": tool.schema,
        "strict": bool(tool.strict),
    }


def choice_out(choice: ToolChoice) -> Json | str:
    named: list[Json] = [{"type": "function", "name": n} for n in choice.names]
    if not named:
        return choice.mode
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}


def format_out(format: Format) -> Json:
    if format.kind != "json_schema":
        return {"type": format.kind}
    return {
        "type": "json_schema",
        "name": format.name,
        "schema": format.schema,
        "strict": format.strict,
    }


def _items(message: Message, own: bool) -> list[Json]:
    """A message is one or several items: words together, calls and results each alone."""
    found: list[Json] = []
    words: list[Json] = []
    for part in message.parts:
        content = _content_out(part, message.role)
        if content is not None:
            words.append(content)
            continue
        item = _item_out(part, own)
        if item is not None:
            found += [*_message_out(message, words), item]
            words = []
    return found + _message_out(message, words)


def _message_out(message: Message, words: list[Json]) -> list[Json]:
    if not words:
        return []
    role = "user" if message.role == "tool" else message.role
    if len(words) == 1 and "text" in words[0]:
        return [{"role": role, "content": words[0]["text"]}]
    return [{"role": role, "content": words}]


def _content_out(part: Part, role: str) -> Json | None:
    if isinstance(part, Text):
        kind = "output_text" if role == "assistant" else "input_text"
        return {"type": kind, "text": part.text}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media):
        return _media_out(part)
    return None


def _media_out(part: Media) -> Json:
    address, found = media.url(part), media.inline(part)
    if part.kind == "image" and (address or part.file_id):
        body: Json = {"type": "input_image", "detail": part.extra.get("detail", "auto")}
        return body | ({"image_url": address} if address else {"file_id": part.file_id})
    if part.kind == "audio" and found is not None:
        kind = found[0].rpartition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": found[1], "format": kind}}
    if part.kind == "file" and part.file_id:
        return {"type": "input_file", "file_id": part.file_id}
    if part.kind == "file" and found is not None:
        name, data = part.name or "file", media.url_of(found)
        return {"type": "input_file", "filename": name, "file_data": data}
    if part.kind == "file" and part.url:
        return {"type": "input_file", "file_url": part.url}
    raise refuse_media(part)


def _item_out(part: Part, own: bool) -> Json | None:
    if isinstance(part, ToolCall):
        if part.extra.get("type") == "custom":
            given = {"call_id": part.id, "name": part.name, "input": part.arguments}
            return {"type": "custom_tool_call", **given}
        given = {"call_id": part.id, "name": part.name, "arguments": part.arguments}
        return {"type": "function_call", **given}
    if isinstance(part, ToolResult):
        words = [c for p in part.parts if (c := _content_out(p, "user")) is not None]
        plain = words[0]["text"] if len(words) == 1 and "text" in words[0] else words or ""
        return {"type": "function_call_output", "call_id": part.call_id, "output": plain}
    if isinstance(part, Thinking) and "encrypted_content" in part.extra:
        # Only reasoning that OpenAI sealed may go back to it.
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        return {"type": "reasoning", "summary": summary, **part.extra}
    return part.raw if own and isinstance(part, Opaque) else None
