"""Every model that can be asked, and how: local ones directly, remote ones through privacy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field

from shortstop.errors import PrivacyRefused, UpstreamFailed
from shortstop.faults import turned_into
from shortstop.ports import Backend, Guard, Upstream, Via
from shortstop.serving.health import TargetHealth
from shortstop.types import Chunk, Clearance, Cleared, Reply, Request, Target

UNWATCHED = nullcontext()


async def cleared_for(
    guard: Guard, request: Request, clearance: Clearance, target: Target
) -> Cleared:
    """What may be sent to the remote `target`. Raises PrivacyRefused when nothing may."""
    with turned_into("privacy's release", _not_released):
        clearance = await guard.prepare(request, clearance)
        return guard.release(request, clearance, target)


def _not_released() -> PrivacyRefused:
    return PrivacyRefused("This request could not be made safe to leave, so it stays here.")


def _not_restored() -> PrivacyRefused:
    return PrivacyRefused("What was replaced in the request could not be put back in the answer.")


def _no_answer() -> UpstreamFailed:
    return UpstreamFailed("The model's answer could not be read.")


@dataclass(frozen=True, slots=True)
class Models:
    """The configured targets by name; local ones have a backend, remote ones an upstream."""

    targets: Mapping[str, Target]
    backends: Mapping[str, Backend]
    upstreams: Mapping[str, Upstream]
    guard: Guard
    health: Mapping[str, TargetHealth] = field(default_factory=dict)
    """Of local models. Upstreams watch their own, call by call."""

    async def answer(
        self, name: str, request: Request, clearance: Clearance, via: Via | None = None
    ) -> Reply:
        """One target's whole answer. Raises TargetError or PrivacyRefused, whatever happens."""
        target = self.targets[name]
        if target.local:
            with self.health.get(name, UNWATCHED), turned_into("local model", _no_answer):
                return _held(await self.backends[name].answer(request))
        cleared = await cleared_for(self.guard, request, clearance, target)
        with turned_into("upstream", _no_answer):
            reply = _held(await self.upstreams[name].answer(cleared, via))
        with turned_into("privacy's restoring", _not_restored):
            return self.guard.restore(reply, cleared)

    async def stream(
        self, name: str, request: Request, clearance: Clearance, via: Via | None = None
    ) -> AsyncGenerator[Chunk, None]:
        """One target's answer in pieces; closing the iterator frees the model.

        Raises TargetError or PrivacyRefused, whatever happens.
        """
        target = self.targets[name]
        if target.local:
            failure = turned_into("local model", _no_answer)
            with failure:
                source = self.backends[name].stream(request)
        else:
            cleared = await cleared_for(self.guard, request, clearance, target)
            with turned_into("privacy's restoring", _not_restored):
                answer = self.upstreams[name].stream(cleared, via)
                source = self.guard.restore_stream(answer, cleared)
            failure = turned_into("upstream", _no_answer)
            if source is not answer:
                failure = turned_into("privacy's restoring", _not_restored)
        async with aclosing(source):
            with self.health.get(name, UNWATCHED), failure:
                async for chunk in source:
                    yield chunk


def _held(reply: Reply) -> Reply:
    """The reply, if it is one. Raises UpstreamFailed."""
    if not reply.choices:
        raise UpstreamFailed("The model's answer holds no choice.")
    return reply
