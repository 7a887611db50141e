"""What requests may hold at once: bytes of bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from starlette.types import Scope

from shortstop.config import ServerConfig
from shortstop.dialects import parse_object
from shortstop.errors import Overloaded, RateLimited
from shortstop.types import Caller, Json

LARGE = 1 << 18
"""Bytes from which a body is parsed beside the event loop: a shorter one keeps it from its other
work for 5 ms at most."""
SOON = 1.0
"""Seconds after which to ask again: most requests are answered faster."""


class Share:
    """Bytes of one owner's, given back when the block is left, however it is left."""

    __slots__ = ("_capacity", "_here", "_owner", "held")

    def __init__(self, capacity: Capacity, owner: str) -> None:
        self._capacity = capacity
        self._owner = owner
        self._here = 0
        self.held = 0

    def grow(self, size: int) -> None:
        """`size` bytes more have come: take what was not taken before. Raises as `take`."""
        self._here += size
        if self._here > self.held:
            self.take(self._here - self.held)

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Raises RateLimited or Overloaded."""
        if size:
            self._capacity.take(self._owner, size)
            self.held += size

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.held:
            self._capacity.give_back(self._owner, self.held)
            self.held = 0


class Capacity:
    """Of one process. `server` gives the settings that hold now."""

    def __init__(self, server: Callable[[], ServerConfig]) -> None:
        self._server = server
        self.held = 0
        """Bytes of all bodies."""
        self.owners: dict[str, int] = {}
        """Bytes by owner, of those that hold any."""
        self._turn = asyncio.Lock()

    def share(self, owner: str) -> Share:
        """What one request of `owner` holds, nothing yet."""
        return Share(self, owner)

    def take(self, owner: str, size: int) -> None:
        """Raises RateLimited when the owner would hold too much, Overloaded when all would.

        Whoever holds little is let in all the same, so that the large ones cannot lock the small
        ones out: that is another half of the bytes at most.
        """
        server = self._server()
        own, most = self.owners.get(owner, 0), server.limits.bodies_mb * 1e6
        body = server.max_body_mb * 1e6
        if own and own + size > max(most / 2, body):
            raise RateLimited(
                f"The bodies of your requests under way have over {most / 2e6:g} MB together.",
                hint="Wait for answers before you send more, or raise `server.limits.bodies_mb`.",
                retry_after=SOON,
            )
        little = own + size <= most / 2 / (len(self.owners) + 1)
        if self.held > own and self.held + size > max(most, body) and not little:
            raise Overloaded(
                f"The bodies of all requests under way have over {most / 1e6:g} MB together.",
                hint="Retry in a moment, or raise `server.limits.bodies_mb`.",
                retry_after=SOON,
            )
        self.held += size
        self.owners[owner] = own + size

    def give_back(self, owner: str, size: int) -> None:
        """Free bytes that were taken."""
        self.held -= size
        left = self.owners[owner] - size
        if left:
            self.owners[owner] = left
        else:
            del self.owners[owner]

    async def parse(self, body: bytes) -> Json:
        """The body as a JSON object. Raises InvalidRequest or TooLarge.

        Large ones in a thread, by turns: several at once would only take the interpreter from one
        another, and memory with it.
        """
        limit = self._server().limits.json_values
        if len(body) < LARGE:
            return parse_object(body, limit)
        async with self._turn:
            return await asyncio.to_thread(parse_object, body, limit)


def holder_of(caller: Caller, scope: Scope) -> str:
    """Whose bytes a request's are: its key's or, without one, its address's."""
    if caller.key is not None:
        return caller.key
    client = scope.get("client")
    return f"address {client[0] if client else ''}"
