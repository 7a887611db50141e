"""A vendor's batches over HTTP: the dialect's steps, taken one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from shortstop import bounded
from shortstop.dialects import BatchApi, BatchCall, BatchState, DescribedDialect, Steps
from shortstop.errors import UpstreamFailed, UpstreamRejected
from shortstop.serving.http import Egress
from shortstop.serving.response import HttpStream, retry_after
from shortstop.types import Cleared, Json, Request
from shortstop.types.batches import VendorResult

T = TypeVar("T")
MAX_LINE = 40_000_000
"""Bytes of one result."""


class RemoteBatches:
    """Implements ports.forwarding.VendorBatches for one model. `alone` says which requests have
    headers of their own: a line of a batch has none."""

    def __init__(
        self,
        batching: BatchApi,
        egress: Egress,
        dialect: DescribedDialect,
        encode: Callable[[Request], bytes],
        headers: Callable[[], Mapping[str, str]],
        alone: Callable[[Request], bool],
    ) -> None:
        self._batching = batching
        self._egress = egress
        self._dialect = dialect
        self._encode = encode
        self._headers = headers
        self._alone = alone

    @property
    def most_lines(self) -> int:
        return self._batching.most_lines

    @property
    def most_bytes(self) -> int:
        return self._batching.most_bytes

    def size(self, cleared: Cleared) -> int:
        request = cleared.request
        return 0 if self._alone(request) else len(self._encode(request))

    async def submit(self, name: str, lines: Mapping[int, Cleared]) -> str:
        bodies = {
            f"{name}-{number}": self._encode(cleared.request) for number, cleared in lines.items()
        }
        holds = tuple(lines.values())
        return await self._taken(self._batching.submit(name, bodies), holds)

    async def find(self, name: str, lines: int, since: float) -> str | None:
        for id in await self._taken(self._batching.find(name, lines, since)):
            if self._batching.named or await self._is_of(name, id):
                return id
        return None

    async def _is_of(self, name: str, id: str) -> bool:
        """By its results. Raises UpstreamFailed while there are none."""
        if not await self.over(id):
            raise UpstreamFailed("A batch that may be ours has not ended.")
        async for _ in self.results(name, id):
            return True
        return False

    async def over(self, id: str) -> bool:
        return (await self._state(id)).over

    async def results(self, name: str, id: str) -> AsyncIterator[tuple[int, VendorResult]]:
        for path in (await self._state(id)).results:
            async with self._egress.fetch(path, self._headers()) as stream:
                if stream.status != 200:
                    raise self._dialect.decode_error(
                        stream.status, await stream.error_body(), retry_after(stream.headers)
                    )
                async for line in _lines(stream):
                    with suppress(ValueError, RecursionError):
                        called, result = self._batching.result(line)
                        if (number := _number(called, name)) is not None:
                            yield number, result

    async def cancel(self, id: str) -> None:
        await self._taken(self._batching.cancel(id))

    async def delete(self, id: str) -> None:
        await self._taken(self._batching.delete(id))

    async def _state(self, id: str) -> BatchState:
        return await self._taken(self._batching.state(id))

    async def _taken(self, steps: Steps[T], holds: tuple[Cleared, ...] = ()) -> T:
        """All of the steps; what is refused is told to them."""
        try:
            call = next(steps)
            while True:
                try:
                    with self._egress.hiding(self._headers):
                        told = await self._told(call, holds)
                except UpstreamRejected as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(told)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _told(self, call: BatchCall, holds: tuple[Cleared, ...]) -> Json:
        headers = {**self._headers(), "content-type": call.media_type}
        reply = await self._egress.manage(
            call.method, call.path, call.body, headers, holds if call.holds else ()
        )
        if not 200 <= reply.status < 300:
            raise self._dialect.decode_error(reply.status, reply.body, reply.retry_after)
        try:
            tree = bounded.decode(reply.body) if reply.body else {}
        except (ValueError, RecursionError) as error:
            raise UpstreamFailed("The vendor's answer about a batch is no JSON.") from error
        if not isinstance(tree, dict):
            raise UpstreamFailed("The vendor's answer about a batch is no object.")
        return tree


def _number(called: str, name: str) -> int | None:
    """Of a line by what it is called in the batch of that name; None: it is none of its lines."""
    owner, _, number = called.rpartition("-")
    return int(number) if owner == name and number.isascii() and number.isdigit() else None


async def _lines(stream: HttpStream) -> AsyncIterator[bytes]:
    """Raises UpstreamFailed for a line of more than `MAX_LINE` bytes."""
    rest: list[bytes] = []
    held = 0
    async for data in stream.chunks:
        *whole, last = data.split(b"\n")
        for end in whole:
            yield b"".join((*rest, end))
            rest, held = [], 0
        rest.append(last)
        held += len(last)
        if held > MAX_LINE:
            raise UpstreamFailed("A line of the vendor's results is too long.")
    if held:
        yield b"".join(rest)
