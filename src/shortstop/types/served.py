"""What the pipeline hands to the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shortstop.types.answer import Chunk, Reply
from shortstop.types.books import Bill
from shortstop.types.decision import Decision
from shortstop.types.privacy import Clearance, Tier


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: known when its last chunk has been handed on."""

    reply: Reply
    tier: Tier
    """Of the request and its answer together."""

    @property
    def keepable(self) -> bool:
        """Whether the answer may be written down for a later request."""
        return self.tier < Tier.S3


@dataclass(slots=True)
class Answer:
    """A whole reply or a committed stream: exactly one of `reply` and `chunks` is set.

    `target` answered at Unix time `created`; `specialist` is its name where it is one. `clearance`
    is the request's at that time. `bill` is known for a whole reply. `ending` is filled in when a
    stream has ended well, before its reader sees the end; whatever is to be kept of an answer is
    decided by it. `run` is the run that the request is a step of. `dropped` names the request's
    fields that the target was not told.
    """

    target: str
    created: int
    decision: Decision
    clearance: Clearance
    draft: bool = False
    dropped: tuple[str, ...] = ()
    run: str | None = None
    specialist: str | None = None
    bill: Bill | None = None
    reply: Reply | None = None
    chunks: AsyncGenerator[Chunk, None] | None = None
    ending: Ending | None = None
