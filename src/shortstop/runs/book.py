"""The book of runs: which run a request is a step of, and whether it may take one more.

A run is named by its client (`x-shortstop-run`), or recognised: the messages of a step begin with
those of an earlier one and the answer to it, from the same tenant and key, with the same system
prompt and tools. What is not continued, such as a question without tools, is no run.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.config import RunsConfig
from shortstop.errors import RunBudgetExceeded, StoreUnavailable
from shortstop.money import dollars, pico, pico_up
from shortstop.ports import Clock
from shortstop.ports.stores import RunStore
from shortstop.runs.calls import CallKey, used_up
from shortstop.runs.refuse import without_calls
from shortstop.runs.trail import Trail, Turn, answer_digest, trail
from shortstop.types import UNNAMED, Caller, Reply, Request, RunLimits, RunRefusal
from shortstop.types.rows import RunHead, RunRow

LOOKED_BACK = 32
"""Of the model's turns in a request, the newest that are looked for among earlier requests."""

ID_BYTES = 12
_OWN = re.compile(rf"{UNNAMED}[0-9a-f]{{{2 * ID_BYTES}}}")


@dataclass(slots=True)
class RunStep:
    """A request as a step of `run`. `refusal` is why a call of its answer was taken out."""

    run: str
    tenant: str
    scope: bytes
    whole: bytes
    used_up: frozenset[CallKey]
    times: int
    refusal: RunRefusal | None = None

    def spared(self, reply: Reply) -> Reply:
        """`reply` without calls that the run has made too often; itself where it has none."""
        if not self.used_up:
            return reply
        spared = without_calls(reply, self.used_up, self.times)
        if spared is not reply:
            self.refusal = "repeat"
        return spared


class RunOver(RunBudgetExceeded):
    """A run has used up `refusal`, and may take no further step."""

    def __init__(self, run: str, refusal: RunRefusal, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint, headers={"x-shortstop-run": run})
        self.run = run
        self.refusal = refusal


class RunBook:
    """Over a store that all workers share. `key` makes digests that tell nothing without it.

    Raises StoreError where the store cannot be used, besides what a method names.
    """

    def __init__(
        self,
        store: RunStore,
        clock: Clock,
        config: RunsConfig,
        key: bytes,
        calls: Calls = ON_THE_LOOP,
    ) -> None:
        self._store = store
        self.calls = calls
        self._clock = clock
        self._config = config
        self._key = key
        self._limits = RunLimits(config.max_usd, config.max_steps, config.max_seconds)
        self._idle_s = config.idle_hours * 3600

    async def entered(self, request: Request, caller: Caller) -> RunStep | None:
        """As `enter`, where nobody else is held up. None too where a store that takes its time
        cannot say at once."""
        if not _continues(request, caller):
            return None
        try:
            return await self.calls.run(partial(self.enter, request, caller))
        except StoreUnavailable:
            if self.calls.beside:
                return None
            raise

    def left(self, step: RunStep, reply: Reply | None, cost: Decimal | None) -> Awaitable[None]:
        """As `leave`, begun now; whoever awaits it knows that the next step finds this one, unless
        the store is slow."""
        return self.calls.later("the end of a run's step", partial(self.leave, step, reply, cost))

    def enter(self, request: Request, caller: Caller) -> RunStep | None:
        """The step that a request is, counted; None where it is part of no run.

        Raises RunOver where its run may take none.
        """
        if not _continues(request, caller):
            return None
        scope = self._scope(request, caller)
        digests = trail(request, scope)
        run = caller.run or self._recognised(digests) or _new_id()
        limits = self._limits.replaced_by(caller.run_limits).lowered_by(caller.run_caps)
        now = self._clock.time()

        def admit(row: RunRow) -> None:
            _require_within(limits, row, now, run)

        self._store.enter(caller.tenant, run, now, now - self._idle_s, admit)
        times = self._config.max_same_call
        return RunStep(run, caller.tenant, scope, digests.whole, self._used_up(request), times)

    def leave(self, step: RunStep, reply: Reply | None, cost: Decimal | None) -> None:
        """The step is over, for `cost` US dollars. `reply` None: it was not answered, so it counts
        as no step, and the same request is a retry of it."""
        answer = None
        if reply is not None:
            parts = reply.choices[0].parts if reply.choices else ()
            answer = answer_digest(step.scope, parts)
        head = RunHead(step.whole, step.run, answer)
        self._store.leave(step.tenant, head, self._clock.time(), pico_up(cost or Decimal(0)))

    def owner(self, run: str, tenant: str | None) -> str | None:
        """The tenant that has such a run: `tenant` or, where that is None, the only one that does.
        None where there is none, or more than one."""
        owners = self._store.owners(run)
        if tenant is not None:
            return tenant if tenant in owners else None
        return owners[0] if len(owners) == 1 else None

    def sweep(self) -> int:
        """Forget the runs that are over; how many."""
        return self._store.sweep(self._clock.time() - self._idle_s)

    def _used_up(self, request: Request) -> frozenset[CallKey]:
        config = self._config
        if not (config.max_same_call and request.tools):
            return frozenset()
        return used_up(
            request.messages,
            config.max_same_call,
            unchanged=config.same_call == "unchanged",
            polls=config.polls,
        )

    def _scope(self, request: Request, caller: Caller) -> bytes:
        """Within which requests continue each other: a tenant's key or, without one, an address."""
        whose = (caller.tenant, caller.key, None if caller.key else request.party.tenant)
        return hashlib.blake2b(repr(whose).encode(), key=self._key, digest_size=32).digest()

    def _recognised(self, digests: Trail) -> str | None:
        """The run that the request continues, by the longest beginning that is known."""
        turns = digests.turns[-LOOKED_BACK:]
        prefixes = [digests.whole, *(turn.before for turn in turns)]
        heads = self._store.heads(prefixes, self._clock.time() - self._idle_s)
        # An opening that was answered and comes again is a run that begins in the same way.
        again = [
            head
            for head in heads
            if head.prefix == digests.whole and (digests.turns or head.answer is None)
        ]
        went_on: list[RunHead] = []
        for turn in reversed(turns):
            went_on += _continued(turn, heads, opening=turn is digests.turns[0])
        # Of runs that are equal so far, one that waits for this step.
        waiting = [head for head in (*went_on, *again) if head.newest]
        return next((head.run for head in (*waiting, *again, *went_on)), None)


def _continues(request: Request, caller: Caller) -> bool:
    """Whether it may be a step of a run."""
    turns = any(message.role == "assistant" for message in request.messages)
    return caller.run is not None or turns or bool(request.tools)


def _continued(turn: Turn, heads: Sequence[RunHead], *, opening: bool) -> Sequence[RunHead]:
    """The heads that end where `turn` begins: those with its answer or, where there is none, with
    another one, for clients change answers. An opening alone does not tell several runs apart."""
    begun = [head for head in heads if head.prefix == turn.before]
    same = [head for head in begun if head.answer == turn.answer]
    alone = len({head.run for head in begun}) == 1
    return same or (begun if alone or not opening else ())


def _new_id() -> str:
    return UNNAMED + secrets.token_hex(ID_BYTES)


def is_own(run: str) -> bool:
    """Whether this is the name of a run that was recognised, as clients hand it back."""
    return _OWN.fullmatch(run) is not None


def name_digest(name: str) -> str:
    """What stands for a name that should not be written down."""
    return hashlib.blake2b(name.encode(), digest_size=ID_BYTES, person=b"run").hexdigest()


def _require_within(limits: RunLimits, row: RunRow, now: float, run: str) -> None:
    """Raises RunOver."""
    seconds = now - row.began
    over: tuple[RunRefusal, str] | None = None
    if limits.steps is not None and row.steps >= limits.steps:
        over = "steps", f"{limits.steps} steps"
    elif limits.usd is not None and row.spent >= pico(Decimal(str(limits.usd))):
        over = "money", f"${limits.usd:g}"
    elif limits.seconds is not None and seconds >= limits.seconds:
        over = "time", f"{limits.seconds:g} s"
    if over is None:
        return
    raise RunOver(
        run,
        over[0],
        f"The run {run} has used up its {over[1]}: it took {row.steps} steps,"
        f" ${dollars(row.spent):.6f} and {seconds:.0f} s.",
        hint="A retry is refused, too. End the run here and look at what it did; a new run has a"
        " budget of its own, and the limits are those under [runs], of the key, or those that the"
        " request lowered them to.",
    )
