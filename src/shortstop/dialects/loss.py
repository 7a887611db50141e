"""What one dialect can say and another cannot, derived from their descriptions."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.dialects.describe import Description
from shortstop.dialects.table import description_of, every
from shortstop.errors import UpstreamRejected
from shortstop.types import DialectName, Json, Media, Opaque, Request, Sampling, Tool, ToolResult

DEFAULTS = Sampling()


def carried(request: Request, to: DialectName) -> Json:
    """The fields in `extra` that go along to the dialect `to`: shared ones and unknown ones.

    A field that some vendor documents means nothing to another; one that none documents may be
    meant for the very server that the request goes to.
    """
    if request.dialect == to or not request.extra:
        return request.extra
    source, target = description_of(request.dialect), description_of(to)
    shared = source.fields & target.fields if to in source.kin else frozenset()
    return {
        name: value
        for name, value in request.extra.items()
        if name in shared or not any(name in d.description.fields for d in every())
    }


def lost(request: Request, to: DialectName) -> tuple[str, ...]:
    """Names of what a target of dialect `to` would not receive, sorted.

    They are names of fields: the client's own for what its vendor alone documents, neutral ones
    (those of `Request` and `Sampling`, and "response_format") for the rest.
    """
    if request.dialect == to and request.body:
        return ()
    target = description_of(to)
    kept = carried(request, to)
    names = {name for name in request.extra if name not in kept}
    names.update(name for name, word in _stated(request) if word not in target.says)
    most = target.limits.stop_sequences
    if most is not None and len(request.sampling.stop) > most:
        names.add("stop")
    if request.dialect != to and not all(portable(tool, target) for tool in request.tools):
        names.add("tools")
    if _holds_opaque_parts(request):
        names.add("messages")
    return tuple(sorted(names))


def _stated(request: Request) -> Iterator[tuple[str, str]]:
    """What the request says beyond its messages, as (field, its word in `says`)."""
    for name in Sampling.__struct_fields__:
        if getattr(request.sampling, name) != getattr(DEFAULTS, name):
            yield name, name
    if request.metadata:
        yield "metadata", "metadata"
    if request.tools:
        yield "tools", "tools"
    if request.format.kind != "text":
        yield "response_format", request.format.kind


def _holds_opaque_parts(request: Request) -> bool:
    parts = [part for message in request.messages for part in message.parts]
    results = [part for part in parts if isinstance(part, ToolResult)]
    inner = [part for result in results for part in result.parts]
    return any(isinstance(part, Opaque) for part in [*parts, *inner])


def refuse_pinned(request: Request) -> None:
    """Raises UpstreamRejected when only the client's own dialect can ask the question.

    It refers to state that its vendor keeps, or it is tokens, or several prompts at once.
    """
    source = description_of(request.dialect)
    if source.batch:
        _refuse_batch(request)
    for name in source.pinning:
        if request.extra.get(name) is not None:
            raise UpstreamRejected(
                f"This target does not know the state that '{name}' refers to.",
                param=name,
                code="unsupported_parameter",
            )


def _refuse_batch(request: Request) -> None:
    tokens = any(isinstance(p, Opaque) for m in request.messages for p in m.parts)
    if tokens or len(request.messages) > 1:
        raise UpstreamRejected(
            "This target cannot be sent token arrays or several prompts at once.",
            param="prompt",
            code="unsupported_content",
        )


def is_vendor_tool(tool: Tool) -> bool:
    """Whether the tool is not a function: most of these run at the vendor (web search and such)."""
    return "type" in tool.extra


def portable(tool: Tool, target: Description) -> bool:
    """Whether a tool of one dialect can be offered in another."""
    return not is_vendor_tool(tool) or tool.extra["type"] in target.shared_tools


def refuse_media(media: Media) -> UpstreamRejected:
    """The error for a part that the target's dialect cannot carry: leaving it out would mislead."""
    return UpstreamRejected(
        f"This target cannot be sent a part of kind '{media.kind}' in this form.",
        param="messages",
        code="unsupported_content",
    )
