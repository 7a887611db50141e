"""Vendor bytes <-> types, both ways, pure. A dialect is a folder here and a line in this file."""

from __future__ import annotations

from shortstop.dialects.anthropic.dialect import AnthropicMessages
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
from shortstop.dialects.fields import parse_object
from shortstop.dialects.loss import lost
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
    "Counting",
    "DescribedDialect",
    "Description",
    "Limits",
    "Route",
    "StatefulDialect",
    "UsageFormat",
    "Vendor",
    "description_of",
    "every",
    "get",
    "key_headers",
    "lost",
    "parse_object",
    "read_usage",
    "redecoded",
    "register",
    "upstream_dialects",
    "wire_words",
    "with_body",
]
