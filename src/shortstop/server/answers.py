"""The JSON that Shortstop's own routes answer with. The OpenAPI document is made from these types.

What vendors define (chat, messages, responses, embeddings, errors) is written by `dialects`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response

from shortstop import dialects
from shortstop.accounts import Key
from shortstop.accounts.keys import ReplacedSecret
from shortstop.errors import ShortstopError
from shortstop.server.gateway import Erased
from shortstop.server.headers import retry_headers


class Index(Struct, frozen=True):
    """What answers at this address."""

    name: str
    version: str
    openapi: str


class Health(Struct, frozen=True):
    status: Literal["ok"]
    version: str


class ModelDetails(Struct, frozen=True, omit_defaults=True):
    """What is behind a name: one model or, described in words, a choice of models."""

    description: str | UnsetType = UNSET
    local: Annotated[
        bool | UnsetType, Meta(description="Whether it runs on this machine or network.")
    ] = UNSET
    model: Annotated[
        str | UnsetType, Meta(description="The name by which its engine or vendor knows it.")
    ] = UNSET
    context: Annotated[
        int | UnsetType, Meta(description="Tokens of the prompt and the answer together.")
    ] = UNSET
    abilities: list[str] | UnsetType = UNSET
    notice: Annotated[str | UnsetType, Meta(description="Why to use another one soon.")] = UNSET


class Model(Struct, frozen=True, tag_field="object", tag="model"):
    """A name that a request's `model` may be; `created` is Unix time in seconds."""

    id: str
    created: int
    owned_by: str
    shortstop: ModelDetails


class ModelList(Struct, frozen=True, tag_field="object", tag="list"):
    data: list[Model]


class DeletedResponse(Struct, frozen=True, tag_field="object", tag="response"):
    id: str
    deleted: bool = True


class Accepted(Struct, frozen=True):
    accepted: bool = True


class Reloaded(Struct, frozen=True):
    """`reloaded` says what changed."""

    reloaded: str


class ErasedConversation(Struct, frozen=True):
    erased: Erased


class KeyDetails(Key, frozen=True, kw_only=True, omit_defaults=False):
    """A key without its secret; `tail` is the secret's end, `replaced` are earlier secrets that are
    still good. Times are Unix time in seconds."""

    replaced: tuple[ReplacedSecret, ...] = ()


class KeyList(Struct, frozen=True):
    data: list[KeyDetails]


class CreatedKey(KeyDetails, frozen=True, kw_only=True):
    """A key with its new secret. This is the only time that it is shown."""

    secret: str


class KeyBalance(KeyDetails, frozen=True, kw_only=True):
    """A key and its budget: US dollars spent in this period, and held for running requests."""

    spent_usd: Decimal
    held_usd: Decimal


def as_json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def failure(error: ShortstopError) -> Response:
    """The error as our own routes tell it: in OpenAI's format."""
    body = dialects.get("openai.chat").encode_error(error, "")
    headers = {**error.headers, **retry_headers(error)}
    return Response(body, error.status, headers, media_type="application/json")
