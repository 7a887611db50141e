"""An embedding request's way through the gateway: clear -> target -> serve -> bill -> record.

The client's model is used or the request is refused: vectors of two models cannot be compared, so
nothing is routed or escalated here. `auto` and `local` mean the first local encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shortstop.dialects.embeddings import (
    EmbeddingAnswer,
    EmbeddingReply,
    EmbeddingRequest,
    neutral,
)
from shortstop.errors import (
    Forbidden,
    NotFound,
    PrivacyRefused,
    RequestError,
    ShortstopError,
    StoreUnavailable,
    UpstreamFailed,
)
from shortstop.faults import ContainedBlock, turned_into
from shortstop.pipeline.clearing import Clearing
from shortstop.pipeline.record import Bookkeeping, RequestRecord, outcome_of
from shortstop.ports import Via
from shortstop.serving.spent import estimated, unanswered
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
    Target,
    Tier,
    Usage,
)

TASK = "embedding"
SURFACE = "openai.embeddings"


class LocalEncoder(Protocol):
    async def encode(self, request: EmbeddingRequest) -> EmbeddingReply:
        """Raises RequestError for what it cannot encode, TargetError when it fails."""


class RemoteEncoder(Protocol):
    async def embed(self, cleared: Cleared, via: Via | None = None) -> EmbeddingReply: ...


@dataclass(frozen=True, slots=True)
class Encoders:
    """Embedding models by name. The first target stands for `auto` and `local`."""

    targets: Mapping[str, Target]
    local: Mapping[str, LocalEncoder]
    remote: Mapping[str, RemoteEncoder]


class Embedding:
    """Built by `app` beside the chat pipeline."""

    def __init__(
        self,
        *,
        encoders: Encoders,
        clearing: Clearing,
        books: Bookkeeping,
    ) -> None:
        self._encoders = encoders
        self._clearing = clearing
        self._books = books

    @property
    def targets(self) -> Mapping[str, Target]:
        return self._encoders.targets

    async def answer(
        self, asked: EmbeddingRequest, id: str, caller: Caller, admission: Admission = UNMETERED
    ) -> EmbeddingAnswer:
        """Raises ShortstopError; the request is on the books in any case."""
        request = neutral(asked, id)
        record = self._books.begin(request, caller, admission, SURFACE)
        try:
            clearance = record.clearance = await self._clearing.clear(request, caller)
            self._books.note_cleared(record)
            target = record.target = self._choose(asked.model, clearance, caller)
            decision = record.decision = _decision(target)
            await self._reserve(record, target, decision)
            self._books.note_decided(record)
            reply = await self._ask(record, target, asked)
        except ShortstopError as error:
            self._books.close(record, outcome_of(error), error)
            await self._clearing.settled(caller)
            raise
        except BaseException:
            self._books.close(record, "cancelled")
            raise
        self._books.close(record, "ok")
        await self._clearing.settled(caller)
        return EmbeddingAnswer(reply, target.name, record.clearance.tier < Tier.S3)

    async def _reserve(self, record: RequestRecord, target: Target, decision: Decision) -> None:
        """Raises QuotaExceeded, and StoreUnavailable for a model that somebody bills."""
        seam = ContainedBlock("setting money aside", (RequestError,))
        with seam:
            await self._books.reserve(record, decision)
            return
        if not target.local:
            raise StoreUnavailable(
                "What is left of this key's budget cannot be read now.",
                hint="Retry in a moment, or use a local embedding model.",
                code=seam.code,
                retry_after=1.0,
            )

    def _choose(self, name: str, clearance: Clearance, caller: Caller) -> Target:
        mine = [one for one in self._encoders.targets if caller.may_use(one)]
        if name in ("auto", "local"):
            name = next(iter(self._encoders.targets))
        target = self._encoders.targets.get(name)
        if target is None:
            raise NotFound(
                f"The embedding model {name!r} does not exist.",
                hint=f"Available: {', '.join(mine)}.",
                param="model",
                code="model_not_found",
            )
        if name not in mine:
            raise Forbidden(
                "This key may not use the embedding model that was asked for.",
                hint=f"It may use: {', '.join(mine) or 'none'}.",
                param="model",
            )
        if not target.local and clearance.reach > Reach.ANYWHERE:
            raise PrivacyRefused(
                f"This text holds {', '.join(clearance.labels)} and must stay on this machine;"
                f" {name!r} is elsewhere.",
                hint="Use a local embedding model, and send texts in place of tokens.",
            )
        return target

    async def _ask(
        self, record: RequestRecord, target: Target, asked: EmbeddingRequest
    ) -> EmbeddingReply:
        """One call to `target`, as an attempt on the record."""
        began = self._books.clock.monotonic()
        outcome: Outcome = "cancelled"
        reply: EmbeddingReply | None = None
        via = Via()
        usage = None if target.local else estimated(record.request, None)
        try:
            reply = await self._vectors(record, target, asked, via)
            outcome, usage = "ok", Usage(input=reply.tokens)
            return reply
        except ShortstopError as error:
            outcome, usage = "error", unanswered(target, record.request, error)
            raise
        finally:
            seconds = self._books.clock.monotonic() - began
            attempt = Attempt(
                target.name,
                target.local,
                outcome,
                seconds,
                usage=usage,
                began=began - record.began,
                deployment=via[-1] if via else None,
            )
            record.attempts.append(attempt)
            record.answered = attempt if reply else None

    async def _vectors(
        self, record: RequestRecord, target: Target, asked: EmbeddingRequest, via: Via
    ) -> EmbeddingReply:
        if target.local:
            with turned_into("local encoder", _no_vectors):
                return await self._encoders.local[target.name].encode(asked)
        cleared = await self._cleared(record, target)
        with turned_into("upstream", _no_vectors):
            return await self._encoders.remote[target.name].embed(cleared, via)

    async def _cleared(self, record: RequestRecord, target: Target) -> Cleared:
        """What may be sent to the remote `target`. Raises PrivacyRefused."""
        guard = self._clearing.guard
        with turned_into("privacy's release", _not_released):
            clearance = await guard.prepare(record.request, record.clearance)
            if clearance.reach > Reach.ANYWHERE:
                raise PrivacyRefused("This text names somebody and must stay on this machine.")
            return guard.release(record.request, clearance, target)


def _no_vectors() -> UpstreamFailed:
    return UpstreamFailed("The embedding model gave no vectors.")


def _not_released() -> PrivacyRefused:
    return PrivacyRefused("This text could not be made safe to leave, so it stays here.")


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
