"""A remote model behind the `Upstream` port: its dialect, retries and circuit breaker."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from shortstop import dialects
from shortstop.config import UpstreamConfig, api_key
from shortstop.dialects import DescribedDialect, Vendor, embeddings
from shortstop.dialects.embeddings import EmbeddingReply
from shortstop.errors import ConfigError, TargetError, UpstreamFailed
from shortstop.serving.breaker import Breaker
from shortstop.serving.health import TargetHealth
from shortstop.serving.http import Egress, HttpReply, Timeouts, retry_after
from shortstop.types import Chunk, Cleared, Reply, Request

RETRY_ADVICE = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to retry, and how long to wait before it. Seconds."""

    retries: int
    backoff: float
    longest: float

    def pause(self, tried: int, error: TargetError, draw: float) -> float | None:
        """Seconds to wait after `tried` attempts, or None to give up.

        `Retry-After` is obeyed unless it asks for more than `longest`; otherwise exponential
        backoff with jitter over its upper half, `draw` in [0, 1).
        """
        if tried > self.retries or not error.retryable:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.longest else None
        return min(self.longest, self.backoff * 2.0 ** (tried - 1)) * (0.5 + draw / 2)


def dialect_of(config: UpstreamConfig, *, name: str) -> DescribedDialect:
    """The dialect in which the upstream `name` is asked. Raises ConfigError for an unknown one."""
    available = dialects.upstream_dialects()
    dialect = available.get(config.dialect)
    if dialect is None:
        raise ConfigError(
            f"[upstreams.{name}] `dialect` is {config.dialect!r}, which does not exist.",
            hint=f"There are: {', '.join(available)}.",
        )
    return dialect


def check_dialects(upstreams: Mapping[str, UpstreamConfig]) -> None:
    """Raises ConfigError when an upstream, by name, is to be asked in an unknown dialect."""
    for name, config in upstreams.items():
        dialect_of(config, name=name)


def vendor_of(dialect: DescribedDialect) -> Vendor:
    """How vendors of a dialect are asked."""
    vendor = dialect.description.vendor
    assert vendor is not None, "a dialect from `upstream_dialects`"
    return vendor


def egress_for(
    config: UpstreamConfig, vendor: Vendor, env: Mapping[str, str], *, name: str
) -> Egress:
    """The way out to the upstream `name`. Raises ConfigError when its API key is not usable."""
    headers = dict(vendor.headers)
    if config.api_key_env is not None:
        key = api_key(env, config.api_key_env)
        if key is None:
            raise ConfigError(
                f"The key of upstream {name!r} is missing: {config.api_key_env} is not set.",
                hint=f"export {config.api_key_env}=... or remove [upstreams.{name}].",
            )
        headers |= vendor.key(key)
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
        max_answer=int(config.max_answer_mb * 1_000_000),
    )


class RemoteUpstream:
    """One model of one vendor. Implements ports.Upstream."""

    def __init__(
        self,
        *,
        model: str,
        dialect: DescribedDialect,
        egress: Egress,
        patience: Patience,
        breaker: Breaker,
        health: TargetHealth,
        draw: random.Random,
    ) -> None:
        self._model = model
        self._dialect = dialect
        self._vendor = vendor_of(dialect)
        self._egress = egress
        self._patience = patience
        self.breaker = breaker
        self._health = health
        self._draw = draw

    async def answer(self, cleared: Cleared) -> Reply:
        """Raises TargetError after the last attempt."""
        reply = await self._post(cleared, self._vendor.path, self._encode)
        return self._dialect.decode_reply(reply.body)

    async def embed(self, cleared: Cleared) -> EmbeddingReply:
        """Vectors from an OpenAI-compatible vendor. Raises TargetError after the last attempt."""

        def encode(request: Request) -> bytes:
            return embeddings.encode_request(embeddings.decode_request(request.body), self._model)

        reply = await self._post(cleared, embeddings.PATH, encode)
        return embeddings.decode_reply(reply.body)

    @property
    def counts(self) -> bool:
        """Whether the vendor counts tokens."""
        return self._dialect.description.counting is not None

    async def count(self, cleared: Cleared) -> int:
        """Prompt tokens by the vendor's count. Only if it `counts`. Raises TargetError."""
        counting = self._dialect.description.counting
        assert counting is not None

        def encode(request: Request) -> bytes:
            return counting.question(msgspec.json.decode(self._encode(request)))

        return counting.decode((await self._post(cleared, counting.path, encode)).body)

    async def stream(self, cleared: Cleared) -> AsyncGenerator[Chunk, None]:
        """Retries only until the first chunk; a failure after that is raised to the reader."""
        tried, begun = 0, False
        while True:
            tried += 1
            try:
                async with self._guarded():
                    async for chunk in self._chunks(cleared):
                        begun = True
                        yield chunk
                    return
            except TargetError as error:
                pause = None if begun else self._pause(tried, error)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _post(
        self, cleared: Cleared, path: str, encode: Callable[[Request], bytes]
    ) -> HttpReply:
        tried = 0
        while True:
            tried += 1
            try:
                async with self._guarded():
                    reply = await self._egress.post(cleared, path, encode, self._headers(cleared))
                    if reply.status != 200:
                        raise self._error(reply.status, reply.headers, reply.body)
                    return reply
            except TargetError as error:
                pause = self._pause(tried, error)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _chunks(self, cleared: Cleared) -> AsyncGenerator[Chunk, None]:
        path, decoder = self._vendor.path, self._dialect.stream_decoder()
        headers = self._headers(cleared)
        async with self._egress.stream(cleared, path, self._encode, headers) as stream:
            if stream.status != 200:
                raise self._error(stream.status, stream.headers, await stream.error_body())
            async for data in stream.chunks:
                for chunk in decoder.feed(data):
                    yield chunk
        if not decoder.done:
            raise UpstreamFailed("The upstream closed the stream before its end.")

    def _error(self, status: int, headers: Mapping[str, str], body: bytes) -> TargetError:
        error = self._dialect.decode_error(status, body, retry_after(headers))
        error.advice = RETRY_ADVICE.get(headers.get("x-should-retry", ""))
        return error

    def _headers(self, cleared: Cleared) -> Mapping[str, str]:
        """Headers of this request alone: the betas that its client asks for in this dialect."""
        description, request = self._dialect.description, cleared.request
        if description.betas is None or not request.betas or request.dialect != description.name:
            return {}
        return {description.betas: ",".join(request.betas)}

    def _encode(self, request: Request) -> bytes:
        return self._dialect.encode_request(request, self._model)

    def _pause(self, tried: int, error: TargetError) -> float | None:
        """Seconds until the next attempt; None: there is none.

        Whoever raises an error from a variable makes a ring of it, its traceback and all that was
        read, until the garbage collector finds it.
        """
        return self._patience.pause(tried, error, self._draw.random())

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        """An attempt that the breaker allows and learns from. A rejected request is a success: the
        upstream works."""
        if not self.breaker.allow():
            raise _CircuitOpen(
                "The upstream failed repeatedly and is being left alone for a moment.",
                retry_after=self.breaker.open_for,
                code="upstream_unavailable",
                status=503,
            )
        try:
            yield
        except TargetError as error:
            if error.status >= 500:
                self.breaker.failed()
                self._health.failed(error)
            else:
                self._works()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self._works()

    def _works(self) -> None:
        self.breaker.succeeded()
        self._health.succeeded()


class _CircuitOpen(UpstreamFailed):
    """Raised by an open breaker: to ask again at once is pointless."""

    @property
    def retryable(self) -> bool:
        return False
