"""Vendor bytes <-> types, both ways, pure. A dialect is a folder here and a line in this file."""

from __future__ import annotations

from shortstop.dialects.anthropic.dialect import AnthropicMessages
from shortstop.dialects.batching import BatchApi, BatchCall, BatchState, Steps
from shortstop.dialects.completions.dialect import OpenAICompletions
from shortstop.dialects.describe import (
    Counting,
    DescribedDialect,
    Description,
    Limits,
    Route,
    StatefulDialect,
    UsageFormat,
    Vendor,
)
from shortstop.dialects.either import EitherDecoder
from shortstop.dialects.fields import parse_object
from shortstop.dialects.ids import Salt
from shortstop.dialects.loss import lost, unsent_stops
from shortstop.dialects.names import ToolNames
from shortstop.dialects.offers import Offered, decode_offers
from shortstop.dialects.opaque import in_words
from shortstop.dialects.openai.dialect import OpenAIChat
from shortstop.dialects.responses.dialect import OpenAIResponses
from shortstop.dialects.table import (
    description_of,
    every,
    get,
    key_headers,
    read_usage,
    redecoded,
    register,
    upstream_dialects,
    wire_words,
    with_body,
)

register(OpenAIChat(), OpenAIResponses(), OpenAICompletions(), AnthropicMessages())

__all__ = [
    "BatchApi",
    "BatchCall",
    "BatchState",
    "Counting",
    "DescribedDialect",
    "Description",
    "EitherDecoder",
    "Limits",
    "Offered",
    "Route",
    "Salt",
    "StatefulDialect",
    "Steps",
    "ToolNames",
    "UsageFormat",
    "Vendor",
    "decode_offers",
    "description_of",
    "every",
    "get",
    "in_words",
    "key_headers",
    "lost",
    "parse_object",
    "read_usage",
    "redecoded",
    "register",
    "unsent_stops",
    "upstream_dialects",
    "wire_words",
    "with_body",
]
