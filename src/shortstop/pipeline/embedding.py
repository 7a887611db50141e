"""An embedding request's way through the house: guard -> target -> serve -> bill -> record.

The client's model is used or the request is refused: vectors of two models cannot be compared, so
nothing is routed or escalated here. `auto` and `local` mean the first local encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from shortstop.dialects.embeddings import EmbeddingReply, EmbeddingRequest, neutral
from shortstop.errors import Forbidden, NotFound, PrivacyRefused, RequestError, ShortstopError
from shortstop.pipeline.clearing import PATIENCE, Clearing
from shortstop.ports import Accountant, Clock, Guard, Purser, Recorder
from shortstop.types import (
    UNMETERED,
    Admission,
    Attempt,
    Caller,
    Clearance,
    Cleared,
    Decision,
    Outcome,
    Reach,
    Request,
    Target,
    Tier,
    Trace,
    TraceOutcome,
    Usage,
)

TASK = "embedding"


class LocalEncoder(Protocol):
    async def encode(self, request: EmbeddingRequest) -> EmbeddingReply:
        """Raises RequestError for what it cannot encode, TargetError when it fails."""


class RemoteEncoder(Protocol):
    async def embed(self, cleared: Cleared) -> EmbeddingReply: ...


class Embedding:
    """Built by `app` beside the pipeline. The first of `targets` stands for `auto` and `local`."""

    def __init__(
        self,
        *,
        targets: Mapping[str, Target],
        local: Mapping[str, LocalEncoder],
        remote: Mapping[str, RemoteEncoder],
        guard: Guard,
        books: Accountant,
        recorder: Recorder,
        purser: Purser,
        clock: Clock,
        observers: Sequence[Callable[[Trace], None]] = (),
        patience: float = PATIENCE,
    ) -> None:
        self.targets = targets
        self._local = local
        self._remote = remote
        self._guard = guard
        self._verdicts = Clearing(guard, patience)
        self._books = books
        self._recorder = recorder
        self._purser = purser
        self._clock = clock
        self._observers = observers

    async def answer(
        self,
        said: EmbeddingRequest,
        id: str,
        caller: Caller,
        admission: Admission = UNMETERED,
    ) -> EmbeddingReply:
        """Raises ShortstopError; the request is on the books in any case."""
        request = neutral(said, id)
        at, started = self._clock.time(), self._clock.monotonic()
        clearance = await self._verdicts.of(request, caller)
        outcome: TraceOutcome = "cancelled"
        target: Target | None = None
        reply: EmbeddingReply | None = None
        failure: ShortstopError | None = None
        try:
            target = self._choose(said.model, clearance, caller)
            if caller.key is not None:
                self._purser.reserve(request, _decision(target), caller)
            reply = await self._ask(target, said, request, clearance)
            outcome = "ok"
            return replace(reply, target=target.name)
        except ShortstopError as error:
            outcome, failure = "refused" if isinstance(error, RequestError) else "error", error
            raise
        finally:
            seconds = self._clock.monotonic() - started
            attempts = _attempts(target, seconds, reply, failure)
            trace = Trace(
                id=id,
                at=at,
                tenant=caller.tenant,
                key=caller.key,
                dialect="openai.embeddings",
                model=said.model if target or clearance.tier < Tier.S2 else "unknown",
                outcome=outcome,
                status=200 if reply else failure.status if failure else 499,
                stream=False,
                seconds=seconds,
                clearance=clearance,
                decision=_decision(target) if target else None,
                target=target.name if target else None,
                local=target.local if target else False,
                attempts=attempts,
                usage=attempts[-1].usage if attempts else None,
                bill=self._books.bill(request, attempts),
                request=request.body,
                error=failure.code if failure else None,
            )
            self._recorder.append(trace)
            for observe in self._observers:
                observe(trace)
            if caller.key is not None:
                self._purser.settle(trace, admission)

    def _choose(self, name: str, clearance: Clearance, caller: Caller) -> Target:
        if name in ("auto", "local"):
            name = next(iter(self.targets))
        target = self.targets.get(name)
        if target is None:
            raise NotFound(
                f"The embedding model {name!r} does not exist.",
                hint=f"Available: {', '.join(self.targets)}.",
                param="model",
                code="model_not_found",
            )
        if caller.targets and name not in caller.targets:
            raise Forbidden(f"This key may not use {name!r}.", param="model")
        if not target.local and clearance.reach > Reach.ANYWHERE:
            raise PrivacyRefused(
                f"This text holds {', '.join(clearance.labels)} and must stay on this machine;"
                f" {name!r} is elsewhere.",
                hint="Use a local embedding model for such texts.",
            )
        return target

    async def _ask(
        self, target: Target, said: EmbeddingRequest, request: Request, clearance: Clearance
    ) -> EmbeddingReply:
        if target.local:
            return await self._local[target.name].encode(said)
        clearance = await self._guard.prepare(request, clearance)
        if clearance.reach > Reach.ANYWHERE:
            raise PrivacyRefused("This text names somebody and must stay on this machine.")
        cleared = self._guard.release(request, clearance, target)
        return await self._remote[target.name].embed(cleared)


def _decision(target: Target) -> Decision:
    return Decision(
        plan=(target.name,),
        task=TASK,
        score=0.0,
        threshold=0.0,
        propensity=1.0,
        router="none",
        reasons=("explicit-model",),
    )


def _attempts(
    target: Target | None,
    seconds: float,
    reply: EmbeddingReply | None,
    failure: ShortstopError | None,
) -> tuple[Attempt, ...]:
    if target is None:
        return ()
    usage = Usage(input=reply.tokens) if reply else None
    how: Outcome = "ok" if reply else "error" if failure else "cancelled"
    return (Attempt(target.name, target.local, how, seconds, usage=usage),)
