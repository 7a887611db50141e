"""The work on one batch: its file is checked, its lines are asked, and it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from shortstop.batches.answer import EXPIRED, LineAnswer, LineError
from shortstop.batches.batch import LOST, Batch, Fault
from shortstop.batches.batches import Batches
from shortstop.batches.check import InputCheck
from shortstop.batches.files import Settings, UnreadableLine
from shortstop.batches.forwarder import Forwarder, VendorMeans
from shortstop.batches.forwarders import Forwarders
from shortstop.batches.line import BatchLine, read_line
from shortstop.batches.seat import LineSeat
from shortstop.batches.vendor_batch import VendorLog
from shortstop.fair import FairGate
from shortstop.ports import Clock
from shortstop.ports.forwarding import VendorBatches
from shortstop.types import Party
from shortstop.types.batches import BatchStatus, LinePlace

LOOK_SECONDS = 1.0
"""How often is looked for new batches, and whether one is cancelled or expires."""
TRIES = 3
"""How often a line is asked before others go first, and how often one is put off that fails for
another reason than a want of places."""
FIRST_REST, LONGEST_REST = 5.0, 300.0
"""Seconds between two rounds over the lines that could not be answered yet."""
IN_VAIN = 16
"""Lines in a row that find no place, after which all rest: each try is a row in the books."""
LONGEST_PAUSE = 60.0
"""Seconds for which one line heeds what it is told to wait."""
TIGHT = (429, 503)
"""Statuses of a want of places, which says nothing of the line."""

P = ParamSpec("P")
T = TypeVar("T")
Pause = Callable[[float], Awaitable[object]]


class AskLine(Protocol):
    """The way to the models."""

    async def __call__(self, batch: Batch, line: BatchLine, place: LinePlace) -> LineAnswer:
        """Answer a line as a request of the batch's key. Raises nothing but CancelledError."""

    def vendor(self, target: str) -> VendorBatches | None:
        """The vendor's batches in which lines for a model may go."""

    def knows(self, batch: Batch, model: str) -> bool:
        """Whether there is a model of that name."""


@dataclass(frozen=True, slots=True)
class Means:
    """What jobs work with. `gate` has a place for each line that may be under way. `counted` is
    told of every line that has an answer: whether it failed."""

    batches: Batches
    ask: AskLine
    gate: FairGate
    clock: Clock
    settings: Settings
    counted: Callable[[bool], None]
    pause: Pause = asyncio.sleep
    threads: Executor = field(default_factory=lambda: ThreadPoolExecutor(3, "batches"))
    """For the stores alone: who reads a large file holds up no client."""
    forwarders: Forwarders = field(default_factory=Forwarders)

    async def aside(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """In a thread: a store may have to wait for its file."""
        call = partial(work, *args, **named)
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)


class BatchJob:
    """On a batch that nobody else works on. May be begun anew at any time, by any process: lines
    that have an answer are not asked again."""

    def __init__(self, batch: Batch, means: Means) -> None:
        self._batch = batch
        self._means = means
        self._book = means.batches
        self._aside = means.aside
        self._failures: Counter[int] = Counter()
        self._left: set[int] = set()
        self._keeping: set[asyncio.Future[bool]] = set()
        self._kept = self._in_vain = 0
        self._stopping = False
        self._asking: dict[asyncio.Task[None], LineSeat] = {}
        notes = VendorLog(means.batches.files, batch)
        vendors = VendorMeans(
            means.ask.vendor, means.aside, means.pause, means.clock, means.settings
        )
        self._forwarder = Forwarder(batch, notes, vendors)

    async def work(self) -> None:
        """Until the batch has ended, or is gone. Raises StoreError."""
        ended = False
        self._means.forwarders.add(self._batch.id, self._forwarder)
        try:
            await self._worked_off()
            ended = True
        except UnreadableLine:
            await self._fail([LOST])
            ended = True
        finally:
            self._means.forwarders.drop(self._batch.id)
            await self._forwarder.close(ended=ended)

    async def _worked_off(self) -> None:
        if not self._batch.terms.endpoint:
            raise UnreadableLine("The batch cannot be opened.")
        end = self._due(self._batch.row.status)
        if end is None and self._batch.row.status == "validating":
            checked = await self._checked()
            if checked is None or checked.ended:
                return
            self._batch = checked
        await self._forwarder.load(await self._aside(self._book.answered, self._batch))
        end = end or self._due(self._batch.row.status)
        if end is None:
            end = await self._answered()
        else:
            await self._forwarder.cancel()
        if end is not None:
            await self._end(end)

    async def _answered(self) -> BatchStatus | None:
        """Ask the lines; with which status to end. None: the batch is gone."""
        lines = asyncio.create_task(self._all_lines())
        watch = asyncio.create_task(self._watched())
        try:
            await asyncio.wait((lines, watch), return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                if (end := watch.result()) is not None:
                    await self._called_off()
                return end
            lines.result()
            return "completed"
        finally:
            await stopped(lines, watch)
            await asyncio.gather(*self._keeping, return_exceptions=True)

    async def _called_off(self) -> None:
        """Ask no line any more; what vendors have answered by then is kept."""
        self._stopping = True
        for task, seat in self._asking.items():
            if not seat.waits:
                task.cancel()
        await self._forwarder.cancel()

    async def _watched(self) -> BatchStatus | None:
        """Why to end before all lines have an answer; None: the batch is gone."""
        while True:
            status = await self._aside(self._book.status, self._batch)
            end = None if status is None else self._due(status)
            if status is None or end is not None:
                return end
            await self._means.pause(LOOK_SECONDS)

    def _due(self, status: BatchStatus) -> BatchStatus | None:
        """Whether it is time to end without all answers."""
        if status == "cancelling":
            return "cancelled"
        return "expired" if self._means.clock.time() >= self._batch.row.expires else None

    async def _end(self, end: BatchStatus) -> None:
        if end == "expired":
            async for line in self._unanswered():
                await self._keep(line, EXPIRED)
        if end == "completed":
            await self._aside(self._book.move, self._batch.id, "finalizing")
        await self._aside(self._book.end, self._batch, end)

    # ------------------------------------------------------------ the file

    async def _checked(self) -> Batch | None:
        """The batch in its next status, or ended with what is wrong. None: it is gone."""
        check = await self._aside(self._check)
        if check.faults:
            return await self._fail(check.faults)
        id, total = self._batch.id, check.total
        return await self._aside(self._book.move, id, "in_progress", total)

    async def _fail(self, faults: list[Fault]) -> Batch | None:
        return await self._aside(self._book.end, self._batch, "failed", faults)

    def _check(self) -> InputCheck:
        batch, ask = self._batch, self._means.ask
        check = InputCheck(batch.terms.endpoint, lambda model: ask.knows(batch, model))
        for number, data in self._book.files.lines(batch.row.input):
            check.add(number, data)
            if check.full:
                break
        check.done()
        return check

    # ------------------------------------------------------------ the lines

    async def _all_lines(self) -> None:
        """Round after round over the lines that have no answer yet."""
        after, rest = 0, FIRST_REST
        while True:
            kept = self._kept
            gave_way = await self._round(after)
            if gave_way is None and after == 0 and not self._left:
                return
            after = gave_way or 0
            rest = FIRST_REST if self._kept > kept else min(2 * rest, LONGEST_REST)
            if self._left:
                await self._means.pause(rest)

    async def _round(self, after: int) -> int | None:
        """Ask the lines behind this number; what got no answer is in `_left` then. The number of
        the line behind which the next round begins, where too many in a row were asked in vain."""
        most = self._means.settings().batches.concurrency
        places = asyncio.Semaphore(most)
        self._left.clear()
        self._in_vain = 0
        self._forwarder.all_read(False)
        try:
            async with asyncio.TaskGroup() as group:
                async for line in self._unanswered(after):
                    await places.acquire()
                    self._left.add(line.number)
                    if self._stopping:
                        break
                    self._begin(group, line, places)
                    if self._in_vain >= max(IN_VAIN, 2 * most):
                        self._forwarder.all_read()
                        return line.number
                self._forwarder.all_read()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return None

    def _begin(self, group: asyncio.TaskGroup, line: BatchLine, places: asyncio.Semaphore) -> None:
        party = Party(self._batch.row.tenant, self._batch.row.holder, background=True)
        seat = LineSeat(self._means.gate, party, places)
        task = group.create_task(self._asked(line, seat))
        self._asking[task] = seat
        task.add_done_callback(self._asking.pop)

    async def _asked(self, line: BatchLine, seat: LineSeat) -> None:
        done = False
        try:
            done = await self._line(line, seat)
            if done:
                self._left.remove(line.number)
                self._kept, self._in_vain = self._kept + 1, 0
            else:
                self._in_vain += 1
        finally:
            self._forwarder.unseated(line.number, done=done)
            seat.read_on()

    async def _unanswered(self, after: int = 0) -> AsyncIterator[BatchLine]:
        answered = await self._aside(self._book.answered, self._batch)
        lines = self._lines(after, answered)
        while (line := await self._aside(lambda: next(lines, None))) is not None:
            yield line

    def _lines(self, after: int, answered: set[int]) -> Iterator[BatchLine]:
        for number, data in self._book.files.lines(self._batch.row.input, after):
            if number not in answered and data.strip():
                yield read_line(number, data, self._batch.terms.endpoint)

    async def _line(self, line: BatchLine, seat: LineSeat) -> bool:
        """Whether the line has its answer now."""
        for _ in range(TRIES):
            await seat.take()
            try:
                place = self._forwarder.seated(line.number, seat)
                answer = await self._means.ask(self._batch, line, place)
            finally:
                seat.leave()
            if answer.again is None:
                break
            await self._means.pause(min(answer.again, LONGEST_PAUSE))
        if answer.again is not None and self._put_off(line, answer):
            return False
        if await self._keep(line, answer):
            self._means.counted(answer.failed)
        return True

    def _put_off(self, line: BatchLine, answer: LineAnswer) -> bool:
        """Whether a later round may do better."""
        if answer.status in TIGHT:
            return True
        self._failures[line.number] += 1
        return self._failures[line.number] < TRIES

    async def _keep(self, line: BatchLine, what: LineAnswer | LineError) -> bool:
        """Once begun it is done, also where the batch ends meanwhile: what was answered is kept."""
        write = self._aside(self._book.keep, self._batch, line.number, line.custom_id, what)
        keeping = asyncio.ensure_future(write)
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        return await asyncio.shield(keeping)


async def stopped(*tasks: asyncio.Task[BatchStatus | None] | asyncio.Task[None]) -> None:
    """Cancel them, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
