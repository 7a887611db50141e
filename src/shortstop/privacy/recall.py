"""Verdicts where what conversations held before is kept by a store that takes its time.

Memory says what a conversation held while it is as new as the store; else the store is asked what
has risen, once for all who wait, beside the event loop. Where it does not answer at once what a
conversation held is unknown, and its request stays on this machine; but one that begins a
conversation has nothing before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from shortstop.beside import Calls, JointCall
from shortstop.errors import StoreError
from shortstop.privacy.guard import PrivacyGuard
from shortstop.privacy.shared_taint import FRESH_SECONDS, SharedTaint
from shortstop.privacy.verdict import TOO_SLOW, lasting_tier, pinned
from shortstop.types import UNNAMED, Caller, Clearance, Request, Tier

T = TypeVar("T")
UNKNOWN = "conversation-not-read"
"""The reason where nobody can say now what the conversation held before."""


class Earlier(NamedTuple):
    """What a conversation held, and what its store knows of that. `tier` None: unknown."""

    tier: Tier | None
    stored: Tier


class Recall:
    """The verdicts of `guard`, with `taint` asked by `calls`."""

    def __init__(self, guard: PrivacyGuard, taint: SharedTaint, calls: Calls) -> None:
        self._guard, self._taint, self._calls = guard, taint, calls
        self._news = JointCall(calls, taint.follow)

    async def held(self, request: Request, caller: Caller) -> Earlier:
        """Never raises StoreError."""
        tenant, conversation = caller.tenant, caller.conversation
        if conversation is None:
            return Earlier(Tier.S0, Tier.S3)
        held = self._taint.memory.remembered(tenant, conversation)
        if held != Tier.S3 and not _begins(request, conversation):
            if not await self._up_to_date(request):
                return Earlier(None, Tier.S0)
            held = await self._remembered(request, tenant, conversation)
            if held is None:
                return Earlier(None, Tier.S0)
        held = held or Tier.S0
        return Earlier(held, Tier.S0 if self._taint.unkept(tenant, conversation) else held)

    async def _up_to_date(self, request: Request) -> bool:
        """Whether memory knows what the store knew shortly before the request came. It is asked
        ahead of need, so that a busy gateway's requests find it asked."""
        since = self._taint.now - FRESH_SECONDS
        if self._taint.asked_at < since + FRESH_SECONDS / 2:
            self._news.begin()
        if self._taint.asked_at < since:
            await self._news.over()
        if self._taint.asked_at < since and request.stored:
            with suppress(StoreError):
                await self._calls.need(self._taint.follow)
        return self._taint.asked_at >= since

    async def _remembered(self, request: Request, tenant: str, conversation: str) -> Tier | None:
        """None: memory may have forgotten, and the store does not say."""
        held = self._taint.memory.remembered(tenant, conversation)
        if held is None:
            with suppress(StoreError):
                return await self._asked(request, partial(self._taint.find, tenant, conversation))
        return held

    async def _asked(self, request: Request, work: Callable[[], T]) -> T:
        """What the store says, if it does so at once: an answer that is to be stored is worth the
        wait, for a pinned one is not kept, and its client could not go on. Raises StoreError."""
        if request.stored:
            return await self._calls.need(work)
        return await self._calls.run(work)

    async def settled(self, caller: Caller) -> None:
        """Return when the client may go on at any machine, and be known there."""
        conversation = caller.conversation or ""
        if (left := self._taint.settles_in(caller.tenant, conversation)) > 0:
            await asyncio.sleep(left)

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
        kept = await self._keep(clearance, request, caller, held)
        return self._guard.noted(clearance, request, caller, seconds, kept=kept)

    async def _keep(
        self, clearance: Clearance, request: Request, caller: Caller, held: Earlier
    ) -> bool:
        """In memory at once. What the store has not heard of is told to it with each turn."""
        tenant, conversation, tier = caller.tenant, caller.conversation, lasting_tier(clearance)
        if conversation is None or held.tier is None or tier <= held.stored:
            return True
        self._taint.note(tenant, conversation, tier)
        try:
            await self._asked(request, partial(self._taint.keep, tenant, conversation, tier))
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
