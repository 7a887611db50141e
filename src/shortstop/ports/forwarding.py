"""The doors between lines of batches and the batches of vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from shortstop.types import Cleared
from shortstop.types.batches import LinePlace, VendorResult


class Forwarding(Protocol):
    """Gathers lines of clients' batches into batches of vendors."""

    async def answered(self, place: LinePlace, cleared: Cleared) -> VendorResult | None:
        """What the vendor's batch holds of a line; this may take a day. None: the line is to be
        asked on its own."""


class VendorBatches(Protocol):
    """A vendor's batches of requests to one model. Every method but `size` raises TargetError."""

    @property
    def most_lines(self) -> int:
        """Of one batch."""

    @property
    def most_bytes(self) -> int:
        """Of one batch."""

    def size(self, cleared: Cleared) -> int:
        """Bytes of a request as it would be sent; 0: it cannot go in a batch."""

    async def submit(self, name: str, lines: Mapping[int, Cleared]) -> str:
        """Begin a batch that can be found again by `name`; its id. UpstreamRejected says that none
        has begun; after any other error that is unknown."""

    async def find(self, name: str, lines: int, since: float) -> str | None:
        """The id of the batch with that name and so many lines that was begun after `since`, Unix
        seconds; None: there is none. Raises UpstreamFailed while it cannot be told."""

    async def over(self, id: str) -> bool:
        """Whether the vendor has ended it, however."""

    def results(self, name: str, id: str) -> AsyncIterator[tuple[int, VendorResult]]:
        """Lines by their numbers in any order; what is no result of a line is left out."""

    async def cancel(self, id: str) -> None:
        """It ends soon, with what is answered by then."""

    async def delete(self, id: str) -> None:
        """Have the vendor delete what it keeps of a batch that is over."""
