"""Rows that other gateways and observers export, as calls of models.

LiteLLM's table of spend logs (`/spend/logs`, or the table itself as JSON or CSV); Langfuse's
observations and traces (API, batch export as JSON, JSONL or CSV); Helicone's export (JSON, JSONL,
CSV); OpenRouter's activity (CSV), which holds no content.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from shortstop.dialects.logs import bodies, line
from shortstop.dialects.logs.line import LogLine, NoModelCall
from shortstop.dialects.usage import count_of, usage_of
from shortstop.types import Json, Usage

_CALLS = ("completion", "responses", "message", "generate_content", "text")
"""Parts of LiteLLM's names for calls that answer in words."""
_GENERATION = "GENERATION"
_PARAMETERS = frozenset(["temperature", "top_p", "max_tokens", "response_format", "tools"])


def litellm(tree: Json) -> Iterator[LogLine]:
    kind = str(tree.get("call_type") or "completion").lower()
    if not any(word in kind for word in _CALLS):
        raise NoModelCall(f"a call of {kind!r}, which answers nothing in words")
    if str(tree.get("status") or "success").lower() == "failure":
        raise NoModelCall("a call that failed")
    metadata = line.table(tree.get("metadata")) or {}
    response = line.value(tree.get("response"))
    messages = line.value(tree.get("messages"))
    body = line.table(tree.get("proxy_server_request")) or {}
    if not bodies.asks(body) and isinstance(messages, list) and messages:
        body = {"model": tree.get("model"), "messages": messages}
    asked = body if bodies.asks(body) else None
    dialect = bodies.dialect_of(asked, response)
    yield LogLine(
        form="litellm",
        dialect=dialect,
        body=asked,
        answer=bodies.answer_of(dialect, response),
        model=line.text(line.get(tree, "model")),
        usage=bodies.usage_in(metadata, response) or usage_of(tree),
        cost=line.money(tree.get("spend")),
        at=line.moment(tree.get("startTime") or tree.get("start_time")),
        user=line.text(line.get(tree, "end_user", "user")),
        conversation=line.text(tree.get("session_id")),
        tags=line.names(tree.get("request_tags")),
    )


def langfuse(tree: Json) -> Iterator[LogLine]:
    """An observation, or a trace with the observations in it."""
    inner = line.value(tree.get("observations"))
    generations = [
        one for one in inner or () if isinstance(one, dict) and one.get("type") == _GENERATION
    ]
    if generations:
        for one in generations:
            shared = {k: tree.get(k) for k in ("userId", "sessionId", "tags") if tree.get(k)}
            yield _generation({**shared, **one})
        return
    if tree.get("type", _GENERATION) != _GENERATION:
        raise NoModelCall(f"a Langfuse {tree['type']}, no generation")
    yield _generation(tree)


def _generation(tree: Json) -> LogLine:
    asked, told = line.value(tree.get("input")), line.value(tree.get("output"))
    body = _prompt(asked)
    if body is not None:
        settings = line.table(tree.get("modelParameters")) or {}
        kept = {k: v for k, v in settings.items() if k in _PARAMETERS and not isinstance(v, str)}
        body = {**kept, **body}
    details = line.table(line.get(tree, "usageDetails")) or line.table(line.get(tree, "usage"))
    costs = line.table(line.get(tree, "costDetails")) or {}
    dialect = bodies.dialect_of(body, told)
    return LogLine(
        form="langfuse",
        dialect=dialect,
        body=body,
        answer=bodies.answer_of(dialect, told),
        model=line.text(line.get(tree, "model", "providedModelName", "internalModelName")),
        usage=_langfuse_usage(details or tree),
        cost=line.money(line.get(costs, "total"))
        or line.money(line.get(tree, "totalCost", "calculatedTotalCost")),
        at=line.moment(line.get(tree, "startTime", "timestamp")),
        task=line.text(line.get(tree, "promptName")),
        user=line.text(tree.get("userId")),
        conversation=line.text(tree.get("sessionId")),
        tags=line.names(line.get(tree, "tags", "traceTags")),
    )


def _prompt(asked: Any) -> Json | None:
    """What was asked, as the body of a request: a body, a list of messages, or a bare text."""
    if bodies.asks(asked):
        return dict(asked)
    if isinstance(asked, list) and asked and all(_is_message(one) for one in asked):
        return {"messages": asked}
    if _is_message(asked):
        return {"messages": [asked]}
    if isinstance(asked, str) and asked:
        return {"messages": [{"role": "user", "content": asked}]}
    return None


def _is_message(one: Any) -> bool:
    return isinstance(one, dict) and one.get("role") in bodies.ROLES and "content" in one


def _langfuse_usage(told: Json) -> Usage | None:
    """Counts by kind of token, disjoint unless the total says otherwise; or a vendor's own."""
    asked = count_of(line.get(told, "input", "inputUsage", "promptTokens", "inputTokens"))
    answered = count_of(line.get(told, "output", "outputUsage", "completionTokens", "outputTokens"))
    if asked is None and answered is None:
        return usage_of(told)
    counts = {k: n for k, v in told.items() if (n := count_of(v)) is not None}
    read = _sum(counts, ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read"))
    written = _sum(counts, ("cache_creation_input_tokens", "input_cache_creation"))
    reasoning = _sum(counts, ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens"))
    asked, answered = asked or 0, answered or 0
    total = counts.get("total") or counts.get("totalUsage") or counts.get("totalTokens") or 0
    if total and total == asked + answered:
        asked, answered = max(0, asked - read - written), max(0, answered - reasoning)
    if not asked + answered + read + written + reasoning:
        return None
    return Usage(
        input=asked, cache_read=read, cache_write=written, output=answered, reasoning=reasoning
    )


def _sum(counts: dict[str, int], names: tuple[str, ...]) -> int:
    return next((counts[name] for name in names if counts.get(name)), 0)


def helicone(tree: Json) -> Iterator[LogLine]:
    status = count_of(tree.get("response_status"))
    if status is not None and status >= 400:
        raise NoModelCall(f"a call that failed with status {status}")
    body = line.table(tree.get("request_body"))
    told = line.value(tree.get("response_body"))
    asked = body if bodies.asks(body) else None
    dialect = bodies.dialect_of(asked, told)
    yield LogLine(
        form="helicone",
        dialect=dialect,
        body=asked,
        answer=bodies.answer_of(dialect, told),
        model=line.text(line.get(tree, "model", "response_model", "request_model")),
        usage=bodies.usage_in(told) or usage_of(tree),
        cost=line.money(line.get(tree, "cost", "costUSD")),
        at=line.moment(line.get(tree, "request_created_at", "response_created_at")),
        user=line.text(line.get(tree, "request_user_id")),
        tags=line.names(tree.get("request_properties")),
    )


def openrouter(tree: Json) -> Iterator[LogLine]:
    """Reasoning and cached tokens stand inside the others here."""
    told = {
        "prompt_tokens": tree.get("tokens_prompt"),
        "completion_tokens": tree.get("tokens_completion"),
        "prompt_tokens_details": {"cached_tokens": count_of(tree.get("tokens_cached")) or 0},
        "completion_tokens_details": {
            "reasoning_tokens": count_of(tree.get("tokens_reasoning")) or 0
        },
    }
    usage = usage_of(told)
    yield LogLine(
        form="openrouter",
        dialect=bodies.CHAT,
        body=None,
        model=line.text(line.get(tree, "model_permaslug", "model")),
        usage=usage if usage is None else replace(usage, estimated=False),
        cost=line.money(line.get(tree, "cost_total", "total_cost", "usage")),
        at=line.moment(tree.get("created_at")),
        task=line.text(line.get(tree, "app_name", "api_key_name")),
        user=line.text(tree.get("user")),
    )
