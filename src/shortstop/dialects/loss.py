"""What one dialect can say and another cannot, derived from their descriptions."""

from __future__ import annotations

from collections.abc import Iterator

from shortstop.dialects.describe import Description
from shortstop.dialects.opaque import is_sayable, opaque_parts
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
    if any(not portable(tool, target) for tool in _foreign_tools(request, to)):
        names.add("tools")
    if is_one_too_many(request.sampling, target):
        names.add("top_p")
    if user_for(request, target) != request.user:
        names.add("user")
    if not all(map(is_sayable, opaque_parts(request))):
        names.add("messages")
    return tuple(sorted(names))


def is_one_too_many(sampling: Sampling, target: Description) -> bool:
    """Whether a target takes only the temperature of the two that are given."""
    both = sampling.temperature is not None and sampling.top_p is not None
    return target.limits.temperature_or_top_p and both


def user_for(request: Request, target: Description) -> str | None:
    """Whom the client names, unless that is an account at another vendor, or too long."""
    user, most = request.user, target.limits.user
    if user is None or request.dialect == target.name:
        return user
    account = description_of(request.dialect).users_are_accounts
    return None if account or (most is not None and len(user) > most) else user


def refuse_lost(request: Request, to: DialectName) -> None:
    """Raises UpstreamRejected where a target of dialect `to` would be asked another question: what
    the answer must obey cannot be said to it."""
    target, sampling = description_of(to), request.sampling
    if sampling.n > 1 and "n" not in target.says:
        raise _unsayable("n", "several answers")
    source = description_of(request.dialect)
    for tool in _foreign_tools(request, to):
        if not portable(tool, target) and tool.extra["type"] not in source.optional_tools:
            raise _unsayable("tools", f"a tool of type '{tool.extra['type']}'")
    offered = {t.name for t in request.tools}
    gone = {t.name for t in _foreign_tools(request, to) if not portable(t, target)}
    if request.tool_choice.names and set(request.tool_choice.names) & offered <= gone & offered:
        raise _unsayable("tool_choice", f"the tool '{request.tool_choice.names[0]}'")


def _unsayable(param: str, what: str) -> UpstreamRejected:
    return UpstreamRejected(
        f"This target cannot be asked for {what} ({param}).",
        param=param,
        code="unsupported_parameter",
    )


def _foreign_tools(request: Request, to: DialectName) -> tuple[Tool, ...]:
    return () if request.dialect == to else request.tools


def unsent_stops(request: Request, target: Description) -> tuple[str, ...]:
    """The stop sequences that a target cannot be sent: the gateway itself stops at them."""
    stops, limits = request.sampling.stop, target.limits
    if "stop" not in target.says:
        return stops
    if request.dialect == target.name:
        return ()
    sent = [stop for stop in stops if limits.blank_stops or stop.strip()]
    return tuple([stop for stop in stops if stop not in sent[: limits.stop_sequences]])


def _stated(request: Request) -> Iterator[tuple[str, str]]:
    """What the request says beyond its messages, as (field, its word in `says`)."""
    for name in Sampling.__struct_fields__:
        if name != "stop" and getattr(request.sampling, name) != getattr(DEFAULTS, name):
            yield name, name
    if request.metadata:
        yield "metadata", "metadata"
    if request.tools:
        yield "tools", "tools"
    if request.format.kind != "text":
        yield "response_format", request.format.kind


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


def refuse_foreign_files(request: Request, target: Description) -> None:
    """Raises UpstreamRejected for a file that only another vendor keeps."""
    if request.dialect in target.kin:
        return
    for message in request.messages:
        for part in message.parts:
            for inner in part.parts if isinstance(part, ToolResult) else (part,):
                if isinstance(inner, Media) and inner.file_id and not (inner.url or inner.data):
                    raise refuse_media(inner)


def refuse_media(media: Media) -> UpstreamRejected:
    """The error for a part that the target's dialect cannot carry: leaving it out would mislead."""
    return UpstreamRejected(
        f"This target cannot be sent a part of kind '{media.kind}' in this form.",
        param="messages",
        code="unsupported_content",
    )
