"""Lines of one batch on their way through batches of vendors.

A line that is to be asked of a vendor waits here, with all that it is in the gateway: cleared for
that vendor, its money set aside, its row open. It is sent with others, and goes on when the vendor
has answered. What is sent is written down first (`VendorLog`): after a crash the lines come here
again, and wait for what was submitted then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from shortstop.batches.batch import Batch
from shortstop.batches.consignment import Awaited, Consignment
from shortstop.batches.files import Settings
from shortstop.batches.seat import LineSeat
from shortstop.batches.vendor_batch import VendorBatch, VendorLog
from shortstop.errors import StoreError, TargetError, UpstreamRejected
from shortstop.ports import Clock
from shortstop.ports.forwarding import VendorBatches
from shortstop.types import Cleared
from shortstop.types.batches import LinePlace, VendorResult

T = TypeVar("T")
log = logging.getLogger(__name__)

MOST_BYTES = 32_000_000
"""Of one batch of a vendor's."""
TRIES = 5
"""How often a batch is submitted that does not begin."""
LONGEST_REST = 600.0
"""Seconds between two tries of what the vendor does not answer: `poll_seconds` at first."""
TIDY_SECONDS = 30.0
"""For how long a batch that ends waits for its vendors to delete what they hold."""
CANCEL_SECONDS = 900.0
"""For how long is waited for what a vendor has answered of a batch that is cancelled."""


@dataclass(frozen=True, slots=True)
class VendorMeans:
    """What is needed to forward: `vendor` gives a model's, None where lines do not go there in
    batches; `aside` works in a thread."""

    vendor: Callable[[str], VendorBatches | None]
    aside: Callable[..., Awaitable[Any]]
    pause: Callable[[float], Awaitable[object]]
    clock: Clock
    settings: Settings


@dataclass(slots=True)
class _Gathered:
    """Lines for one model that are not under way yet."""

    lines: dict[int, Cleared] = field(default_factory=dict)
    waiting: dict[int, Awaited] = field(default_factory=dict)
    size: int = 0
    timer: asyncio.Task[None] | None = None


class Forwarder:
    """Of one batch that is worked on. `answered` are the lines that have their answer."""

    def __init__(self, batch: Batch, notes: VendorLog, means: VendorMeans) -> None:
        self._batch = batch
        self._log = notes
        self._means = means
        self._gathering: dict[str, _Gathered] = {}
        self._consignments: dict[str, Consignment] = {}
        self._seats: dict[int, LineSeat] = {}
        self._alone: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._carriers: dict[str, asyncio.Task[None]] = {}
        self._closing = self._all_read = False
        self.waiting = 0
        """Lines that wait for a vendor, and take no place."""

    async def load(self, answered: set[int]) -> None:
        """Go on with what was sent before. Raises StoreError."""
        found: list[VendorBatch] = await self._means.aside(self._log.load)
        for one in found:
            left = set(one.lines) - answered
            self._carry(Consignment(one, {}, left))

    # ------------------------------------------------------------ of the lines

    def seated(self, number: int, seat: LineSeat) -> LinePlace:
        """A line is asked, from this place."""
        self._seats[number] = seat
        found = self._sent(number)
        target = None if found is None else found.batch.target
        return LinePlace(self._batch.id, number, target)

    def unseated(self, number: int, *, done: bool) -> None:
        """It is not asked any more, for now or, `done`, for ever."""
        self._seats.pop(number, None)
        for one in self._consignments.values() if done else ():
            one.done(number)
        self._look()

    def all_read(self, yes: bool = True) -> None:
        """Whether no line will be asked beside those that are."""
        self._all_read = yes
        self._look()

    def _look(self) -> None:
        """Send what is gathered where nothing more can come to it."""
        full = self.waiting >= self._means.settings().batches.forwarded_lines
        if full or (self._all_read and self.waiting == len(self._seats)):
            for target in list(self._gathering):
                self._send(target)

    async def answered(self, number: int, cleared: Cleared) -> VendorResult | None:
        """As `ports.forwarding.Forwarding` promises."""
        seat, vendor = self._seats.get(number), self._means.vendor(cleared.target)
        if seat is None or vendor is None or number in self._alone:
            return None
        sent = self._sent(number)
        if sent is not None and sent.batch.target == cleared.target:
            result = await self._waited(seat, sent.awaited(number))
            if not sent.lost:
                self._alone.add(number)
                return result
        if not (size := vendor.size(cleared)):
            return None
        result = await self._waited(seat, self._gathered(number, cleared, size, vendor))
        self._alone.add(number)  # whatever it holds: no line is sent twice
        return result

    async def _waited(self, seat: LineSeat, future: Awaited) -> VendorResult | None:
        """Its place is free meanwhile, as long as not too many wait."""
        room = self.waiting < self._means.settings().batches.forwarded_lines
        self.waiting += 1
        seat.waits = True
        if room:
            seat.leave()
            seat.read_on()
        self._look()
        try:
            result = await future
        finally:
            self.waiting -= 1
        seat.waits = False
        if not seat.held:
            await seat.take()
        return result

    def _sent(self, number: int) -> Consignment | None:
        """The one that the line is in and has not been answered from."""
        if number in self._alone:
            return None
        every = self._consignments.values()
        return next((o for o in every if number in o.batch.lines and not o.lost), None)

    # ------------------------------------------------------------ gathering

    def _gathered(self, number: int, cleared: Cleared, size: int, vendor: VendorBatches) -> Awaited:
        target, limits = cleared.target, self._means.settings().batches
        most = min(MOST_BYTES, vendor.most_bytes)
        if target in self._gathering and self._gathering[target].size + size > most:
            self._send(target)
        group = self._gathering.setdefault(target, _Gathered())
        group.lines[number], group.size = cleared, group.size + size
        future = group.waiting[number] = asyncio.get_running_loop().create_future()
        if len(group.lines) >= min(limits.forwarded_lines, vendor.most_lines):
            self._send(target)
        elif group.timer is None:
            group.timer = self._begin(self._later(target, limits.gather_seconds))
        return future

    async def _later(self, target: str, seconds: float) -> None:
        await self._means.pause(seconds)
        self._send(target, timer=False)

    def _send(self, target: str, *, timer: bool = True) -> None:
        group = self._gathering.pop(target, None)
        if group is None or self._closing:
            return
        if timer and group.timer is not None:
            group.timer.cancel()
        batch = VendorBatch.new(target, tuple(sorted(group.lines)), self._means.clock.time())
        consignment = Consignment(batch, group.lines, set(group.lines))
        for number, future in group.waiting.items():
            consignment.join(number, future)
        self._carry(consignment)

    # ------------------------------------------------------------ at the vendor

    def _carry(self, one: Consignment) -> None:
        self._consignments[one.batch.name] = one
        self._carriers[one.batch.name] = self._begin(self._carried(one))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _carried(self, one: Consignment) -> None:
        """There and back. Whatever breaks, its lines do not wait for ever."""
        try:
            if await self._submitted(one):
                await self._followed(one)
        except (TargetError, StoreError) as error:
            log.warning("batch %s: a vendor's batch is given up: %s", self._batch.id, error)
        except Exception as error:  # its text may hold a line
            log.error("batch %s: a vendor's batch broke: %s", self._batch.id, type(error).__name__)
        if not one.ended:
            one.end({})
        await one.kept.wait()
        await self._tidied(one)

    async def _submitted(self, one: Consignment) -> bool:
        """Whether the vendor has it now. Raises StoreError where it cannot be written down: then
        nothing was sent."""
        if one.batch.id:
            return True
        fresh = bool(one.lines)
        if fresh:
            await self._means.aside(self._log.write, one.batch)
        id = await self._begun(one) if fresh else await self._found(one)
        if id is None:
            return False
        one.batch = replace(one.batch, id=id)
        with suppress(StoreError):  # found by its name after a crash
            await self._means.aside(self._log.write, one.batch)
        if self._closing:
            await self._called_off(one)
        return True

    async def _begun(self, one: Consignment) -> str | None:
        """Never submitted again before it is sure that the vendor does not have it."""
        for times in range(TRIES):
            vendor = self._means.vendor(one.batch.target)
            if vendor is None or self._closing:
                return None
            try:
                return await vendor.submit(one.batch.name, one.lines)
            except UpstreamRejected as error:
                if not error.retryable:
                    raise
                await self._rest(times)
            except TargetError:
                await self._rest(times)
                if (id := await self._found(one)) is not None:
                    return id
        return None

    async def _found(self, one: Consignment) -> str | None:
        """The id that the vendor has given it; None: the vendor does not have it."""
        batch = one.batch
        return await self._asked(
            one, lambda vendor: vendor.find(batch.name, len(batch.lines), batch.at)
        )

    async def _followed(self, one: Consignment) -> None:
        """Until it has ended, and its results are here."""
        while not await self._asked(one, lambda vendor: vendor.over(one.batch.id)):
            await self._means.pause(self._means.settings().batches.poll_seconds)
        results = await self._asked(one, partial(self._results, one.batch))
        one.end(results or {}, told=not self._closing)

    async def _results(self, batch: VendorBatch, vendor: VendorBatches) -> dict[int, VendorResult]:
        """The first of each line."""
        found: dict[int, VendorResult] = {}
        lines, strange = frozenset(batch.lines), 0
        async for number, result in vendor.results(batch.name, batch.id):
            if number in lines and number not in found:
                found[number] = result
            else:
                strange += 1
        if strange or len(found) < len(lines):
            log.warning(
                "batch %s: of %d lines the vendor's batch %s holds %d, and %d results of none",
                self._batch.id, len(lines), batch.id, len(found), strange,
            )  # fmt: skip
        return found

    async def _asked(self, one: Consignment, ask: Callable[[VendorBatches], Awaitable[T]]) -> T:
        """Until there is an answer. Raises UpstreamRejected for one that stays, and TargetError
        where the model's upstream takes no batches any more."""
        times = 0
        while True:
            vendor = self._means.vendor(one.batch.target)
            if vendor is None:
                raise TargetError(f"Nothing reaches the batches of {one.batch.target} any more.")
            try:
                return await ask(vendor)
            except UpstreamRejected as error:
                if not error.retryable:
                    raise
            except TargetError as error:
                log.info("batch %s: the vendor does not answer: %s", self._batch.id, error)
            await self._rest(times)
            times += 1

    async def _rest(self, times: int) -> None:
        first = self._means.settings().batches.poll_seconds
        await self._means.pause(min(first * 2 ** min(times, 10), LONGEST_REST))

    async def _tidied(self, one: Consignment) -> None:
        """Nothing of it is needed any more, here or there."""
        vendor = self._means.vendor(one.batch.target)
        if vendor is not None and one.batch.id:
            with suppress(TargetError):
                await vendor.delete(one.batch.id)
        await self._means.aside(self._log.write, replace(one.batch, over=True))
        del self._consignments[one.batch.name], self._carriers[one.batch.name]

    # ------------------------------------------------------------ the end

    async def cancel(self) -> None:
        """The batch ends before all lines are answered: so do the vendors' batches. What they have
        answered goes on; the others wait until they are cancelled."""
        self._closing = True
        self._gathering.clear()
        every = list(self._consignments.values())
        await asyncio.gather(*(self._called_off(one) for one in every))
        await self._tidied_within(CANCEL_SECONDS)

    async def _called_off(self, one: Consignment) -> None:
        vendor = self._means.vendor(one.batch.target)
        if vendor is None or not one.batch.id or one.ended or one.called_off:
            return
        one.called_off = True
        for times in range(TRIES):
            try:
                return await vendor.cancel(one.batch.id)
            except UpstreamRejected as error:
                if not error.retryable:  # it has ended meanwhile
                    return
            except TargetError:
                pass
            await self._rest(times)

    async def _tidied_within(self, seconds: float) -> None:
        """Wait for all that is under way at vendors."""
        if self._carriers:
            limit = asyncio.ensure_future(self._means.pause(seconds))
            carried = asyncio.ensure_future(asyncio.wait(list(self._carriers.values())))
            await asyncio.wait((carried, limit), return_when=asyncio.FIRST_COMPLETED)
            for task in (carried, limit):
                task.cancel()
            await asyncio.gather(carried, limit, return_exceptions=True)

    async def close(self, *, ended: bool) -> None:
        """Nobody works on the batch any more. Has it `ended`, nothing is kept of this."""
        if ended:
            self._closing = True
            await asyncio.gather(*(self._called_off(o) for o in self._consignments.values()))
            for one in self._consignments.values():
                one.forget()
            await self._tidied_within(TIDY_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if ended:
            with suppress(StoreError):
                await self._means.aside(self._log.drop)
