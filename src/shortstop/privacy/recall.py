"""Verdicts where what conversations held before is kept by a store that takes its time.

It is asked before the verdict and told after it, both beside the event loop. Where it does not
answer at once what a conversation held is unknown, and its request stays on this machine; but one
that begins a conversation has nothing before it.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from shortstop.beside import Calls
from shortstop.errors import StoreError
from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.taint import Taint
from shortstop.privacy.verdict import TOO_SLOW, lasting_tier, pinned
from shortstop.types import UNNAMED, Caller, Clearance, Request, Tier

UNKNOWN = "conversation-not-read"
"""The reason where nobody can say now what the conversation held before."""


class Earlier(NamedTuple):
    """What a conversation held, and what its store knows of that. `tier` None: unknown."""

    tier: Tier | None
    stored: Tier


class Recall:
    """The verdicts of `guard`, with `taint` asked by `calls`."""

    def __init__(self, guard: PrivacyGuard, taint: Taint, calls: Calls) -> None:
        self._guard, self._taint, self._calls = guard, taint, calls

    async def held(self, request: Request, caller: Caller) -> Earlier:
        """Never raises StoreError."""
        tenant, conversation = caller.tenant, caller.conversation
        if conversation is None:
            return Earlier(Tier.S0, Tier.S3)
        known = self._taint.known(tenant, conversation)
        if known == Tier.S3:
            unkept = self._taint.unkept(tenant, conversation)
            return Earlier(known, Tier.S0 if unkept else known)
        try:
            stored = await self._calls.run(partial(self._taint.stored, tenant, conversation))
        except StoreError:
            return Earlier(known if _begins(request, conversation) else None, Tier.S0)
        return Earlier(max(known, stored), stored)

    def look(self, request: Request, caller: Caller, held: Earlier) -> Clearance:
        """The verdict. Nothing of it is kept. Never raises."""
        if held.tier is None:
            return pinned(UNKNOWN, request, caller)
        return self._guard.look(request, caller, held.tier)

    def late(self, request: Request, caller: Caller) -> Clearance:
        """The verdict where nobody waits any longer."""
        return pinned(TOO_SLOW, request, caller)

    async def kept(
        self, clearance: Clearance, request: Request, caller: Caller, held: Earlier, seconds: float
    ) -> Clearance:
        """The verdict, which took so long, once it is kept; pinned when it cannot be."""
        kept = await self._keep(clearance, caller, held)
        return self._guard.noted(clearance, request, caller, seconds, kept=kept)

    async def _keep(self, clearance: Clearance, caller: Caller, held: Earlier) -> bool:
        """In memory at once. What the store has not heard of is told to it with each turn."""
        tenant, conversation, tier = caller.tenant, caller.conversation, lasting_tier(clearance)
        if conversation is None or held.tier is None or tier <= held.stored:
            return True
        self._taint.note(tenant, conversation, tier)
        try:
            await self._calls.run(partial(self._taint.keep, tenant, conversation, tier))
        except StoreError:
            return False
        return True


def _begins(request: Request, conversation: str) -> bool:
    """Whether a request is all that there is of its conversation: it is known by its first words
    alone, and nothing comes after them."""
    if not conversation.startswith(UNNAMED):
        return False
    roles = [message.role for message in request.messages]
    return roles[-1:] == ["user"] and {*roles[:-1]} <= {"system", "developer"}
