"""A remote model behind the `Upstream` port: dialect, retries, circuit breaker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from shortstop.config import UpstreamConfig
from shortstop.dialects import embeddings
from shortstop.dialects.embeddings import EmbeddingReply
from shortstop.errors import ConfigError, TargetError, UpstreamFailed
from shortstop.ports import Dialect
from shortstop.serving.breaker import Breaker
from shortstop.serving.http import Egress, HttpReply, Timeouts, retry_after
from shortstop.types import Chunk, Cleared, DialectName, Reply, Request

ANTHROPIC_VERSION = "2023-06-01"
ADVICE = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Vendor:
    """What differs between vendors' endpoints: a data row, not a class each."""

    dialect: DialectName
    path: str
    key_header: str
    key_prefix: str
    headers: Mapping[str, str]
    counting: str | None = None
    betas: str | None = None
    """The header that switches on what is not for everybody yet."""
    abilities: tuple[str, ...] = ()
    """What the dialect itself can say: "n" is several answers to one request."""


VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor(
        "openai.chat", "/chat/completions", "authorization", "Bearer ", {}, abilities=("n",)
    ),
    "responses": Vendor("openai.responses", "/responses", "authorization", "Bearer ", {}),
    "anthropic": Vendor(
        "anthropic.messages",
        "/v1/messages",
        "x-api-key",
        "",
        {"anthropic-version": ANTHROPIC_VERSION},
        counting="/v1/messages/count_tokens",
        betas="anthropic-beta",
    ),
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again. Seconds."""

    retries: int
    backoff: float
    longest: float

    def pause(self, tried: int, error: TargetError, draw: float) -> float | None:
        """Seconds to wait before try number `tried` + 1, or None to give up.

        `Retry-After` is obeyed unless it asks for more than we would wait; otherwise
        exponential backoff with jitter over its upper half, `draw` in [0, 1).
        """
        if tried > self.retries or not error.retryable:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest else None
        return min(self.longest, self.backoff * 2.0 ** (tried - 1)) * (0.5 + draw / 2)


def egress_for(config: UpstreamConfig, env: Mapping[str, str], *, name: str) -> Egress:
    """The way out that `config` describes. Raises ConfigError when its key is not set."""
    vendor = VENDORS[config.dialect]
    headers = dict(vendor.headers)
    if config.api_key_env is not None:
        key = env.get(config.api_key_env, "").strip()
        if not key:
            raise ConfigError(
                f"The key of upstream {name!r} is missing: {config.api_key_env} is not set.",
                hint=f"export {config.api_key_env}=... or remove [upstreams.{name}].",
            )
        headers[vendor.key_header] = vendor.key_prefix + key
    return Egress(
        config.base_url,
        targets=frozenset(config.models),
        headers=headers,
        timeouts=Timeouts(
            config.connect_timeout,
            config.first_byte_timeout,
            config.idle_timeout,
            config.total_timeout,
        ),
        connections=config.connections,
    )


class RemoteUpstream:
    """One model of one vendor."""

    def __init__(
        self,
        *,
        model: str,
        vendor: Vendor,
        dialect: Dialect,
        egress: Egress,
        patience: Patience,
        breaker: Breaker,
        draw: random.Random,
    ) -> None:
        self._model = model
        self._vendor = vendor
        self._dialect = dialect
        self._egress = egress
        self._patience = patience
        self.breaker = breaker
        self._draw = draw

    async def answer(self, cleared: Cleared) -> Reply:
        """Raises TargetError after the last try."""
        reply = await self._ask(cleared, self._vendor.path, self._encode)
        return self._dialect.decode_reply(reply.body)

    async def embed(self, cleared: Cleared) -> EmbeddingReply:
        """Vectors from an OpenAI-compatible vendor. Raises TargetError after the last try."""

        def encode(request: Request) -> bytes:
            said = embeddings.decode_request(request.body)
            return embeddings.encode_request(said, self._model)

        return embeddings.decode_reply((await self._ask(cleared, "/embeddings", encode)).body)

    @property
    def counts(self) -> bool:
        """Whether the vendor counts tokens for us."""
        return self._vendor.counting is not None

    async def count(self, cleared: Cleared) -> int:
        """Prompt tokens as the vendor counts them, if it `counts`. Raises TargetError."""
        assert self._vendor.counting is not None
        reply = await self._ask(cleared, self._vendor.counting, self._encode_for_counting)
        try:
            return int(msgspec.json.decode(reply.body)["input_tokens"])
        except (ValueError, LookupError, TypeError) as error:
            raise UpstreamFailed("The upstream's count is none.") from error

    def _encode_for_counting(self, request: Request) -> bytes:
        body = msgspec.json.decode(self._encode(request))
        counted = ("model", "messages", "system", "tools", "tool_choice", "thinking")
        return msgspec.json.encode({k: body[k] for k in counted if k in body})

    async def _ask(
        self, cleared: Cleared, path: str, encode: Callable[[Request], bytes]
    ) -> HttpReply:
        tried = 0
        while True:
            tried += 1
            try:
                async with self._counted():
                    reply = await self._egress.post(cleared, path, encode, self._told(cleared))
                    if reply.status != 200:
                        raise self._refused(reply.status, reply.headers, reply.body)
                    return reply
            except TargetError as error:
                await self._pause_or_raise(tried, error)

    async def stream(self, cleared: Cleared) -> AsyncGenerator[Chunk, None]:
        """Retries only until the first chunk; afterwards a failure is raised to the reader."""
        tried, begun = 0, False
        while True:
            tried += 1
            try:
                async with self._counted():
                    async for chunk in self._chunks(cleared):
                        begun = True
                        yield chunk
                    return
            except TargetError as error:
                if begun:
                    raise
                await self._pause_or_raise(tried, error)

    async def _chunks(self, cleared: Cleared) -> AsyncGenerator[Chunk, None]:
        path, decoder = self._vendor.path, self._dialect.stream_decoder()
        told = self._told(cleared)
        async with self._egress.stream(cleared, path, self._encode, told) as stream:
            if stream.status != 200:
                raise self._refused(stream.status, stream.headers, await stream.body())
            async for data in stream.chunks:
                for chunk in decoder.feed(data):
                    yield chunk
        if not decoder.done:
            raise UpstreamFailed("The upstream closed the stream before its end.")

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> TargetError:
        error = self._dialect.decode_error(status, body, retry_after(headers))
        error.advice = ADVICE.get(headers.get("x-should-retry", ""))
        return error

    def _told(self, cleared: Cleared) -> Mapping[str, str]:
        """Headers of this very request."""
        betas, header = cleared.request.betas, self._vendor.betas
        return {header: ",".join(betas)} if betas and header else {}

    def _encode(self, request: Request) -> bytes:
        return self._dialect.encode_request(request, self._model)

    async def _pause_or_raise(self, tried: int, error: TargetError) -> None:
        pause = self._patience.pause(tried, error, self._draw.random())
        if pause is None:
            raise error
        await asyncio.sleep(pause)

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        """Tell the breaker how it went. A refusal of the request itself is not a failure."""
        if not self.breaker.allow():
            raise _Open(
                "The upstream failed repeatedly and is being left alone for a moment.",
                retry_after=self.breaker.open_for,
                code="upstream_unavailable",
                status=503,
            )
        try:
            yield
        except TargetError as error:
            self.breaker.failed() if error.status >= 500 else self.breaker.succeeded()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()


class _Open(UpstreamFailed):
    """Raised by an open breaker: asking again at once is pointless."""

    @property
    def retryable(self) -> bool:
        return False
