"""What a process has leased of budgets and rate limits, kept in step with the store.

A thread gives orders for all slices at once: for requests that wait, ahead of need when most of a
slice is used, and for what is to go back. Requests that find enough in their slices ask nobody.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, Protocol, TypeVar

from shortstop.accounts.keys import LONGEST_HOLD
from shortstop.accounts.slices import LeasedSlice
from shortstop.errors import StoreError, StoreUnavailable
from shortstop.faults import contained
from shortstop.ports import Clock
from shortstop.ports.leases import LeaseStore
from shortstop.ports.stores import AccountStore
from shortstop.types.leases import Leased, LeaseOrder, MeterOrder, PurseOrder

TICK_SECONDS = 0.25
"""So often the thread looks whether something is due."""
POLL_SECONDS = 0.75
"""So often it looks whether the store can be read, and what has changed in it: a key that was
revoked elsewhere is refused within a second."""
MOST_ORDERS = 64
"""In one transaction."""
RETRY_SECONDS = 2.0
"""After so long whoever was refused may ask again."""
PATIENCE_SECONDS = 2.5
"""So long a request waits for a slice."""
FORGET_SECONDS = 60.0
"""After so long a slice of which nothing is leased is forgotten."""
T = TypeVar("T")
Orders = list[tuple["Holding", LeaseOrder, PurseOrder | MeterOrder]]


class Holding(Protocol):
    """One slice and what it is of."""

    slice: LeasedSlice

    def order(
        self, wanted: Sequence[int], named: str, now: float
    ) -> tuple[LeaseOrder, PurseOrder | MeterOrder]: ...

    def answered(self, order: LeaseOrder, answer: Leased, asked: float, now: float) -> None:
        """`asked` is when the order was given."""


@dataclass(slots=True, eq=False)
class Want(Generic[T]):
    """A request that needs so much of these slices at once. `grant` takes it; `refuse` is told
    which slice cannot be made large enough. Both run under the leases' lock."""

    parts: Sequence[tuple[LeasedSlice, int]]
    grant: Callable[[], T]
    refuse: Callable[[LeasedSlice], T]
    fresh: Callable[[], bool] | None = None
    """Whether it may be granted by what the store said last; None: always."""
    future: Future[T] = field(default_factory=Future)

    def short(self, now: float) -> LeasedSlice | None:
        for slice_, amount in self.parts:
            if slice_.free(now) < amount:
                return slice_
        return self.parts[0][0] if self.fresh is not None and not self.fresh() else None


class LeaseKeeper:
    """`beside` is called every POLL_SECONDS by the thread, and may raise StoreError: then the store
    cannot be used now, and requests that would need it are told so at once.

    Without a thread (`start`) whoever waits gives the orders.
    """

    def __init__(
        self, store: AccountStore, clock: Clock, beside: Callable[[], None] = lambda: None
    ) -> None:
        assert store.leases is not None
        self._store: AccountStore = store
        self._leases: LeaseStore = store.leases
        self._clock = clock
        self._beside = beside
        self.lock = threading.RLock()
        self._turn = threading.Lock()
        self.holdings: dict[tuple[str, ...], Holding] = {}
        """By what they are of. Under the lock."""
        self._wants: list[Want[object]] = []
        self._names = (f"lease-{secrets.token_hex(8)}-{n}" for n in count())
        self._down: StoreError | None = None
        self._recovered = float("-inf")
        self._wake, self._stopped = threading.Event(), False
        self._hinted = threading.Event()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ requests

    async def waited(self, want: Want[T]) -> T:
        """Its outcome. Whoever is cancelled meanwhile was either granted nothing or all, and
        settles in any case. Raises StoreError."""
        if self._at_once(want):
            return want.future.result()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(want.future), PATIENCE_SECONDS)
        except asyncio.CancelledError:
            want.future.cancel()
            raise
        except TimeoutError as error:
            if not want.future.cancel():
                return want.future.result()
            raise _slow() from error

    def wait(self, want: Want[T]) -> T:
        """The same, holding up the thread that calls."""
        if not self._at_once(want) and self._thread is None:
            self.turn()
        try:
            return want.future.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            if not want.future.cancel():
                return want.future.result()
            raise _slow() from error

    def _at_once(self, want: Want[T]) -> bool:
        """Whether its outcome is there; else it waits for the next turn."""
        now = self._clock.monotonic()
        with self.lock:
            if self._granted(want, now):
                return True
            for slice_, amount in want.parts:
                if want.fresh is None and slice_.refuses(amount, now):
                    want.future.set_result(want.refuse(slice_))
                    return True
            if self._down is not None and self._thread is not None:
                want.future.set_exception(_used_up(self._down))
                return True
            self._wants.append(want)  # type: ignore[arg-type]
            self._wake.set()
            return False

    def _granted(self, want: Want[T], now: float) -> bool:
        if want.short(now) is not None:
            return False
        if want.future.set_running_or_notify_cancel():
            want.future.set_result(want.grant())
            if any(slice_.runs_low(now) for slice_, _ in want.parts):
                self._wake.set()
        return True

    # ------------------------------------------------------------ orders

    def turn(self) -> None:
        """Give the orders that are due, and tell those who wait. Never raises StoreError."""
        with self._turn:
            with self.lock:
                wants, self._wants = self._wants, []
            try:
                rest = self._rounds(wants)
            except StoreError as error:
                self._down = error
                self._fail(wants, _used_up(error))
                return
            except BaseException:
                self._fail(wants, StoreError("The budgets could not be kept.", status=503))
                raise
            now = self._clock.monotonic()
            with self.lock:
                for want in rest:
                    self._refuse(want, now)

    def _rounds(self, wants: list[Want[object]]) -> list[Want[object]]:
        """Those who cannot be granted what they want. Raises StoreError."""
        while True:
            again = self._exchange(wants)
            now = self._clock.monotonic()
            with self.lock:
                wants = [want for want in wants if not self._granted(want, now)]
            if not wants or not (again or self._recover(now)):
                return wants

    def _recover(self, now: float) -> int:
        """What the dead had leased counts as spent, but no longer as set aside beside it."""
        if now - self._recovered < 1.0:
            return 0
        self._recovered = now
        return self._store.recover(self._clock.time() - LONGEST_HOLD)

    def _refuse(self, want: Want[object], now: float) -> None:
        if self._granted(want, now) or not want.future.set_running_or_notify_cancel():
            return
        short = want.short(now) or want.parts[0][0]
        if want.fresh is None:
            short.refuse(next(amount for slice_, amount in want.parts if slice_ is short), now)
        want.future.set_result(want.refuse(short))

    def _fail(self, wants: Sequence[Want[object]], error: StoreError) -> None:
        with self.lock:
            for want in wants:
                if not want.future.done() and want.future.set_running_or_notify_cancel():
                    want.future.set_exception(error)

    def _exchange(self, wants: Sequence[Want[object]]) -> bool:
        """Whether a slice was lost, so that it must be asked for anew. Raises StoreError."""
        lost = False
        asked = self._clock.monotonic()
        with self.lock:
            orders = self._orders(wants, asked)
        for first in range(0, len(orders), MOST_ORDERS):
            lost |= self._carried_out(orders[first : first + MOST_ORDERS], asked)
        return lost

    def _orders(self, wants: Sequence[Want[object]], now: float) -> Orders:
        wanted: dict[LeasedSlice, list[int]] = {}
        for want in wants:
            for slice_, amount in want.parts:
                wanted.setdefault(slice_, []).append(amount)
        orders: Orders = []
        beside: list[Holding] = []
        for of, holding in list(self.holdings.items()):
            if holding.slice.at_rest and now - holding.slice.used_at > FORGET_SECONDS:
                del self.holdings[of]
                continue
            waiting = wanted.get(holding.slice, [])
            if waiting or holding.slice.due(now):
                orders.append((holding, *holding.order(waiting, next(self._names), now)))
            elif holding.slice.nearly_due(now):
                beside.append(holding)
        if orders:
            orders += [(one, *one.order([], next(self._names), now)) for one in beside]
        return orders

    def _carried_out(self, orders: Orders, asked: float) -> bool:
        purses = [(one, order, terms) for one, order, terms in orders
                  if isinstance(terms, PurseOrder)]  # fmt: skip
        meters = [(one, order, terms) for one, order, terms in orders
                  if isinstance(terms, MeterOrder)]  # fmt: skip
        answers = self._leases.exchange(
            [terms for _, _, terms in purses], [terms for _, _, terms in meters], self._clock.time()
        )
        now = self._clock.monotonic()
        with self.lock:
            for (one, order, _), answer in zip(
                [*purses, *meters], [*answers[0], *answers[1]], strict=True
            ):
                one.answered(order, answer, asked, now)
        return any(answer.lost for answer in answers[0])

    # ------------------------------------------------------------ life

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="shortstop-leases", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Something has changed in the store: look before it is due, from any thread."""
        self._hinted.set()
        self._wake.set()

    def close(self) -> None:
        """Everything that no request under way needs goes back; where the store is away, it counts
        as spent as if this process had died."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self.lock:
            for holding in self.holdings.values():
                holding.slice.end()
        self.turn()

    def _run(self) -> None:
        polled = float("-inf")
        while not self._stopped:
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()
            now = self._clock.monotonic()
            with contained("leases of budgets"):
                if now - polled >= POLL_SECONDS or self._hinted.is_set():
                    self._hinted.clear()
                    polled = now
                    self._poll()
                self._step()

    def _poll(self) -> None:
        try:
            self._beside()
            self._down = None
        except StoreError as error:
            self._down = error

    def _step(self) -> None:
        if self._down is None:
            self.turn()
            return
        with self.lock:
            wants, self._wants = self._wants, []
        self._fail(wants, _used_up(self._down))


def _used_up(error: StoreError) -> StoreUnavailable:
    """For a request that finds no room in its slices while the store cannot be asked."""
    return StoreUnavailable(
        "What this machine had leased of the key's budgets and limits is used up, and more cannot"
        f" be asked for now: {error.message}",
        hint="Ask again in a moment. Keys without a budget or limit go on.",
        code=error.code,
        retry_after=max(RETRY_SECONDS, error.retry_after or 0.0),
    )


def _slow() -> StoreUnavailable:
    return _used_up(
        StoreUnavailable("The store did not say in time what is left.", code="store_slow")
    )
