"""Requests in OpenAI's legacy completions, both ways."""

from __future__ import annotations

from typing import Any

from shortstop.dialects import fields
from shortstop.dialects.completions.describe import DESCRIPTION, NAME
from shortstop.dialects.fields import reject
from shortstop.dialects.loss import carried, refuse_media, refuse_pinned, user_for
from shortstop.dialects.openai.request_in import logit_bias, stops
from shortstop.dialects.usage import possible_searches, served_as
from shortstop.errors import UpstreamRejected
from shortstop.types import (
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Request,
    Sampling,
    Text,
    ToolResult,
)

READ_FIELDS = frozenset(
    [
        "model",
        "prompt",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "n",
        "stream",
        "stream_options",
        "logprobs",
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "seed",
        "user",
    ]
)
"""Top-level fields that become fields of `Request`; all others are its `extra`."""
MAX_LOGPROBS = 5


def request_in(body: Json, id: str) -> Request:
    """Each prompt as a user's message. Raises InvalidRequest."""
    stream_options = fields.optional_table(body, "stream_options")
    return Request(
        id=id,
        dialect=NAME,
        body=body,
        model=fields.model(body),
        tariff=served_as(body),
        searches=possible_searches(body.get("tools")),
        messages=tuple([Message("user", (p,)) for p in _prompts(body.get("prompt"))]),
        sampling=_sampling(body),
        stream=bool(fields.flag(body, "stream")),
        stream_usage=bool(fields.flag(stream_options, "include_usage")),
        user=fields.string(body, "user"),
        extra={k: v for k, v in body.items() if k not in READ_FIELDS},
    )


def _prompts(value: Any) -> list[Part]:
    """A text, texts, a token array or token arrays, which only their own model can read."""
    if isinstance(value, str):
        return [Text(value)]
    if not isinstance(value, list) or not value:
        reject("prompt", "Must be a string, a list of strings or an array of tokens")
    if all(type(v) is int for v in value):
        return [Opaque("tokens", {"tokens": value})]
    prompts: list[Part] = []
    for i, prompt in enumerate(value):
        if isinstance(prompt, str):
            prompts.append(Text(prompt))
        elif isinstance(prompt, list) and prompt and all(type(t) is int for t in prompt):
            prompts.append(Opaque("tokens", {"tokens": prompt}))
        else:
            reject(f"prompt[{i}]", "Must be a string or an array of tokens")
    return prompts


def _sampling(body: Json) -> Sampling:
    alternatives = fields.integer(body, "logprobs", 0, MAX_LOGPROBS)
    return Sampling(
        max_tokens=fields.integer(body, "max_tokens", 0),
        temperature=fields.number(body, "temperature", 0, 2),
        top_p=fields.number(body, "top_p", 0, 1),
        top_k=fields.integer(body, "top_k", -1),
        seed=fields.integer(body, "seed", -(2**63)),
        stop=stops(body),
        frequency_penalty=fields.number(body, "frequency_penalty", -2, 2),
        presence_penalty=fields.number(body, "presence_penalty", -2, 2),
        logit_bias=logit_bias(body),
        logprobs=alternatives is not None,
        top_logprobs=alternatives,
        n=fields.integer(body, "n", 1, 128) or 1,
    )


def request_out(request: Request, model: str) -> Json:
    """The neutral fields as a prompt. Raises UpstreamRejected for what it cannot say."""
    refuse_pinned(request)
    if request.tools:
        raise UpstreamRejected(
            "This target completes plain text: it cannot call tools.",
            param="tools",
            code="unsupported_parameter",
        )
    sampling, most_stops = request.sampling, DESCRIPTION.limits.stop_sequences
    alternatives = min(sampling.top_logprobs or 0, MAX_LOGPROBS)
    options = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop[:most_stops]) or None,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "logit_bias": sampling.logit_bias,
        "logprobs": alternatives if sampling.logprobs else None,
        "n": sampling.n if sampling.n > 1 else None,
        "stream": request.stream or None,
        "user": user_for(request, DESCRIPTION),
    }
    body: Json = {"model": model, "prompt": _transcript(request.messages)}
    body.update((k, v) for k, v in options.items() if v is not None)
    return body | carried(request, NAME)


def _transcript(messages: tuple[Message, ...]) -> str:
    """One message is the prompt itself; several become a script that ends with the answer's cue."""
    if len(messages) == 1:
        return _prompt(messages[0])
    turns = [f"{m.role.capitalize()}: {_prompt(m)}" for m in messages]
    return "\n\n".join([*turns, "Assistant:"])


def _prompt(message: Message) -> str:
    texts = []
    for part in message.parts:
        if isinstance(part, Media):
            raise refuse_media(part)
        if isinstance(part, Text):
            texts.append(part.text)
        if isinstance(part, ToolResult):
            texts += [p.text for p in part.parts if isinstance(p, Text)]
    return "\n".join(texts)
