"""A remote model behind the `Upstream` port: its dialect, and its deployments' ways out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Literal, TypeVar

import msgspec
from msgspec.structs import replace

from shortstop import dialects
from shortstop.config import UpstreamConfig
from shortstop.dialects import BatchApi, DescribedDialect, ToolNames, Vendor, embeddings
from shortstop.dialects.embeddings import EmbeddingReply
from shortstop.dialects.refused import refused_option, without
from shortstop.dialects.words import MODELS
from shortstop.errors import (
    ConfigError,
    TargetError,
    UpstreamFailed,
    UpstreamRejected,
)
from shortstop.ports import Via
from shortstop.ports.forwarding import Forwarding
from shortstop.serving.deployments import Deployment
from shortstop.serving.http import Egress
from shortstop.serving.key_file import KeyFile
from shortstop.serving.response import HttpReply, read_to_the_end, retry_after, whole_reply
from shortstop.serving.stopping import Stopping
from shortstop.serving.trip import Road, Trip
from shortstop.serving.vendor_batches import RemoteBatches
from shortstop.types import Chunk, Cleared, Reply, Request
from shortstop.types.batches import VendorResult

T = TypeVar("T")
PromptCache = Literal["shared", "tenant", "off"]
AS_THEY_ARE = ToolNames({}, {})
LARGE = 1 << 18
"""Bytes from which on an answer is decoded beside the event loop."""
RETRY_ADVICE = {"true": True, "false": False}


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


class RemoteUpstream:
    """One model of one vendor. Implements ports.Upstream. `egresses` are those of the road's
    deployments, by their labels."""

    def __init__(
        self, *, model: str, dialect: DescribedDialect, egresses: Mapping[str, Egress], road: Road
    ) -> None:
        self._model = model
        self._dialect = dialect
        self._vendor = vendor_of(dialect)
        self._egresses = egresses
        self._road = road
        self._refused: frozenset[str] = frozenset()
        self.prompt_cache: PromptCache = "off"
        """For whom the vendor is told what to cache, where it must be told."""
        self.local = False
        """Whether it is on this machine or network, beside being asked like any vendor."""
        self.places: Mapping[str, str] = {}
        """What stands before each path of this model, such as Azure's deployments, by label."""
        self.key: KeyFile | None = None
        """Where the vendor's key is one that is renewed."""
        self.forwards: frozenset[str] = frozenset()
        """Headers of the client's that the vendor is told."""
        self.batches: RemoteBatches | None = None
        """The vendor's batches, where lines of clients' batches may go in them."""
        self.forwarding: Forwarding | None = None

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return self._road.chooser.deployments

    @property
    def broken(self) -> bool | None:
        """Whether it fails wherever it was asked; None where it never was."""
        return self._road.chooser.broken

    @property
    def open_for(self) -> float:
        """Seconds until it may be asked again after failures; 0: now."""
        return self._road.chooser.open_for

    async def answer(self, cleared: Cleared, via: Via | None = None) -> Reply:
        """Raises TargetError after the last attempt."""
        salt, names = dialects.Salt(cleared.request), self._names(cleared.request)
        stopping, trip = self._stopping(cleared.request), Trip(self._road, cleared, via)

        def decode(reply: HttpReply) -> Reply:
            decoded = whole_reply(self._dialect, reply.body, cleared.request, salt)
            trip.usage = decoded.usage
            return names.reply(stopping.reply(decoded))

        if self.batches is not None and (result := await self._batched(cleared, via)) is not None:
            with suppress(UpstreamFailed), self._hiding(self.deployments[0]):
                return self._read(result, decode)  # no answer in it: the line is asked on its own
        reply = await self._post(trip, cleared, self._vendor.path, self._encode, decode)
        return replace(reply, deployment=trip.at.label) if trip.at.label else reply

    async def _batched(self, cleared: Cleared, via: Via | None) -> VendorResult | None:
        """What a batch of the vendor's holds of a line of a client's. None: it is in none."""
        if via is None or via.place is None or self.forwarding is None:
            return None
        via.waits = True
        result = await self.forwarding.answered(via.place, cleared)
        via.waits = False
        return result

    def _read(self, result: VendorResult, decode: Callable[[HttpReply], Reply]) -> Reply:
        """Raises UpstreamFailed for what another try may answer, and UpstreamRejected."""
        if result.status != 200:
            error = self._error(result.status or 500, {}, result.body)
            raise UpstreamFailed(error.message) if error.retryable or error.about_key else error
        reply = decode(HttpReply(200, {}, result.body))
        return replace(reply, usage=None if reply.usage is None else reply.usage.of_batch())

    def batched(self, batching: BatchApi, forwarding: Forwarding) -> None:
        """Lines of clients' batches go in the vendor's from now on."""
        egress, self.forwarding = next(iter(self._egresses.values())), forwarding
        self.batches = RemoteBatches(
            batching, egress, self._dialect, self._encode, self._key_headers, self._has_headers
        )

    async def embed(self, cleared: Cleared, via: Via | None = None) -> EmbeddingReply:
        """Vectors from an OpenAI-compatible vendor. Raises TargetError after the last attempt."""

        def encode(request: Request) -> bytes:
            return embeddings.encode_request(embeddings.decode_request(request.body), self._model)

        def decode(reply: HttpReply) -> EmbeddingReply:
            return embeddings.decode_reply(reply.body)

        trip = Trip(self._road, cleared, via)
        return await self._post(trip, cleared, embeddings.PATH, encode, decode)

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

        def decode(reply: HttpReply) -> int:
            return counting.decode(reply.body)

        trip = Trip(self._road, cleared)
        return await self._post(trip, cleared, counting.path, encode, decode)

    async def stream(self, cleared: Cleared, via: Via | None = None) -> AsyncGenerator[Chunk, None]:
        """Retries only until the first chunk; a failure after that is raised to the reader."""
        trip, begun = Trip(self._road, cleared, via), False
        while True:
            try:
                with trip as deployment, self._hiding(deployment):
                    async for chunk in self._chunks(cleared, deployment):
                        begun = True
                        if chunk.usage is not None:
                            trip.usage = chunk.usage
                        yield chunk
                    return
            except TargetError as error:
                if not begun and self._goes_without(cleared.request, error):
                    continue
                pause = None if begun else trip.pause(error)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _post(
        self,
        trip: Trip,
        cleared: Cleared,
        path: str,
        encode: Callable[[Request], bytes],
        decode: Callable[[HttpReply], T],
    ) -> T:
        while True:
            try:
                with trip as deployment, self._hiding(deployment):
                    egress, place = self._way(deployment)
                    headers = self._headers(cleared)
                    reply = await egress.post(cleared, place + path, encode, headers)
                    if not reply.good:
                        raise self._error(reply.status, reply.headers, reply.body)
                    if len(reply.body) < LARGE:
                        return decode(reply)
                    return await asyncio.to_thread(decode, reply)
            except TargetError as error:
                if encode == self._encode and self._goes_without(cleared.request, error):
                    continue
                pause = trip.pause(error)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    def _hiding(self, deployment: Deployment) -> AbstractContextManager[None]:
        return self._egresses[deployment.label].hiding(self._key_headers)

    def _way(self, deployment: Deployment) -> tuple[Egress, str]:
        label = deployment.label
        return self._egresses[label], self.places.get(label, "")

    async def _chunks(
        self, cleared: Cleared, deployment: Deployment
    ) -> AsyncGenerator[Chunk, None]:
        egress, place = self._way(deployment)
        path = place + self._vendor.path
        media_type = self._dialect.description.route.media_type
        decoder = dialects.EitherDecoder(
            self._dialect,
            dialects.Salt(cleared.request),
            json_lines=not media_type.startswith("text/event-stream"),
        )
        headers, names = self._headers(cleared), self._names(cleared.request)
        stopping = self._stopping(cleared.request)
        async with egress.stream(cleared, path, self._encode, headers) as stream:
            if not stream.good:
                raise self._error(stream.status, stream.headers, await stream.error_body())
            async for data in read_to_the_end(stream.chunks, decoder):
                for chunk in decoder.feed(data):
                    yield names.chunk(stopping.chunk(chunk))
        for chunk in decoder.close():
            yield names.chunk(stopping.chunk(chunk))

    def _error(self, status: int, headers: Mapping[str, str], body: bytes) -> TargetError:
        error = self._dialect.decode_error(status, body, retry_after(headers))
        error.advice = RETRY_ADVICE.get(headers.get("x-should-retry", ""))
        return error

    def _headers(self, cleared: Cleared) -> Mapping[str, str]:
        """Headers of this request alone: its place in a trace, the betas that its client asks for
        in this dialect, what is passed on, and a key that may have been renewed."""
        request, own = cleared.request, self._key_headers()
        if request.trace_context is not None:
            own |= request.trace_context.headers(local=self.local)
        return own | self._clients_headers(request)

    def _clients_headers(self, request: Request) -> dict[str, str]:
        if not (request.headers or request.betas):
            return {}
        description = self._dialect.description
        own = {n: value for n, value in request.headers.items() if n in self.forwards}
        if description.betas is None or not request.betas or request.dialect != description.name:
            return own
        return {**own, description.betas: ",".join(request.betas)}

    def _has_headers(self, request: Request) -> bool:
        return bool(self._clients_headers(request))

    def _key_headers(self) -> dict[str, str]:
        return {} if self.key is None else dict(self.key.headers())

    def _names(self, request: Request) -> ToolNames:
        """How tools are called there; by their own names where the client's body is sent on."""
        description = self._dialect.description
        if request.dialect == description.name and request.body:
            return AS_THEY_ARE
        return ToolNames.of(request, description.limits)

    def _stopping(self, request: Request) -> Stopping:
        return Stopping(dialects.unsent_stops(request, self._dialect.description))

    def _encode(self, request: Request) -> bytes:
        if self.prompt_cache != "off":
            scope = request.party.tenant if self.prompt_cache == "tenant" else ""
            # Whose it is may be unknown: then nothing is cached, rather than for everybody.
            if scope or self.prompt_cache == "shared":
                request = replace(request, cache_scope=scope)
        body = self._dialect.encode_request(request, self._model)
        return without(body, self._refused) if self._refused and _is_chosen(request) else body

    def _goes_without(self, request: Request, error: TargetError) -> bool:
        """Whether to ask again without an option that this model refuses. It was chosen by the
        gateway, so that is remembered for the next requests; who names it gets its answer."""
        if not isinstance(error, UpstreamRejected) or not _is_chosen(request):
            return False
        option = refused_option(error, self._encode(request))
        if option is None:
            return False
        self._refused |= {option}
        return True


def _is_chosen(request: Request) -> bool:
    """Whether the gateway chose the model."""
    return request.model in MODELS
