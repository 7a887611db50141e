"""OpenAI embeddings (platform.openai.com/docs/api-reference/embeddings)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from shortstop.dialects import fields
from shortstop.dialects.fields import reject
from shortstop.errors import UpstreamFailed
from shortstop.types import Json, Message, Request, Text

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
MOST_INPUTS = 2048
KNOWN = frozenset(["model", "input", "encoding_format", "dimensions", "user"])

Input = str | tuple[int, ...]
Encoding = Literal["float", "base64"]


class EmbeddingRequest(Struct, frozen=True):
    """What to embed, in order. `encoding` is None where the client did not say: floats."""

    body: Json
    model: str
    inputs: tuple[Input, ...]
    encoding: Encoding | None = None
    dimensions: int | None = None
    user: str | None = None
    extra: Json = {}


class EmbeddingReply(Struct, frozen=True):
    """One vector an input, in the order of the inputs."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int = 0


class EmbeddingAnswer(Struct, frozen=True):
    """The vectors, the target that made them, and whether they may be kept for a later request."""

    reply: EmbeddingReply
    target: str
    keepable: bool


def decode_request(body: Json) -> EmbeddingRequest:
    """Raises InvalidRequest with `param`."""
    encoding = body.get("encoding_format")
    if encoding not in (None, "float", "base64"):
        reject("encoding_format", "Must be 'float' or 'base64'")
    return EmbeddingRequest(
        body=body,
        model=fields.model(body),
        inputs=_inputs(body.get("input")),
        encoding=encoding,
        dimensions=fields.integer(body, "dimensions", 1),
        user=fields.string(body, "user"),
        extra={k: v for k, v in body.items() if k not in KNOWN},
    )


def neutral(said: EmbeddingRequest, id: str) -> Request:
    """The request as privacy and the books see it: every text is something said."""
    texts = tuple(Message("user", (Text(t),)) for t in said.inputs if isinstance(t, str))
    return Request(id, "openai.chat", said.body, said.model, texts)


def encode_request(request: EmbeddingRequest, model: str) -> bytes:
    """The client's own body, addressed to `model`; a field that is null was never said."""
    body = {k: v for k, v in request.body.items() if v is not None}
    return _ENCODE({**body, "model": model})


def decode_reply(body: bytes) -> EmbeddingReply:
    """Floats or base64, put in the order of their index. Raises UpstreamFailed."""
    try:
        tree = _DECODE(body)
        data = sorted(tree["data"], key=lambda item: item["index"])
        if [item["index"] for item in data] != list(range(len(data))):
            raise UpstreamFailed("The embeddings are not numbered one by one.")
        used = (tree.get("usage") or {}).get("prompt_tokens") or 0
        return EmbeddingReply(tuple([_vector(item["embedding"]) for item in data]), used)
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise UpstreamFailed("The model's answer holds no embeddings.") from error


def encode_reply(reply: EmbeddingReply, request: EmbeddingRequest) -> bytes:
    """Floats, or base64 of little-endian 32-bit floats where the client asked for these."""
    packed = request.encoding == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(v) if packed else v}
        for i, v in enumerate(reply.vectors)
    ]
    usage = {"prompt_tokens": reply.tokens, "total_tokens": reply.tokens}
    return _ENCODE({"object": "list", "data": data, "model": request.model, "usage": usage})


def _inputs(value: Any) -> tuple[Input, ...]:
    if isinstance(value, str):
        return (_text(value, "input"),)
    if not isinstance(value, list) or not value:
        reject("input", "Must be a string, a list of strings or an array of tokens")
    if all(type(v) is int for v in value):
        return (_tokens(value, "input"),)
    if len(value) > MOST_INPUTS:
        reject("input", f"Must hold at most {MOST_INPUTS} inputs")
    return tuple([_input(v, f"input[{i}]") for i, v in enumerate(value)])


def _input(value: Any, at: str) -> Input:
    if isinstance(value, str):
        return _text(value, at)
    if isinstance(value, list) and value:
        return _tokens(value, at)
    reject(at, "Must be a string or an array of tokens")


def _text(value: str, at: str) -> str:
    if not value:
        reject(at, "Must not be empty")
    return value


def _tokens(value: list[Any], at: str) -> tuple[int, ...]:
    if not all(type(v) is int and v >= 0 for v in value):
        reject(at, "Must be an array of token numbers")
    return tuple(value)


def _vector(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        raw = base64.b64decode(value, validate=True)
        return struct.unpack(f"<{len(raw) // 4}f", raw)
    return tuple([float(v) for v in value])


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
