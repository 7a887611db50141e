"""One batch at a vendor, from before it is begun until all that it held of its lines is kept."""

from __future__ import annotations

import asyncio

from shortstop.batches.vendor_batch import VendorBatch
from shortstop.types import Cleared
from shortstop.types.batches import VendorResult

Awaited = asyncio.Future[VendorResult | None]


class Consignment:
    """`lines` are what is to be sent, empty where it was sent before a restart. Lines may ask for
    their results before these are there, and after; `kept` is set once none will ask any more.
    `called_off`: the vendor has been asked to end it."""

    def __init__(self, batch: VendorBatch, lines: dict[int, Cleared], left: set[int]) -> None:
        self.batch = batch
        self.lines = lines
        self.kept = asyncio.Event()
        self.called_off = False
        self._left = left
        self._waiting: dict[int, Awaited] = {}
        self._results: dict[int, VendorResult] | None = None

    @property
    def ended(self) -> bool:
        """Whether the vendor has no more to say."""
        return self._results is not None

    @property
    def lost(self) -> bool:
        """Whether the vendor never had it: its lines may go in another one."""
        return self.ended and not self.batch.id

    def join(self, number: int, future: Awaited) -> None:
        """A line that is sent with it waits for its result."""
        self._waiting[number] = future

    def awaited(self, number: int) -> Awaited:
        """Done with the line's result, None where there is none."""
        future: Awaited = asyncio.get_running_loop().create_future()
        if self._results is None:
            self._waiting[number] = future
        else:
            future.set_result(self._results.get(number))
        return future

    def end(self, results: dict[int, VendorResult], *, told: bool = True) -> None:
        """These are the results. Where it is not `told`, lines that the vendor did not get to wait
        on."""
        if not told:
            results = {number: result for number, result in results.items() if result.status}
        self._results = results
        self.lines = {}
        for number, future in self._waiting.items():
            result = results.get(number)
            if not future.done() and (told or result is not None):
                future.set_result(result)
        if not told:
            self._left &= results.keys() & self._waiting.keys()
        self._waiting = {}
        self._look()

    def done(self, number: int) -> None:
        """The line has its answer, or is asked otherwise."""
        self._left.discard(number)
        self._look()

    def forget(self) -> None:
        """No line will ask for its result."""
        self._left = set()
        self._look()

    def _look(self) -> None:
        if self.ended and not self._left:
            self.kept.set()
