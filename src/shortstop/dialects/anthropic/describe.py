"""What Anthropic Messages is, as data."""

from __future__ import annotations

from shortstop.dialects.anthropic.wire import usage_from
from shortstop.dialects.describe import (
    Counting,
    Description,
    Limits,
    Route,
    UsageFormat,
    Vendor,
)
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
    ),
    counting=Counting(
        path="/v1/messages/count_tokens",
        result="input_tokens",
        fields=words("model messages system tools tool_choice thinking"),
        route="/messages/count_tokens",
    ),
    betas="anthropic-beta",
    statuses={503: OVERLOADED},
    usage=UsageFormat(frozenset(["input_tokens"]), usage_from),
    fields=words(
        "cache_control container context_management diagnostics inference_geo mcp_servers"
        " metadata output_config output_format prefill service_tier speed stop_sequences"
        " system thinking user_profile_id workspace_id"
    ),
    says=words(
        "max_tokens temperature top_p top_k stop reasoning_effort thinking_budget tools json_schema"
    ),
    limits=Limits(tool_name=128, plain_call_ids=True),
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
        calls=words("tool_use"),
        json_texts=words("partial_json"),
        reasoning=words("thinking signature"),
        seals=frozenset([("thinking", "signature"), ("redacted_thinking", "data")]),
        turns=frozenset([("$.messages[", 4)]),
        inline=frozenset([InlineData("data", "media_type", (("type", "base64"),))]),
    ),
)
