"""The gateway that a command is for, asked over HTTP: also one on another machine."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from shortstop.cli.reach import trust_in
from shortstop.config import is_loopback, problem_of_url
from shortstop.errors import (
    ConfigError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    RequestError,
    SignOnUnavailable,
    Unauthenticated,
)
from shortstop.serving.identity import Document, IdentityFetch

SECONDS = 30.0
T = TypeVar("T")
REFUSALS: dict[int, type[RequestError]] = {
    400: InvalidRequest, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict,
}  # fmt: skip


def require_safe(url: str, hint: str = "Say --url https://HOST.") -> str:
    """The address without a slash at its end. Raises ConfigError for one to which a token would go
    in the clear."""
    problem = problem_of_url(url)
    safe = url.startswith("https://") or is_loopback(urlsplit(url).hostname or "")
    if problem is None and not safe:
        problem = f"A token is shown to https:// or this machine alone, and not to {url}."
    if problem:
        raise ConfigError(problem, hint=hint)
    return url.rstrip("/")


async def ask(url: str, path: str, into: type[T], document: Any = None, token: str = "") -> T:
    """What the gateway answers: GET where there is no `document`, else POST. Raises ConfigError
    where it is not there or says no."""
    fetch = IdentityFetch(SECONDS, os.environ, trust_in(url))
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if document is None:
        asked = fetch.get(url + path)
    else:
        asked = fetch.post_json(url + path, document, headers)
    reply = await _reply(url, asked, "--url")
    if reply.status >= 300:
        raise _refusal(url, reply)
    return _decoded(url, reply, into)


async def call(
    url: str, method: str, path: str, into: type[T], body: bytes | None, token: str
) -> T:
    """What the gateway answers to an act of administration. Raises its refusal as it was raised
    there, and ConfigError where no gateway answers."""
    fetch = IdentityFetch(SECONDS, os.environ, trust_in(url))
    headers = {"authorization": f"Bearer {token}"}
    reply = await _reply(url, fetch.send(method, url + path, body or b"", headers), "--gateway")
    if reply.status >= 300:
        kind = REFUSALS.get(reply.status)
        raise _refusal(url, reply) if kind is None else kind(_said(reply))
    return _decoded(url, reply, into)


async def _reply(url: str, asked: Awaitable[Document], option: str) -> Document:
    """Raises ConfigError where no gateway answers; `option` says where it listens."""
    try:
        return await asked
    except SignOnUnavailable as error:
        raise ConfigError(
            f"No gateway answers at {url}: {error.message}",
            hint=f"Start it with `shortstop serve`, or say {option} where it listens.",
        ) from None


def _refusal(url: str, reply: Document) -> ConfigError:
    return ConfigError(f"The gateway at {url} refuses: {_said(reply)}")


def _decoded(url: str, reply: Document, into: type[T]) -> T:
    try:
        return msgspec.json.decode(reply.body, type=into)
    except msgspec.DecodeError:
        raise ConfigError(f"What answers at {url} is no gateway of Shortstop.") from None


def _said(reply: Document) -> str:
    try:
        return str(msgspec.json.decode(reply.body)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"status {reply.status}"
