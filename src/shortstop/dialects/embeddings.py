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
from shortstop.dialects.parsing import parse_answer
from shortstop.errors import UpstreamFailed
from shortstop.types import Json, Message, Party, Request, Text

_ENCODE = msgspec.json.Encoder().encode
MAX_INPUTS = 2048
MAX_NUMBERS = 4_000_000
"""Values of an answer whose vectors are written in numbers: 2,048 vectors of 1,536, and names."""
PATH = "/embeddings"
DIALECT = "openai.chat"
"""In which errors are reported, and privacy reads the texts."""
READ_FIELDS = frozenset(["model", "input", "encoding_format", "dimensions", "user"])

Input = str | tuple[int, ...]
Encoding = Literal["float", "base64"]


class EmbeddingRequest(Struct, frozen=True):
    """What to embed, in order. `encoding` None is the default: floats. `party` is for whom it waits
    where requests queue."""

    body: Json
    model: str
    inputs: tuple[Input, ...]
    encoding: Encoding | None = None
    dimensions: int | None = None
    user: str | None = None
    extra: Json = {}
    party: Party = Party()


class EmbeddingReply(Struct, frozen=True):
    """One vector for each input, in the order of the inputs."""

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
        extra={k: v for k, v in body.items() if k not in READ_FIELDS},
    )


def neutral(request: EmbeddingRequest, id: str) -> Request:
    """The request as privacy and the books see it: every text is a user's message."""
    texts = tuple(Message("user", (Text(t),)) for t in request.inputs if isinstance(t, str))
    return Request(id, DIALECT, request.body, request.model, texts, party=request.party)


def encode_request(request: EmbeddingRequest, model: str) -> bytes:
    """The client's own body, addressed to `model`; null fields are left out."""
    body = {k: v for k, v in request.body.items() if v is not None}
    return _ENCODE({**body, "model": model})


def decode_reply(body: bytes) -> EmbeddingReply:
    """Floats or base64, in the order of their index. Raises UpstreamFailed."""
    return parse_answer(body, _reply, "a list of embeddings", MAX_NUMBERS)


def _reply(tree: Json) -> EmbeddingReply:
    data = sorted(tree["data"], key=lambda item: item["index"])
    if [item["index"] for item in data] != list(range(len(data))):
        raise UpstreamFailed("The embeddings are not numbered from 0 without gaps.")
    used = (tree.get("usage") or {}).get("prompt_tokens") or 0
    return EmbeddingReply(tuple([_vector(item["embedding"]) for item in data]), used)


def encode_reply(reply: EmbeddingReply, request: EmbeddingRequest) -> bytes:
    """Floats, or base64 of little-endian 32-bit floats when the client asked for these."""
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
    if len(value) > MAX_INPUTS:
        reject("input", f"Must hold at most {MAX_INPUTS} inputs")
    return tuple([_input(v, f"input[{i}]") for i, v in enumerate(value)])


def _input(value: Any, path: str) -> Input:
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, list) and value:
        return _tokens(value, path)
    reject(path, "Must be a string or an array of tokens")


def _text(value: str, path: str) -> str:
    if not value:
        reject(path, "Must not be empty")
    return value


def _tokens(value: list[Any], path: str) -> tuple[int, ...]:
    if not all(type(v) is int and v >= 0 for v in value):
        reject(path, "Must be an array of token numbers")
    return tuple(value)


def _vector(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        return _unpacked(base64.b64decode(value, validate=True))
    return tuple([float(v) for v in value])


def _unpacked(raw: bytes) -> tuple[float, ...]:
    if len(raw) % 4:
        raise ValueError("a vector is cut off")
    return struct.unpack(f"<{len(raw) // 4}f", raw)


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
