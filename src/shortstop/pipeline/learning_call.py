"""Calls that are made only to learn from a request: paid for, booked, and never on its own bill."""

from __future__ import annotations

from decimal import Decimal
from types import TracebackType

from msgspec.structs import replace

from shortstop.pipeline.record import Bookkeeping
from shortstop.types import UNMETERED, Attempt, Caller, Choice, Json, Request, Span, Target, Trace


class LearningCall:
    """`async with LearningCall(...) as call:` sets aside what asking `target` can cost, and charges
    what it did cost when it is over: nothing, where `keep` was not called.

    `trace` is the row of the request that is learned from, `name` tells its calls apart. Entering
    raises QuotaExceeded where nobody pays.
    """

    def __init__(
        self, books: Bookkeeping, trace: Trace, name: str, target: Target, request: Request
    ) -> None:
        self._books = books
        self._trace = trace
        self._target = target
        self._request = replace(request, id=f"{trace.id}-{name}")
        self._row = replace(trace, id=self._request.id, bill=None)

    async def __aenter__(self) -> LearningCall:
        caller = Caller(self._trace.tenant, self._trace.key)
        await self._books.set_aside(self._request, (self._target.name,), caller)
        return self

    def keep(
        self,
        attempt: Attempt,
        request: Json | None = None,
        response: tuple[Choice, ...] | None = None,
    ) -> None:
        """Keep the call's row: it costs, and saves nothing."""
        bill = self._books.bill(self._request, (attempt,))
        self._row = replace(
            self._row,
            outcome="shadow",
            stream=False,
            target=attempt.target,
            local=attempt.local,
            seconds=attempt.seconds,
            first_byte=None,
            attempts=(attempt,),
            usage=attempt.usage,
            bill=replace(bill, counterfactual=Decimal(0), counterfactual_joules=Span()),
            request=request,
            response=response,
        )
        self._books.keep(self._row)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._books.charge(self._row, UNMETERED)
