"""Every model that can be asked, and how: local ones directly, remote ones through privacy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from shortstop.ports import Backend, Guard, Upstream
from shortstop.types import Chunk, Clearance, Cleared, Reply, Request, Target


async def cleared_for(
    guard: Guard, request: Request, clearance: Clearance, target: Target
) -> Cleared:
    """What may be sent to the remote `target`. Raises PrivacyRefused when nothing may."""
    clearance = await guard.prepare(request, clearance)
    return guard.release(request, clearance, target)


@dataclass(frozen=True, slots=True)
class Models:
    """The configured targets by name; local ones have a backend, remote ones an upstream."""

    targets: Mapping[str, Target]
    backends: Mapping[str, Backend]
    upstreams: Mapping[str, Upstream]
    guard: Guard

    async def answer(self, name: str, request: Request, clearance: Clearance) -> Reply:
        """One target's whole answer. Raises TargetError or PrivacyRefused."""
        target = self.targets[name]
        if target.local:
            return await self.backends[name].answer(request)
        cleared = await cleared_for(self.guard, request, clearance, target)
        reply = await self.upstreams[name].answer(cleared)
        return self.guard.restore(reply, cleared)

    async def stream(
        self, name: str, request: Request, clearance: Clearance
    ) -> AsyncGenerator[Chunk, None]:
        """One target's answer in pieces; closing the iterator frees the model.

        Raises TargetError or PrivacyRefused.
        """
        target = self.targets[name]
        if target.local:
            source = self.backends[name].stream(request)
        else:
            cleared = await cleared_for(self.guard, request, clearance, target)
            answer = self.upstreams[name].stream(cleared)
            source = self.guard.restore_stream(answer, cleared)
        async with aclosing(source):
            async for chunk in source:
                yield chunk
