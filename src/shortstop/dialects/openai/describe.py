"""What OpenAI Chat Completions is, as data."""

from __future__ import annotations

from shortstop.dialects.describe import USUAL, Description, Limits, Route, UsageFormat, Vendor
from shortstop.dialects.openai.batching import OpenAIBatchApi
from shortstop.dialects.usage import usage_of
from shortstop.dialects.words import MODELS, REQUEST, ROLES, SCHEMA, SCHEMA_TYPES, words
from shortstop.types import WireWords

NAME = "openai.chat"
PATH = "/chat/completions"

DESCRIPTION = Description(
    name=NAME,
    route=Route(path=PATH),
    vendor=Vendor(
        alias="openai",
        path=PATH,
        abilities=frozenset(["n"]),
        usual=USUAL | {"logprobs"},
        batching=OpenAIBatchApi(f"/v1{PATH}"),
    ),
    usage=UsageFormat(frozenset(["prompt_tokens"]), usage_of),
    fields=words(
        "audio max_completion_tokens modalities moderation prediction prompt_cache_key"
        " prompt_cache_options prompt_cache_retention safety_identifier service_tier store"
        " web_search_options stream_options logit_bias functions function_call"
        " metadata user"
    ),
    kin=frozenset(["openai.responses"]),
    shared_tools=frozenset(["custom"]),
    says=words(
        "max_tokens temperature top_p top_k seed stop frequency_penalty presence_penalty logit_bias"
        " logprobs top_logprobs n reasoning_effort verbosity tools metadata json_object json_schema"
    ),
    stream_fields=words("stream stream_options"),
    optional_tools=words("web_search"),
    limits=Limits(
        stop_sequences=4,
        tool_name=64,
        call_id=40,
        user=64,
        media_in_results=False,
        efforts=("none", "minimal", "low", "medium", "high", "xhigh"),
    ),
    words=WireWords(
        names=REQUEST
        | SCHEMA
        | words(
            "role content text messages max_tokens max_completion_tokens function parameters"
            " tool_calls arguments tool_call_id stream_options include_usage n seed stop"
            " response_format json_schema image_url url detail frequency_penalty"
            " presence_penalty logprobs top_logprobs"
        ),
        constants={
            "role": ROLES,
            "type": words("text function") | SCHEMA_TYPES,
            "model": MODELS,
        },
        spoken=words("messages user metadata"),
        speech=words(".content .text"),
        verbatim=words("role type id tool_call_id model"),
        own=words("metadata client_metadata prompt_cache_key safety_identifier user"),
        call_names=words(".function.name"),
        json_texts=words("arguments"),
        reasoning=words("reasoning_content"),
    ),
)
