"""The only module that opens HTTP connections to models.

Two clients, told apart by type: `LocalClient` speaks to this machine or its private network and
refuses any other address; `Egress` is the one way out, and it sends nothing but what privacy
cleared for that very target.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from shortstop.config import is_local_url
from shortstop.errors import ConfigError, PrivacyRefused, UpstreamFailed, UpstreamTimeout
from shortstop.types import Cleared, Reach, Request

JSON_HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the first byte, between bytes, and for all of it."""

    connect: float = 5
    first_byte: float = 60
    idle: float = 60
    total: float = 600


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        return retry_after(self.headers)


@dataclass(frozen=True, slots=True)
class HttpStream:
    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    async def body(self) -> bytes:
        return b"".join([data async for data in self.chunks])


def retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After-Ms` or `Retry-After` in seconds; dates and nonsense count as not said."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


class _Client:
    """An aiohttp session with our rules: no redirects, no proxies from the environment."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], timeouts: Timeouts, connections: int
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeouts = timeouts
        self._headers = {**JSON_HEADERS, **headers}
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ttl_dns_cache=60),
                timeout=aiohttp.ClientTimeout(
                    total=self.timeouts.total, sock_connect=self.timeouts.connect
                ),
                headers=self._headers,
                auto_decompress=True,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent",),
                read_bufsize=2**18,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, path: str, body: bytes) -> HttpReply:
        """Send and read whole. Raises UpstreamFailed or UpstreamTimeout."""
        with _mapped():
            async with asyncio.timeout(self.timeouts.first_byte):
                response = await self._send(path, body)
            async with response:
                return HttpReply(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def stream(self, path: str, body: bytes) -> AsyncIterator[HttpStream]:
        """Send and read piece by piece; leaving the block closes the connection."""
        with _mapped():
            async with asyncio.timeout(self.timeouts.first_byte):
                response = await self._send(path, body)
        try:
            yield HttpStream(response.status, response.headers, self._chunks(response))
        finally:
            response.close()

    async def _send(self, path: str, body: bytes) -> aiohttp.ClientResponse:
        """POST; once more at once if a kept-alive connection turned out to be closed."""
        try:
            return await self._post(path, body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            return await self._post(path, body)

    async def _post(self, path: str, body: bytes) -> aiohttp.ClientResponse:
        # aiohttp warns about raw bytes over 1 MiB; a file-like body is written in pieces.
        data = body if len(body) < 2**20 else io.BytesIO(body)
        return await self._open().post(self.base_url + path, data=data, allow_redirects=False)

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        limit = self.timeouts.first_byte
        with _mapped():
            while True:
                async with asyncio.timeout(limit):
                    data = await response.content.readany()
                if not data:
                    return
                yield data
                limit = self.timeouts.idle


class _mapped:
    """Turns the client library's exceptions into ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TimeoutError):
            raise UpstreamTimeout("The model did not answer in time.") from error
        if isinstance(error, (aiohttp.ClientError, OSError)):
            raise UpstreamFailed(
                f"The connection to the model failed ({type(error).__name__})."
            ) from error


class LocalClient(_Client):
    """Speaks to an engine on this machine or its private network. Raises ConfigError otherwise."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeouts: Timeouts = Timeouts(),
        connections: int = 64,
    ) -> None:
        if not is_local_url(base_url):
            raise ConfigError(
                f"{base_url} is not an address of this machine or a private network.",
                hint="Configure it under [upstreams], where privacy watches what leaves.",
            )
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        super().__init__(base_url, headers, timeouts, connections)


class Egress:
    """The way out to one vendor. Takes cleared requests only, and only for its own targets."""

    def __init__(
        self,
        base_url: str,
        *,
        targets: frozenset[str],
        headers: Mapping[str, str],
        timeouts: Timeouts,
        connections: int = 256,
    ) -> None:
        self._targets = targets
        self._client = _Client(base_url, headers, timeouts, connections)

    async def post(
        self, cleared: Cleared, path: str, encode: Callable[[Request], bytes]
    ) -> HttpReply:
        self._check(cleared)
        return await self._client.post(path, encode(cleared.request))

    @asynccontextmanager
    async def stream(
        self, cleared: Cleared, path: str, encode: Callable[[Request], bytes]
    ) -> AsyncIterator[HttpStream]:
        self._check(cleared)
        async with self._client.stream(path, encode(cleared.request)) as stream:
            yield stream

    async def close(self) -> None:
        await self._client.close()

    def _check(self, cleared: Cleared) -> None:
        """The type already promises this; the way out checks once more."""
        if cleared.target not in self._targets or cleared.clearance.reach >= Reach.LOCAL_ONLY:
            raise PrivacyRefused("This request was not cleared to leave for this target.")
