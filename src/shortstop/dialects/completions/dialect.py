"""OpenAI's legacy completions (platform.openai.com/docs/api-reference/completions)."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from shortstop.dialects import fields
from shortstop.dialects.completions.stream import CompletionsDecoder, CompletionsEncoder
from shortstop.dialects.fields import reject
from shortstop.dialects.loss import carried, refuse_media, refuse_pinned
from shortstop.dialects.openai.dialect import logit_bias, stops
from shortstop.dialects.openai.errors import decode_error, encode_error
from shortstop.dialects.openai.wire import COMPLETION_FINISH_OUT, FINISH_IN, usage_from, usage_out
from shortstop.dialects.validate import sound
from shortstop.errors import ShortstopError, TargetError, UpstreamFailed, UpstreamRejected
from shortstop.types import (
    Choice,
    DialectName,
    Json,
    Media,
    Message,
    Opaque,
    Part,
    Reply,
    Request,
    Sampling,
    Text,
    ToolResult,
)

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
KNOWN = frozenset(
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


class OpenAICompletions:
    name: DialectName = "openai.completions"

    # ------------------------------------------------------------ requests

    def decode_request(self, body: Json, id: str) -> Request:
        options = fields.optional_table(body, "stream_options")
        return Request(
            id=id,
            dialect=self.name,
            body=body,
            model=fields.model(body),
            messages=tuple([Message("user", (p,)) for p in _prompts(body.get("prompt"))]),
            sampling=_sampling(body),
            stream=bool(fields.flag(body, "stream")),
            stream_usage=bool(fields.flag(options, "include_usage")),
            user=fields.string(body, "user"),
            extra={k: v for k, v in body.items() if k not in KNOWN},
        )

    def encode_request(self, request: Request, model: str) -> bytes:
        if request.dialect == self.name and request.body:
            body = {**request.body, "model": model}
        else:
            body = _request_out(request, model)
        if request.stream:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return _ENCODE(body)

    # ------------------------------------------------------------ replies

    def decode_reply(self, body: bytes) -> Reply:
        try:
            tree = _DECODE(body)
            if not tree["choices"]:
                raise UpstreamFailed("The model's answer holds no choice.")
            return Reply(
                id=tree.get("id") or "",
                model=tree.get("model") or "",
                choices=sound(tuple([_choice(c) for c in tree["choices"]])),
                usage=usage_from(tree.get("usage")),
                created=tree.get("created") or 0,
                dialect=self.name,
                body=tree,
            )
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamFailed("The model's answer is not JSON.") from error
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise UpstreamFailed("The model's answer is not a completion.") from error

    def encode_reply(self, reply: Reply, request: Request) -> bytes:
        if reply.dialect == self.name and reply.body is not None:
            return _ENCODE({**reply.body, "model": request.model})
        echo = request.messages[0].text if request.extra.get("echo") else ""
        choices = [
            {
                "index": choice.index,
                "text": echo + choice.text,
                "logprobs": None,
                "finish_reason": COMPLETION_FINISH_OUT[choice.finish or "stop"],
            }
            for choice in reply.choices
        ]
        return _ENCODE(
            {
                "id": f"cmpl-{request.id}",
                "object": "text_completion",
                "created": reply.created or int(time.time()),
                "model": request.model,
                "choices": choices,
                "usage": usage_out(reply.usage),
            }
        )

    def decode_error(self, status: int, body: bytes, retry_after: float | None) -> TargetError:
        return decode_error(status, body, retry_after)

    def encode_error(self, error: ShortstopError, request_id: str) -> bytes:
        return encode_error(error)

    def status_of(self, error: ShortstopError) -> int:
        return error.status

    def stream_decoder(self) -> CompletionsDecoder:
        return CompletionsDecoder()

    def stream_encoder(self, request: Request, created: int) -> CompletionsEncoder:
        return CompletionsEncoder(request, created)


def _prompts(value: Any) -> list[Part]:
    """A text, texts, a token array, or token arrays: tokens only their own model can read."""
    if isinstance(value, str):
        return [Text(value)]
    if not isinstance(value, list) or not value:
        reject("prompt", "Must be a string, a list of strings or an array of tokens")
    if all(type(v) is int for v in value):
        return [Opaque("tokens", {"tokens": value})]
    found: list[Part] = []
    for i, prompt in enumerate(value):
        if isinstance(prompt, str):
            found.append(Text(prompt))
        elif isinstance(prompt, list) and prompt and all(type(t) is int for t in prompt):
            found.append(Opaque("tokens", {"tokens": prompt}))
        else:
            reject(f"prompt[{i}]", "Must be a string or an array of tokens")
    return found


def _sampling(body: Json) -> Sampling:
    shown = fields.integer(body, "logprobs", 0, 5)
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
        logprobs=shown is not None,
        top_logprobs=shown,
        n=fields.integer(body, "n", 1, 128) or 1,
    )


def _choice(value: Json) -> Choice:
    text = value["text"]
    return Choice(
        index=value.get("index") or 0,
        parts=(Text(text),) if text else (),
        finish=FINISH_IN.get(value.get("finish_reason") or "stop", "stop"),
    )


# ---------------------------------------------------------------- encoding requests


def _request_out(request: Request, model: str) -> Json:
    refuse_pinned(request)
    if request.tools:
        raise UpstreamRejected(
            "This target completes plain text: it cannot call tools.",
            param="tools",
            code="unsupported_parameter",
        )
    said = request.sampling
    options = {
        "max_tokens": said.max_tokens,
        "temperature": said.temperature,
        "top_p": said.top_p,
        "seed": said.seed,
        "stop": list(said.stop[:4]) or None,
        "frequency_penalty": said.frequency_penalty,
        "presence_penalty": said.presence_penalty,
        "logit_bias": said.logit_bias,
        "logprobs": min(said.top_logprobs or 0, 5) if said.logprobs else None,
        "n": said.n if said.n > 1 else None,
        "stream": request.stream or None,
        "user": request.user,
    }
    body: Json = {"model": model, "prompt": _transcript(request.messages)}
    body.update((k, v) for k, v in options.items() if v is not None)
    return body | carried(request, "openai.completions")


def _transcript(messages: tuple[Message, ...]) -> str:
    """One message is the prompt itself; several are told as a play, the answer's turn last."""
    if len(messages) == 1:
        return _words(messages[0])
    turns = [f"{m.role.capitalize()}: {_words(m)}" for m in messages]
    return "\n\n".join([*turns, "Assistant:"])


def _words(message: Message) -> str:
    told = []
    for part in message.parts:
        if isinstance(part, Media):
            raise refuse_media(part)
        if isinstance(part, Text):
            told.append(part.text)
        if isinstance(part, ToolResult):
            told += [p.text for p in part.parts if isinstance(p, Text)]
    return "\n".join(told)
