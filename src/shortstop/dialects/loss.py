"""What one dialect can say and another cannot."""

from __future__ import annotations

from shortstop.errors import UpstreamRejected
from shortstop.types import DialectName, Json, Media, Opaque, Request, Sampling, ToolResult


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OPENAI = (
    "audio max_completion_tokens modalities moderation prediction prompt_cache_key"
    " prompt_cache_options prompt_cache_retention safety_identifier service_tier store verbosity"
    " web_search_options stream_options logit_bias functions function_call metadata user"
)
FIELDS: dict[DialectName, frozenset[str]] = {
    "openai.chat": _names(_OPENAI),
    "openai.completions": _names("best_of echo suffix logit_bias stream_options user prompt"),
    "openai.responses": _names(
        "access_programs background background_options context_management conversation image "
        "include input instructions max_output_tokens max_tool_calls metadata moderation "
        "previous_response_id prompt prompt_cache_key prompt_cache_options "
        "prompt_cache_retention reasoning safety_identifier service_tier store stream_options "
        "text truncation user"
    ),
    "anthropic.messages": _names(
        "cache_control container context_management diagnostics inference_geo mcp_servers "
        "metadata output_config output_format prefill service_tier speed stop_sequences "
        "system thinking user_profile_id workspace_id"
    ),
}
"""Fields beside the neutral ones that each vendor documents."""

_ALL_FIELDS = frozenset().union(*FIELDS.values())
_SHARED = {
    frozenset(("openai.chat", "openai.responses")): FIELDS["openai.chat"]
    & FIELDS["openai.responses"],
}
"""Of one name and one meaning. `service_tier` exists at Anthropic too, with other values."""

_SAMPLING_LOST: dict[DialectName, tuple[str, ...]] = {
    "openai.chat": ("thinking_budget",),
    "openai.completions": ("thinking_budget", "reasoning_effort"),
    "openai.responses": (
        "top_k",
        "seed",
        "stop",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "n",
        "thinking_budget",
    ),
    "anthropic.messages": (
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "n",
    ),
}
_UNSAID = Sampling()
_PINNING = ("previous_response_id", "conversation", "prompt")
"""They name what only their owner has: elsewhere the question would be another one."""


def carried(request: Request, to: DialectName) -> Json:
    """The `extra` fields that go along to the dialect `to`: shared ones and unknown ones."""
    if request.dialect == to:
        return request.extra
    shared = _SHARED.get(frozenset((request.dialect, to)), frozenset())
    return {k: v for k, v in request.extra.items() if k in shared or k not in _ALL_FIELDS}


def refuse_pinned(request: Request) -> None:
    """Raises UpstreamRejected where only its own dialect can pose the question.

    It leans on state that its vendor keeps, or it is tokens, or several prompts at once.
    """
    if request.dialect == "openai.completions":
        _refuse_prompts(request)
    if request.dialect != "openai.responses":
        return
    for name in _PINNING:
        if request.extra.get(name) is not None:
            raise UpstreamRejected(
                f"This target does not know the state that '{name}' refers to.",
                param=name,
                code="unsupported_parameter",
            )


def _refuse_prompts(request: Request) -> None:
    tokens = any(isinstance(p, Opaque) for m in request.messages for p in m.parts)
    if tokens or len(request.messages) > 1:
        raise UpstreamRejected(
            "This target cannot be sent token arrays or several prompts at once.",
            param="prompt",
            code="unsupported_content",
        )


def lost(request: Request, to: DialectName) -> tuple[str, ...]:
    """Names of the fields of `request` that a target of dialect `to` would not be told."""
    if request.dialect == to and request.body:
        return ()
    kept = carried(request, to)
    names = {k for k in request.extra if k not in kept}
    said = request.sampling
    names.update(f for f in _SAMPLING_LOST[to] if getattr(said, f) != getattr(_UNSAID, f))
    if to.startswith("openai") and len(said.stop) > 4:
        names.add("stop")
    if to == "anthropic.messages":
        names.update(["metadata"] if request.metadata else [])
        names.update(["response_format"] if request.format.kind == "json_object" else [])
    if to == "openai.completions":
        names.update(["tools"] if request.tools else [])
        names.update(["response_format"] if request.format.kind != "text" else [])
    if request.dialect != to and any(vendor_tool(t.extra) for t in request.tools):
        names.add("tools")
    if any(_foreign(part) for message in request.messages for part in message.parts):
        names.add("messages")
    return tuple(sorted(names))


def vendor_tool(extra: Json) -> bool:
    """A tool that runs at the vendor (web search and such): no other dialect can name it."""
    return "type" in extra


def _foreign(part: object) -> bool:
    if isinstance(part, ToolResult):
        return any(isinstance(p, Opaque) for p in part.parts)
    return isinstance(part, Opaque)


def refuse_media(media: Media) -> UpstreamRejected:
    """The error for a part that the target's dialect cannot carry: dropping it would mislead."""
    return UpstreamRejected(
        f"This target cannot be sent a part of kind '{media.kind}' in this form.",
        param="messages",
        code="unsupported_content",
    )
