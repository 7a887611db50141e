"""The privacy check of a request, in a thread where it is long: it cannot block the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec

from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.errors import Overloaded
from shortstop.fair import FairGate, NoPlace
from shortstop.faults import contained
from shortstop.ports import Guard
from shortstop.privacy.patience import AT_MOST, READ_AT_ONCE, patience
from shortstop.privacy.recall import Recall
from shortstop.privacy.shared_taint import FRESH_SECONDS
from shortstop.serving.models import cleared_for
from shortstop.tokens import written
from shortstop.types import (
    Caller,
    Clearance,
    Cleared,
    Party,
    Reach,
    Reply,
    Request,
    Target,
    Tier,
)

LONG_BYTES = 4_000
"""Bytes of JSON that are read on the event loop at most. A byte of prose takes 0.4 us, of keys and
codes 5: such a text is read for 2 to 20 ms, and a thread costs 0.1."""
LONGEST_COUNTED = int(AT_MOST * READ_AT_ONCE)
"""From so many characters on nobody is more patient."""
READERS, SPARE = 1, 2
"""Long requests that are read at the same time, and further ones of other parties. They share the
interpreter: more would be no faster, and each makes the loop wait for it a little longer."""
QUEUE, QUEUE_SECONDS = 128, 30.0
"""Long requests that wait for a reader, and for how long."""
TIMEOUT_S = 2.05
NOT_CLEARED = Clearance(Tier.S3, Reach.LOCAL_ONLY, reasons=("not-judged",))
"""Of a request that privacy has not judged, or not yet."""

T = TypeVar("T")


class Clearing:
    """Asks `guard`. A request that is not judged within `timeout_s` seconds, or some more if it is
    long, is pinned. `recall` and `calls` ask the stores that take their time.

    Long ones take turns: whoever finds all readers with others has one more to itself.
    """

    def __init__(
        self,
        guard: Guard,
        timeout_s: float = TIMEOUT_S,
        recall: Recall | None = None,
        calls: Calls = ON_THE_LOOP,
    ) -> None:
        self.guard = guard
        self._timeout_s, self._recall, self._calls = timeout_s, recall, calls
        self._readers = FairGate(READERS, QUEUE, QUEUE_SECONDS, _no_reader, spare=SPARE)

    async def clear(self, request: Request, caller: Caller) -> Clearance:
        """The verdict: what cannot be judged stays local. Raises Overloaded where too many long
        requests wait to be read."""
        with contained("privacy's verdict", (Overloaded,)):
            if self._recall is not None:
                return await self._recalled(self._recall, request, caller)
            judge = partial(self.guard.clear, request, caller)
            return await self._in_time(request, judge, partial(self.guard.give_up, request, caller))
        return NOT_CLEARED

    async def look(self, request: Request, caller: Caller) -> Clearance:
        """The verdict that `clear` would give; nothing of it is kept. Raises Overloaded."""
        judge = partial(self.guard.look, request, caller)
        if self._recall is not None:
            held = await self._recall.held(request, caller)
            judge = partial(self._recall.look, request, caller, held)
        return await self._in_time(request, judge, lambda: NOT_CLEARED)

    async def settled(self, caller: Caller) -> None:
        """Return when what the caller's conversation holds is known wherever it may go on; where
        that cannot be told, when so much time has passed that it is."""
        if self._recall is None:
            return
        with contained("the wait for what other machines know"):
            return await self._recall.settled(caller)
        await asyncio.sleep(FRESH_SECONDS)

    async def _recalled(self, recall: Recall, request: Request, caller: Caller) -> Clearance:
        began = time.monotonic()
        held = await recall.held(request, caller)
        judge, late = (
            partial(recall.look, request, caller, held),
            partial(recall.late, request, caller),
        )
        clearance = await self._in_time(request, judge, late)
        return await recall.kept(clearance, request, caller, held, time.monotonic() - began)

    async def _in_time(
        self, request: Request, judge: Callable[[], Clearance], late: Callable[[], Clearance]
    ) -> Clearance:
        """What `judge` says, beside the loop where the request is long; else `late`."""
        if (size := _size(request)) < LONG_BYTES:
            return judge()
        async with self._readers.take(request.party):
            try:
                return await run_in_thread(judge, patience(self._timeout_s, size))
            except TimeoutError:
                return late()

    async def tier_of(self, reply: Reply, judge: Callable[[], Tier], party: Party) -> Tier:
        """What `judge` says of an answer; S3 of one that cannot be read in time."""
        if not is_long(reply):
            return judge()
        try:
            async with self._readers.take(party):
                return await run_in_thread(judge, self._timeout_s)
        except (TimeoutError, Overloaded):
            return Tier.S3

    async def release(self, request: Request, clearance: Clearance, target: Target) -> Cleared:
        """What may be sent to the remote `target`. Raises PrivacyRefused when nothing may."""
        return await cleared_for(self.guard, request, clearance, target, self._calls)


def is_long(reply: Reply) -> bool:
    """Whether an answer is read beside the loop."""
    parts = [part for choice in reply.choices for part in choice.parts]
    return sum(len(written(part)) for part in parts) >= LONG_BYTES


def _no_reader(why: NoPlace) -> Overloaded:
    return Overloaded(
        f"{why.waiting} long requests wait to be read for privacy, and this one has no turn soon.",
        hint="Send fewer long requests at a time.",
        retry_after=2.0,
    )


async def run_in_thread(work: Callable[[], T], timeout_s: float) -> T:
    """In a thread of its own, abandoned when it hangs. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[], None]) -> None:
        if not done.done():
            how()

    def run() -> None:
        try:
            settled = partial(done.set_result, work())
        except BaseException as error:
            settled = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(settle, settled)

    threading.Thread(target=run, daemon=True).start()
    async with asyncio.timeout(timeout_s):
        return await done


def _size(request: Request) -> int:
    """Bytes; a body that cannot be written counts as long. Where the messages alone have more than
    makes a difference, their characters are counted, which writes nothing."""
    said = sum(len(written(part)) for message in request.messages for part in message.parts)
    if said >= LONGEST_COUNTED:
        return said
    try:
        return len(msgspec.json.encode(request.body))
    except (ValueError, TypeError, RecursionError, OverflowError):
        return LONG_BYTES
