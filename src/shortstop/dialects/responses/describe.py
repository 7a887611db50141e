"""What OpenAI Responses is, as data."""

from __future__ import annotations

from shortstop.dialects.describe import Description, Limits, Route, UsageFormat, Vendor
from shortstop.dialects.openai.batching import OpenAIBatchApi
from shortstop.dialects.usage import usage_of
from shortstop.dialects.words import MODELS, REQUEST, ROLES, SCHEMA, SCHEMA_TYPES, words
from shortstop.types import WireWords

NAME = "openai.responses"

DESCRIPTION = Description(
    name=NAME,
    route=Route(path="/responses"),
    vendor=Vendor(alias="responses", path="/responses", batching=OpenAIBatchApi("/v1/responses")),
    usage=UsageFormat(frozenset(["input_tokens", "total_tokens"]), usage_of),
    fields=words(
        "access_programs background background_options context_management conversation image"
        " include input instructions max_output_tokens max_tool_calls metadata moderation"
        " previous_response_id prompt prompt_cache_key prompt_cache_options"
        " prompt_cache_retention reasoning safety_identifier service_tier store stream_options"
        " text truncation user"
    ),
    kin=frozenset(["openai.chat"]),
    shared_tools=frozenset(["custom"]),
    says=words(
        "max_tokens temperature top_p logprobs top_logprobs reasoning_effort verbosity tools"
        " metadata json_object json_schema"
    ),
    pinning=("previous_response_id", "conversation", "prompt"),
    stream_fields=words("stream stream_options"),
    optional_tools=words(
        "web_search web_search_preview image_generation local_shell shell tool_search"
    ),
    limits=Limits(
        tool_name=64,
        call_id=64,
        user=64,
        efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
    ),
    words=WireWords(
        names=REQUEST
        | SCHEMA
        | words(
            "role content text input max_output_tokens parameters arguments stream_options"
            " instructions image_url detail input_text output_text top_logprobs"
        ),
        constants={
            "role": ROLES,
            "type": words("message function input_text output_text") | SCHEMA_TYPES,
            "model": MODELS,
        },
        spoken=words("input instructions prompt user metadata"),
        speech=words(".content .text $.input $.instructions"),
        verbatim=words("role type id call_id model status"),
        own=words(
            "metadata client_metadata context_management prompt_cache_key safety_identifier user"
            " previous_response_id conversation"
        ),
        calls=words("function_call"),
        json_texts=words("arguments"),
        seals=frozenset([("reasoning", "encrypted_content"), ("compaction", "encrypted_content")]),
        turns=frozenset([("$.input[", 2)]),
    ),
)
