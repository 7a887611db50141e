"""One call to one target, from its start until it is on the books."""

from __future__ import annotations

from msgspec.structs import replace

from shortstop.errors import ShortstopError
from shortstop.ports import Clock, Via
from shortstop.types import Attempt, Check, Outcome, Request, Signals, Target, Usage, Verified


class Call:
    """One call to one target, from its start until it has become an `Attempt`.

    `asked` is when the request began, on the clock's monotonic time; None: unknown. `fallback` is
    the class of the error for which the target is asked in another's place. `limit` are the tokens
    after which the answer is cut off, where the client did not say; None: the target's own hold.
    """

    def __init__(
        self,
        target: Target,
        clock: Clock,
        asked: float | None = None,
        fallback: str | None = None,
        limit: int | None = None,
    ) -> None:
        self.target = target
        self.fallback = fallback
        self.limit = limit
        self.via = Via()
        self._clock = clock
        self._asked = asked
        self._started = clock.monotonic()
        self.first_byte: float | None = None
        self.signals: Signals | None = None
        self.checks: tuple[Check, ...] = ()
        self.verified: Verified | None = None
        self.attempt: Attempt | None = None
        self.spent: Usage | None = None
        """What a stream took that failed before its commit point."""

    def seconds(self) -> float:
        """Since it began."""
        return self._clock.monotonic() - self._started

    def note_first_byte(self) -> None:
        if self.first_byte is None:
            self.first_byte = self.seconds()

    def sent(self, request: Request) -> Request:
        """The request as this call sends it: for an answer within its limit, and from inside its
        own span, if it is in a trace."""
        if self.limit is not None:
            request = replace(request, sampling=replace(request.sampling, max_tokens=self.limit))
        context = request.trace_context
        if context is None:
            return request
        return replace(request, trace_context=context.within(self.target.name))

    def end(
        self, outcome: Outcome, usage: Usage | None = None, error: BaseException | None = None
    ) -> Attempt:
        self.attempt = Attempt(
            target=self.target.name,
            local=self.target.local,
            outcome=outcome,
            seconds=self.seconds(),
            first_byte=self.first_byte,
            status=error.status if isinstance(error, ShortstopError) else None,
            error=_label(error),
            usage=usage,
            signals=self.signals,
            checks=self.checks,
            began=None if self._asked is None else self._started - self._asked,
            verified=self.verified,
            deployment=self.via[-1] if self.via else None,
            spilled=tuple([one for one in dict.fromkeys(self.via) if one != self.via[-1]]),
            fallback=self.fallback,
        )
        return self.attempt


def _label(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return getattr(error, "code", None) or type(error).__name__
