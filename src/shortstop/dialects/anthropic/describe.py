"""What Anthropic Messages is, as data."""

from __future__ import annotations

from functools import partial

from shortstop.dialects.anthropic.batching import AnthropicBatchApi
from shortstop.dialects.describe import (
    Counting,
    Description,
    Limits,
    Route,
    UsageFormat,
    Vendor,
)
from shortstop.dialects.usage import usage_of
from shortstop.dialects.words import MODELS, REQUEST, ROLES, SCHEMA, SCHEMA_TYPES, words
from shortstop.types import InlineData, WireWords

NAME = "anthropic.messages"
VERSION = "2023-06-01"
OVERLOADED = 529
"""Anthropic's own status, which its SDK and Claude Code look for."""

DESCRIPTION = Description(
    name=NAME,
    route=Route(path="/messages"),
    vendor=Vendor(
        alias="anthropic",
        path="/v1/messages",
        key_header="x-api-key",
        key_prefix="",
        headers={"anthropic-version": VERSION},
        models="/v1/models?limit=1000",
        batching=AnthropicBatchApi(),
    ),
    counting=Counting(
        path="/v1/messages/count_tokens",
        result="input_tokens",
        fields=words("model messages system tools tool_choice thinking"),
        route="/messages/count_tokens",
    ),
    betas="anthropic-beta",
    statuses={503: OVERLOADED},
    usage=UsageFormat(frozenset(["input_tokens"]), partial(usage_of, beside=True)),
    fields=words(
        "cache_control container context_management diagnostics inference_geo mcp_servers"
        " metadata output_config output_format prefill service_tier speed stop_sequences"
        " system thinking user_profile_id workspace_id"
    ),
    says=words(
        "max_tokens temperature top_p top_k stop reasoning_effort thinking_budget tools"
        " json_object json_schema"
    ),
    optional_tools=words("web_search_20250305"),
    marks_caches=True,
    users_are_accounts=True,
    limits=Limits(
        blank_stops=False,
        tool_name=128,
        plain_call_ids=True,
        user=256,
        failed_results=True,
        asks_user=True,
        temperature_or_top_p=True,
        efforts=("low", "medium", "high", "xhigh", "max"),
    ),
    words=WireWords(
        names=REQUEST
        | SCHEMA
        | words("role content text messages input max_tokens tool_use_id system url"),
        constants={
            "role": ROLES,
            "type": words("text tool_use tool_result") | SCHEMA_TYPES,
            "model": MODELS,
        },
        spoken=words("messages system metadata"),
        speech=words(".content .text $.system"),
        verbatim=words("role type id tool_use_id model media_type"),
        own=words("metadata context_management container"),
        calls=words("tool_use"),
        json_texts=words("partial_json"),
        reasoning=words("thinking signature"),
        seals=frozenset(
            [
                ("thinking", "signature"),
                ("redacted_thinking", "data"),
                ("web_search_result", "encrypted_content"),
            ]
        ),
        turns=frozenset([("$.messages[", 4), ("$.messages[", 6)]),
        inline=frozenset([InlineData("data", "media_type", (("type", "base64"),))]),
    ),
)
