"""Writing a request in OpenAI Responses."""

from __future__ import annotations

from shortstop.dialects import media
from shortstop.dialects.fit import fitted
from shortstop.dialects.loss import (
    carried,
    portable,
    refuse_media,
)
from shortstop.dialects.responses.describe import DESCRIPTION, NAME
from shortstop.dialects.responses.wire import (
    LOGPROBS,
    format_out,
    tool_choice_out,
    tool_out,
)
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
    ToolCall,
    ToolChoice,
    ToolResult,
)


def adapted(body: Json) -> Json:
    """A client's own body for a vendor of this dialect. `background` is dropped: the gateway waits
    for every answer. So is reasoning under an id of our own, which the vendor never saw."""
    body.pop("background", None)
    if isinstance(body.get("input"), list):
        body["input"] = [item for item in body["input"] if not _is_our_reasoning(item)]
    return body


def _is_our_reasoning(item: Json) -> bool:
    return item.get("type") == "reasoning" and str(item.get("id")).startswith("rs_req_")


def request_out(request: Request, model: str) -> Json:
    """The neutral fields as a Responses body. Raises UpstreamRejected for what it cannot say."""
    native = request.dialect == NAME
    if not native:
        request = fitted(request, DESCRIPTION)
    sampling = request.sampling
    items = [item for message in request.messages for item in _items(message, native)]
    body: Json = {"model": model, "input": items}
    tools = [tool_out(t) for t in request.tools if native or portable(t, DESCRIPTION)]
    if tools:
        body["tools"] = tools
        if request.tool_choice != ToolChoice():
            body["tool_choice"] = tool_choice_out(request.tool_choice)
    effort = DESCRIPTION.effort(sampling.reasoning_effort)
    options = {
        "parallel_tool_calls": request.parallel_tool_calls if tools else None,
        "max_output_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_logprobs": sampling.top_logprobs,
        "include": [LOGPROBS] if sampling.logprobs else None,
        "reasoning": {"effort": effort} if effort else None,
        "text": _text_options(request) or None,
        "stream": request.stream or None,
        "user": request.user,
        "metadata": request.metadata or None,
    }
    body.update((k, v) for k, v in options.items() if v is not None)
    body = body | carried(request, NAME)
    # The gateway keeps no state at the vendor unless the client asks for it.
    body.setdefault("store", False)
    return body


def _text_options(request: Request) -> Json:
    options: Json = {}
    if request.format.kind != "text":
        options["format"] = format_out(request.format)
    if request.sampling.verbosity is not None:
        options["verbosity"] = request.sampling.verbosity
    return options


def _items(message: Message, native: bool) -> list[Json]:
    """A message is one or several items: content together, each call and result by itself."""
    items: list[Json] = []
    content: list[Json] = []
    for part in message.parts:
        content_part = _content_out(part, message.role)
        if content_part is not None:
            content.append(content_part)
            continue
        item = _item_out(part, native)
        if item is not None:
            items += [*_message_out(message, content), item]
            content = []
    return items + _message_out(message, content)


def _message_out(message: Message, content: list[Json]) -> list[Json]:
    if not content:
        return []
    role = "user" if message.role == "tool" else message.role
    if len(content) == 1 and "text" in content[0]:
        return [{"role": role, "content": content[0]["text"]}]
    return [{"role": role, "content": content}]


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
    address, content = media.url(part), media.inline(part)
    if part.kind == "image" and (address or part.file_id):
        image: Json = {"type": "input_image", "detail": part.extra.get("detail", "auto")}
        return image | ({"image_url": address} if address else {"file_id": part.file_id})
    if part.kind == "audio" and content is not None:
        mime, data = content
        audio = {"data": data, "format": mime.rpartition("/")[2]}
        return {"type": "input_audio", "input_audio": audio}
    if part.kind == "file" and part.file_id:
        return {"type": "input_file", "file_id": part.file_id}
    if part.kind == "file" and content is not None:
        file = {"filename": part.name or "file", "file_data": media.data_url(*content)}
        return {"type": "input_file", **file}
    if part.kind == "file" and part.url:
        return {"type": "input_file", "file_url": part.url}
    raise refuse_media(part)


def _item_out(part: Part, native: bool) -> Json | None:
    if isinstance(part, ToolCall):
        call = {"call_id": part.id, "name": part.name}
        if part.extra.get("type") == "custom":
            return {"type": "custom_tool_call", **call, "input": part.arguments}
        return {"type": "function_call", **call, "arguments": part.arguments}
    if isinstance(part, ToolResult):
        return {
            "type": "function_call_output",
            "call_id": part.call_id,
            "output": _output(part),
        }
    if isinstance(part, Thinking) and "encrypted_content" in part.extra:
        # Only reasoning that OpenAI sealed may go back to it.
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        return {"type": "reasoning", "summary": summary, **part.extra}
    return part.raw if native and isinstance(part, Opaque) else None


def _output(result: ToolResult) -> str | list[Json]:
    """A tool's result; a single text stays a string."""
    content = [c for p in result.parts if (c := _content_out(p, "user")) is not None]
    if len(content) == 1 and "text" in content[0]:
        text: str = content[0]["text"]
        return text
    return content or ""
