"""Every model that can be asked, and how: local ones directly, remote ones through privacy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from shortstop.beside import ON_THE_LOOP, Calls
from shortstop.errors import PrivacyRefused, StoreError, UpstreamFailed
from shortstop.faults import turned_into
from shortstop.ports import Backend, Guard, Upstream, Via
from shortstop.serving.health import TargetHealth
from shortstop.types import Chunk, Clearance, Cleared, Reach, Reply, Request, Target

UNWATCHED = nullcontext()
T = TypeVar("T")


async def cleared_for(
    guard: Guard,
    request: Request,
    clearance: Clearance,
    target: Target,
    calls: Calls = ON_THE_LOOP,
) -> Cleared:
    """What may be sent to the remote `target`. What is replaced in it is kept by `calls`. Raises
    PrivacyRefused when nothing may."""
    with turned_into("privacy's release", _not_released):
        clearance = await guard.prepare(request, clearance)
        if clearance.reach != Reach.PSEUDONYMISED:
            return guard.release(request, clearance, target)
        try:
            return await calls.run(partial(guard.release, request, clearance, target))
        except StoreError as error:
            raise _not_released() from error


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
    calls: Calls = ON_THE_LOOP
    """How what stands in for real values is looked up."""

    async def answer(
        self, name: str, request: Request, clearance: Clearance, via: Via | None = None
    ) -> Reply:
        """One target's whole answer. Raises TargetError or PrivacyRefused, whatever happens."""
        target = self.targets[name]
        if target.local:
            with self.health.get(name, UNWATCHED), turned_into("local model", _no_answer):
                return _held(await self.backends[name].answer(request))
        cleared = await cleared_for(self.guard, request, clearance, target, self.calls)
        with turned_into("upstream", _no_answer):
            reply = _held(await self.upstreams[name].answer(cleared, via))
        with turned_into("privacy's restoring", _not_restored):
            return await self._restored(partial(self.guard.restore, reply, cleared), cleared)

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
            cleared = await cleared_for(self.guard, request, clearance, target, self.calls)
            with turned_into("privacy's restoring", _not_restored):
                answer = self.upstreams[name].stream(cleared, via)
                restore = partial(self.guard.restore_stream, answer, cleared)
                source = await self._restored(restore, cleared)
            failure = turned_into("upstream", _no_answer)
            if source is not answer:
                failure = turned_into("privacy's restoring", _not_restored)
        async with aclosing(source):
            with self.health.get(name, UNWATCHED), failure:
                async for chunk in source:
                    yield chunk

    async def _restored(self, restore: Callable[[], T], cleared: Cleared) -> T:
        """What was answered is not given up for a store that is slow."""
        if cleared.clearance.reach != Reach.PSEUDONYMISED:
            return restore()
        return await self.calls.need(restore)


def _held(reply: Reply) -> Reply:
    """The reply, if it is one. Raises UpstreamFailed."""
    if not reply.choices:
        raise UpstreamFailed("The model's answer holds no choice.")
    return reply
