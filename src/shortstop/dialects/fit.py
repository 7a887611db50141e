"""A request as a target can take it: its limits are data of its dialect's description.

What is mended says the same; what cannot be said is refused (`loss`), never left out in silence
where it would change the question.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec.structs import replace

from shortstop.dialects.describe import Description, Limits
from shortstop.dialects.loss import (
    is_one_too_many,
    refuse_foreign_files,
    refuse_lost,
    refuse_pinned,
    unsent_stops,
    user_for,
)
from shortstop.dialects.names import ToolNames, fitted_id
from shortstop.dialects.opaque import in_words
from shortstop.types import (
    Json,
    Media,
    Message,
    Part,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)

FAILED = "The tool failed."
"""Said before the result of a call that failed, where a dialect has no field for it."""
SHOWN_BELOW = "(shown below)"
"""Stands for a picture in the result of a tool that can only be shown after it."""


def fitted(request: Request, target: Description) -> Request:
    """`request` within the limits of `target`. Raises UpstreamRejected for what it cannot say."""
    refuse_pinned(request)
    refuse_lost(request, target.name)
    limits = target.limits
    if request.dialect != target.name:
        refuse_foreign_files(request, target)
        request = in_words(request)
    request = ToolNames.of(request, limits).request(request)
    messages = [replace(m, parts=_parts(m.parts, limits)) for m in request.messages]
    messages = _with_media_shown(_in_order(messages), limits)
    if limits.asks_user:
        messages = _with_a_question(messages)
    unsent, sampling = unsent_stops(request, target), request.sampling
    if unsent:
        stops = tuple([stop for stop in sampling.stop if stop not in unsent])
        sampling = replace(sampling, stop=stops)
    if is_one_too_many(sampling, target):
        sampling = replace(sampling, top_p=None)
    return replace(
        request,
        messages=tuple(messages),
        tools=tuple(map(_tool, request.tools)),
        sampling=sampling,
        user=user_for(request, target),
    )


# ---------------------------------------------------------------- tools


def _tool(tool: Tool) -> Tool:
    return tool if "type" in tool.extra else replace(tool, schema=object_schema(tool.schema))


def object_schema(schema: Json) -> Json:
    """A schema of arguments, which every vendor wants to be of an object with properties."""
    if "type" in schema and schema["type"] != "object":
        return schema
    if any(key in schema for key in ("$ref", "anyOf", "oneOf", "allOf")):
        return {"type": "object", **schema}
    return {"type": "object", "properties": {}, **schema}


def closed(schema: Any) -> Any:
    """A schema in which every object says that it has no other properties."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        k: closed(v) if k not in ("enum", "const", "default") else v for k, v in schema.items()
    }
    if schema.get("type") == "object" or isinstance(schema.get("properties"), dict):
        inner["additionalProperties"] = False
    return inner


# ---------------------------------------------------------------- messages


def _parts(parts: tuple[Part, ...], limits: Limits) -> tuple[Part, ...]:
    return tuple([_part(part, limits) for part in parts])


def _part(part: Part, limits: Limits) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, id=fitted_id(part.id, limits))
    if isinstance(part, ToolResult):
        part = replace(part, call_id=fitted_id(part.call_id, limits))
        if part.is_error and not limits.failed_results:
            part = replace(part, is_error=False, parts=(Text(FAILED), *part.parts))
    return part


def _in_order(messages: list[Message]) -> list[Message]:
    """Results right after the message with their calls, in the order of the calls; whatever stood
    between them comes after. Calls that share an id get one each, the last one all others."""
    parts = [part for message in messages for part in message.parts]
    called = Counter([part.id for part in parts if isinstance(part, ToolCall)])
    results: dict[str, list[ToolResult]] = {}
    for part in parts:
        if isinstance(part, ToolResult) and part.call_id in called:
            results.setdefault(part.call_id, []).append(part)
    times: Counter[str] = Counter()
    ordered: list[Message] = []
    for message in messages:
        answers: list[Message] = []
        kept: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                id, times[part.id] = _numbered(part.id, times[part.id]), times[part.id] + 1
                if waiting := results.get(part.id):
                    mine = waiting[:] if times[part.id] == called[part.id] else waiting[:1]
                    del waiting[: len(mine)]
                    answers.append(Message("tool", (_joined(mine, id),)))
                part = replace(part, id=id)
            if not isinstance(part, ToolResult) or part.call_id not in called:
                kept.append(part)
        if kept or not message.parts:
            ordered.append(replace(message, parts=tuple(kept)))
        ordered += answers
    return ordered


def _joined(results: list[ToolResult], call_id: str) -> ToolResult:
    """All that was answered to one call as one result: no vendor takes two."""
    parts = tuple([part for result in results for part in result.parts])
    failed = any(result.is_error for result in results)
    return replace(results[0], call_id=call_id, parts=parts, is_error=failed)


def _numbered(id: str, earlier: int) -> str:
    """The id of a call that so many earlier calls have, too."""
    return f"{id[:30]}_{earlier + 1}" if earlier else id


def _with_media_shown(messages: list[Message], limits: Limits) -> list[Message]:
    """Pictures and files in results in a user's message after all of them, where results cannot
    hold any."""
    shown: list[Part] = []
    placed: list[Message] = []
    for message in messages:
        if shown and message.role != "tool":
            own = message.parts if message.role == "user" else ()
            placed.append(Message("user", (*shown, *own)))
            shown = []
            if own:
                continue
        parts = []
        for part in message.parts:
            if isinstance(part, ToolResult) and not limits.media_in_results:
                shown += [p for p in part.parts if isinstance(p, Media)]
                part = _without_media(part)
            parts.append(part)
        placed.append(replace(message, parts=tuple(parts)))
    return [*placed, Message("user", tuple(shown))] if shown else placed


def _without_media(result: ToolResult) -> ToolResult:
    kept = tuple([p for p in result.parts if not isinstance(p, Media)])
    lacking = len(kept) < len(result.parts) and not kept
    return replace(result, parts=(Text(SHOWN_BELOW),) if lacking else kept)


def _with_a_question(messages: list[Message]) -> list[Message]:
    """Instructions alone are asked as a question: somebody must say something."""
    said = [m for m in messages if m.role not in ("system", "developer") and _speaks(m)]
    if said or not messages:
        return messages
    last = max(i for i, m in enumerate(messages) if m.role in ("system", "developer"))
    return [replace(m, role="user") if i == last else m for i, m in enumerate(messages)]


def _speaks(message: Message) -> bool:
    return any(not isinstance(p, Thinking) for p in message.parts)
