"""Local encoders: the static table that comes with the router, and any server on this network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Protocol

from shortstop.dialects import embeddings
from shortstop.dialects.embeddings import EmbeddingReply, EmbeddingRequest
from shortstop.dialects.openai import errors
from shortstop.errors import InvalidRequest
from shortstop.serving.engines.slots import Queue
from shortstop.serving.http import LocalClient


class EmbeddingTable(Protocol):
    """Static word vectors: a text's vector is the mean of its words'."""

    @property
    def width(self) -> int: ...

    def embed(self, text: str) -> Iterable[float]:
        """A vector of `width` numbers: unit length, or zeros for a text without a known word."""

    def tokens(self, text: str) -> int:
        """How many words and marks of the text are looked up."""


class StaticEncoder:
    """Looks vectors up, microseconds a text, and runs no neural network. Good for near-duplicates
    and topics, not for subtle meaning; README and /v1/models say so."""

    def __init__(self, table: EmbeddingTable) -> None:
        self._table = table

    async def encode(self, request: EmbeddingRequest) -> EmbeddingReply:
        """One vector for each input. Raises InvalidRequest for token numbers or too many
        dimensions."""
        if request.dimensions is not None and request.dimensions > self._table.width:
            raise InvalidRequest(
                f"This model has {self._table.width} dimensions.", param="dimensions"
            )
        vectors, tokens = [], 0
        for text in request.inputs:
            if not isinstance(text, str):
                raise InvalidRequest(
                    "This model takes text, not token numbers, which belong to another vocabulary.",
                    hint="Send strings (langchain: check_embedding_ctx_length=False).",
                    param="input",
                )
            vectors.append(shortened([float(x) for x in self._table.embed(text)], request))
            tokens += self._table.tokens(text)
        return EmbeddingReply(tuple(vectors), tokens)


class ServedEncoder:
    """An OpenAI-compatible server on this machine or network."""

    def __init__(self, model: str, client: Callable[[], LocalClient], slots: Queue) -> None:
        self._model = model
        self._client = client
        self._slots = slots

    async def encode(self, request: EmbeddingRequest) -> EmbeddingReply:
        """One vector for each input. Raises TargetError."""
        body = embeddings.encode_request(request, self._model)
        async with self._slots.take(request.party):
            reply = await self._client().post("/embeddings", body)
        if reply.status != 200:
            raise errors.decode_error(reply.status, reply.body, reply.retry_after)
        return embeddings.decode_reply(reply.body)


def shortened(vector: list[float], request: EmbeddingRequest) -> tuple[float, ...]:
    """The first `request.dimensions` numbers, scaled to unit length again."""
    if request.dimensions is None:
        return tuple(vector)
    kept = vector[: request.dimensions]
    length = sqrt(sum(x * x for x in kept))
    return tuple(x / length for x in kept) if length else tuple(kept)
