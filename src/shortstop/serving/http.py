"""The only module that opens HTTP connections, to models and to a collector of telemetry.

Two clients with two types: `LocalClient` connects to this machine or its private network and
refuses any other address; `Egress` is the one way out, and it sends nothing but what privacy
cleared for that very target.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from shortstop import __version__
from shortstop.config import is_local_url
from shortstop.errors import ConfigError, PrivacyRefused, UpstreamFailed, UpstreamTimeout
from shortstop.serving.connection import Broken, Connection, Pool
from shortstop.serving.hiding import Hiding, Shown
from shortstop.serving.response import MAX_ERROR, HttpReply, HttpStream, is_good
from shortstop.serving.unpacking import AnswerUnpacker
from shortstop.serving.way import DIRECT, Way, opener
from shortstop.types import Cleared, Reach, Request

NO_HEADERS: Mapping[str, str] = {}
TYPE = "content-type"
FIXED_HEADERS: Mapping[str, str] = {
    TYPE: "application/json",
    "accept": "application/json, text/event-stream",
    "accept-encoding": "identity",
    "user-agent": f"shortstop/{__version__}",
}
"""Of every request: some servers pack their answers unless told not to, some refuse a client that
does not say who it is."""
MAX_ANSWER = 40_000_000
"""Bytes of a local server's answer."""
MAX_FILE = 2_000_000_000
"""Bytes of a file of results: it is read line by line."""
MAX_LIST, LISTING_SECONDS = 4_000_000, 10.0
"""Bytes of a list of models, and for how long one is waited for at each step."""
TURN = 1 << 15
"""Bytes of a stream that are handed on in one turn of the event loop: a flood of small events must
not keep it from the other requests."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the first byte, between bytes, and for the whole response."""

    connect: float = 5
    first_byte: float = 60
    idle: float = 60
    total: float = 600


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


class _Client:
    """A pool of connections to one server, with our deadlines and our errors."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        connections: int,
        max_answer: int,
        way: Way,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeouts = timeouts
        self._max_answer = max_answer
        parts = urlsplit(self.base_url)
        self._pool = Pool(opener(parts, way), limit=connections)
        self._prefix = parts.path
        self._query = f"?{parts.query}" if parts.query else ""
        fixed = {"host": parts.netloc, **FIXED_HEADERS, **headers}
        if any(c in value for value in fixed.values() for c in "\r\n"):
            raise ConfigError(f"A header or key for {base_url} contains a line break.")
        self._shown = {**headers, **dict(parse_qsl(parts.query))}
        self._head = _lines(fixed)
        self._untyped = _lines({n: value for n, value in fixed.items() if n != TYPE})

    def hiding(self, renewed: Shown = dict) -> Hiding:
        """Around what is made of its answers."""
        return Hiding(self._shown, renewed)

    async def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    async def post(
        self, path: str, body: bytes, extra_headers: Mapping[str, str] = NO_HEADERS
    ) -> HttpReply:
        """Send `body` and read the whole response. A model says nothing before a whole answer is
        ready, so it has the total time for it. Raises UpstreamFailed or UpstreamTimeout."""
        with _mapped():
            begun = self._exchange("POST", path, body, extra_headers, limit=self.timeouts.total)
            return await self._reply(await begun)

    async def post_beside(self, path: str, body: bytes) -> HttpReply:
        """`post` to a path that does not begin with the base URL's."""
        with _mapped():
            return await self._reply(await self._exchange("POST", path, body, NO_HEADERS, ""))

    async def get(self, path: str) -> HttpReply:
        """Read a whole response. Raises UpstreamFailed or UpstreamTimeout."""
        with _mapped():
            return await self._reply(await self._exchange("GET", path, b"", NO_HEADERS))

    async def get_beside(self, path: str) -> HttpReply:
        """Read a whole response, from such a path. Raises UpstreamFailed or UpstreamTimeout."""
        with _mapped():
            return await self._reply(await self._exchange("GET", path, b"", NO_HEADERS, ""))

    async def ask(
        self, method: str, path: str, body: bytes, extra_headers: Mapping[str, str]
    ) -> HttpReply:
        """The same with any method, and sent once, whatever becomes of the connection."""
        with _mapped():
            request = self._request(method, path, body, extra_headers, self._prefix)
            return await self._reply(await self._begin(request, self.timeouts.total, fresh=True))

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        body: bytes,
        extra_headers: Mapping[str, str] = NO_HEADERS,
        method: str = "POST",
        most: int | None = None,
    ) -> AsyncIterator[HttpStream]:
        """Send `body` and read in pieces; leaving the block early closes the connection. `most`
        bytes, where it is no answer of a model. Raises UpstreamFailed or UpstreamTimeout.
        """
        with _mapped():
            connection = await self._exchange(method, path, body, extra_headers)
        try:
            pieces = self._pieces(connection, most or self._max_answer)
            with self.hiding(lambda: extra_headers):
                yield HttpStream(connection.status, connection.headers, pieces)
        finally:
            self._pool.give_back(connection)

    async def _reply(self, connection: Connection) -> HttpReply:
        try:
            whole = await self._whole(connection)
        finally:
            self._pool.give_back(connection)
        return HttpReply(connection.status, connection.headers, whole)

    async def _exchange(
        self,
        method: str,
        path: str,
        body: bytes,
        extra_headers: Mapping[str, str],
        prefix: str | None = None,
        limit: float | None = None,
    ) -> Connection:
        """A connection on which the response has begun.

        A kept-alive connection that turns out to be closed is replaced once by a fresh one.
        """
        prefix = self._prefix if prefix is None else prefix
        request = self._request(method, path, body, extra_headers, prefix)
        try:
            return await self._begin(request, limit, fresh=False)
        except Broken as error:
            if not error.stale:
                raise
        return await self._begin(request, limit, fresh=True)

    def _request(
        self, method: str, path: str, body: bytes, extra_headers: Mapping[str, str], prefix: str
    ) -> bytes:
        own = self._untyped if TYPE in extra_headers else self._head
        lines = own + _lines(extra_headers) if extra_headers else own
        query = self._query if "?" not in path else self._query.replace("?", "&")
        head = f"{method} {prefix}{path}{query} HTTP/1.1\r\n{lines}"
        head += f"content-length: {len(body)}\r\n"
        return head.encode("latin-1") + b"\r\n" + body

    async def _begin(self, request: bytes, limit: float | None, *, fresh: bool) -> Connection:
        """`limit`: seconds until the response begins, if not those to the first byte."""
        try:
            connection, used = await self._pool.take(self.timeouts.connect, fresh=fresh)
        except TimeoutError as error:
            raise UpstreamTimeout("The model cannot be reached in time.") from error
        try:
            await connection.send(request, limit or self.timeouts.first_byte)
        except BaseException as error:
            self._pool.give_back(connection)
            if isinstance(error, Broken) and not used:
                error.stale = False
            raise
        return connection

    async def _whole(self, connection: Connection) -> bytes:
        parts, size, most = [], 0, self._most(connection)
        end = asyncio.get_running_loop().time() + self.timeouts.total
        self._check_length(connection, self._max_answer)
        unpacker = AnswerUnpacker(connection.headers)
        while data := await connection.read(self.timeouts.idle):
            data = unpacker.feed(data, most)
            parts.append(data)
            size += len(data)
            if size > most:
                if is_good(connection.status):
                    parts.clear()  # whoever keeps the error must not keep them
                    raise self._too_large()
                break
            _check_deadline(end)
        return b"".join(parts)

    async def _pieces(self, connection: Connection, most: int) -> AsyncIterator[bytes]:
        end = asyncio.get_running_loop().time() + self.timeouts.total
        size = 0
        with _mapped():
            self._check_length(connection, most)
            unpacker = AnswerUnpacker(connection.headers)
            while data := await connection.read(self.timeouts.idle):
                data = unpacker.feed(data, most)
                size += len(data)
                if size > most:
                    raise self._too_large()
                for start in range(0, len(data), TURN):
                    if start:
                        await asyncio.sleep(0)
                    yield data[start : start + TURN]
                _check_deadline(end)

    def _most(self, connection: Connection) -> int:
        return self._max_answer if is_good(connection.status) else MAX_ERROR

    def _check_length(self, connection: Connection, most: int) -> None:
        """Raises UpstreamFailed for an answer that is announced to be too large."""
        length = connection.headers.get("content-length", "")
        if is_good(connection.status) and length.isdigit() and int(length) > most:
            raise self._too_large()

    def _too_large(self) -> UpstreamFailed:
        error = UpstreamFailed(
            f"The model's answer is larger than {self._max_answer / 1e6:g} MB.",
            hint="The operator can raise `max_answer_mb` of this upstream.",
            code="answer_too_large",
        )
        error.advice = False
        return error


def _check_deadline(end: float) -> None:
    """Raises TimeoutError after `end`, the loop's time until which the whole response may take."""
    if asyncio.get_running_loop().time() > end:
        raise TimeoutError


class _mapped:
    """Maps a connection's errors to UpstreamTimeout and UpstreamFailed. Once there is a connection,
    the request was sent."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TimeoutError):
            late = UpstreamTimeout("The model did not answer in time.")
            late.sent = True
            raise late from error
        if isinstance(error, zlib.error):
            raise UpstreamFailed("The model's answer is not packed as its head says.") from error
        if isinstance(error, Broken):
            raise UpstreamFailed(f"The connection to the model failed: {error}.") from error
        if isinstance(error, ssl.SSLCertVerificationError):
            raise _untrusted(error) from error
        if isinstance(error, OSError):
            raise UpstreamFailed(
                f"The model cannot be reached ({type(error).__name__})."
            ) from error


def _untrusted(error: ssl.SSLCertVerificationError) -> UpstreamFailed:
    untrusted = UpstreamFailed(
        f"The certificate of the model's server is not trusted: {error.verify_message}.",
        hint="The operator names whom to trust in `ca_file` of this upstream, or in SSL_CERT_FILE.",
        code="upstream_certificate",
    )
    untrusted.advice = False
    return untrusted


class LocalClient(_Client):
    """Connects to an engine on this machine or its private network, never through a proxy.

    `socket` is the path of a Unix socket at which it listens, `tls` whom to trust if not whom the
    system does. Raises ConfigError for any other address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeouts: Timeouts = Timeouts(),
        connections: int = 64,
        socket: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not is_local_url(base_url):
            raise ConfigError(
                f"{base_url} is not an address of this machine or a private network.",
                hint="Configure it under [upstreams], where privacy watches what leaves.",
            )
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        way = Way(socket=socket, tls=tls)
        super().__init__(base_url, headers, timeouts, connections, MAX_ANSWER, way)


class Lister:
    """Asks a vendor which models it has: a request that says nothing of anybody."""

    def __init__(
        self, base_url: str, path: str, headers: Mapping[str, str], way: Way = DIRECT
    ) -> None:
        self._path = path
        timeouts = Timeouts(LISTING_SECONDS, LISTING_SECONDS, LISTING_SECONDS, LISTING_SECONDS)
        self._client = _Client(base_url, headers, timeouts, 1, MAX_LIST, way)

    async def read(self) -> HttpReply:
        """Raises UpstreamFailed, also for a list of more than `MAX_LIST` bytes, UpstreamTimeout."""
        try:
            return await self._client.get(self._path)
        except UpstreamFailed as error:
            if error.code != "answer_too_large":
                raise
            raise UpstreamFailed(f"Its list is larger than {MAX_LIST / 1e6:g} MB.") from None
        finally:
            await self._client.close()


class TelemetryClient:
    """Takes spans and metrics to a collector: figures about requests, and content only where the
    operator's policy lets it be kept. `seconds` is the most that one delivery may take."""

    def __init__(self, base_url: str, headers: Mapping[str, str], seconds: float) -> None:
        timeouts = Timeouts(min(5, seconds), seconds, seconds, seconds)
        self._client = _Client(base_url, headers, timeouts, 1, MAX_ERROR, DIRECT)

    async def post(self, path: str, body: bytes) -> HttpReply:
        """Raises UpstreamFailed or UpstreamTimeout."""
        return await self._client.post(path, body)

    async def close(self) -> None:
        await self._client.close()


class OperatorClient(_Client):
    """The way to an address of the operator's own, in words of our own: who is told something, or
    says who people are. At most `MAX_ERROR` bytes are read."""

    def __init__(
        self, base_url: str, timeouts: Timeouts, way: Way, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        super().__init__(base_url, headers, timeouts, 1, MAX_ERROR, way)


class Egress:
    """The way out to one vendor. Sends cleared requests only, and only for its own targets.

    Raises PrivacyRefused for any other request, UpstreamFailed and UpstreamTimeout. `also` makes
    one more target its own.
    """

    def __init__(
        self,
        base_url: str,
        *,
        targets: frozenset[str],
        headers: Mapping[str, str],
        timeouts: Timeouts,
        connections: int = 256,
        max_answer: int = MAX_ANSWER,
        way: Way = DIRECT,
    ) -> None:
        self._targets = targets
        self._client = _Client(base_url, headers, timeouts, connections, max_answer, way)
        self.hiding = self._client.hiding

    def also(self, target: str) -> None:
        self._targets |= {target}

    async def post(
        self,
        cleared: Cleared,
        path: str,
        encode: Callable[[Request], bytes],
        extra_headers: Mapping[str, str] = NO_HEADERS,
    ) -> HttpReply:
        """Send the request as `encode` writes it and read the whole response."""
        self._check(cleared)
        return await self._client.post(path, encode(cleared.request), extra_headers)

    @asynccontextmanager
    async def stream(
        self,
        cleared: Cleared,
        path: str,
        encode: Callable[[Request], bytes],
        extra_headers: Mapping[str, str] = NO_HEADERS,
    ) -> AsyncIterator[HttpStream]:
        """The same, read in pieces; leaving the block early closes the connection."""
        self._check(cleared)
        async with self._client.stream(path, encode(cleared.request), extra_headers) as stream:
            yield stream

    async def manage(
        self,
        method: str,
        path: str,
        body: bytes,
        extra_headers: Mapping[str, str],
        holds: Collection[Cleared] = (),
    ) -> HttpReply:
        """Send what is about a batch at the vendor. `holds`: all requests that `body` is made of;
        else it says nothing of anybody."""
        for cleared in holds:
            self._check(cleared)
        return await self._client.ask(method, path, body, extra_headers)

    @asynccontextmanager
    async def fetch(self, path: str, extra_headers: Mapping[str, str]) -> AsyncIterator[HttpStream]:
        """Read a file that the vendor has under `path`, in pieces."""
        async with self._client.stream(path, b"", extra_headers, "GET", MAX_FILE) as stream:
            yield stream

    async def close(self) -> None:
        """Close the idle connections."""
        await self._client.close()

    def _check(self, cleared: Cleared) -> None:
        """The type already guarantees this; checked once more where bytes leave."""
        if cleared.target not in self._targets or cleared.clearance.reach >= Reach.LOCAL_ONLY:
            raise PrivacyRefused("This request was not cleared to leave for this target.")
