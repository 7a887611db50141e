"""What OpenAI's legacy completions are, as data."""

from __future__ import annotations

from shortstop.dialects.describe import Description, Limits, Route, UsageFormat
from shortstop.dialects.usage import usage_of
from shortstop.dialects.words import MODELS, REQUEST, words
from shortstop.types import WireWords

NAME = "openai.completions"

DESCRIPTION = Description(
    name=NAME,
    route=Route(path="/completions"),
    usage=UsageFormat(frozenset(["prompt_tokens"]), usage_of),
    fields=words("best_of echo suffix logit_bias stream_options user prompt"),
    says=words(
        "max_tokens temperature top_p seed stop frequency_penalty presence_penalty logit_bias"
        " logprobs top_logprobs n"
    ),
    batch=True,
    stream_fields=words("stream stream_options"),
    limits=Limits(stop_sequences=4),
    words=WireWords(
        names=REQUEST
        | words(
            "max_tokens stream_options include_usage n seed stop frequency_penalty"
            " presence_penalty logprobs"
        ),
        constants={"model": MODELS},
        spoken=words("prompt user"),
        speech=words("$.prompt $.suffix"),
        tokens=words("prompt suffix input prompt_token_ids input_ids token_ids"),
        verbatim=words("model"),
    ),
)
