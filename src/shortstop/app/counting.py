"""How many tokens a request is: by the model that would answer it, where that can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from shortstop.app.engines import Engine, backend_of
from shortstop.app.pipelines import Pipelines
from shortstop.app.upstreams import Remotes
from shortstop.errors import PrivacyRefused, ShortstopError, TargetError
from shortstop.faults import contained
from shortstop.routing.constraints import AUTO, LOCAL, require_allowed
from shortstop.serving.models import Models
from shortstop.tokens import prompt_tokens
from shortstop.types import Caller, Request, Target


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Over the models of one configuration; `preferred` names the local one that is asked first."""

    models: Models
    engines: Mapping[str, Engine]
    remotes: Remotes
    pipelines: Pipelines
    preferred: str | None

    async def count(self, request: Request, caller: Caller) -> int:
        """By the model itself where it counts and may see the prompt, else an estimate.

        A key may count what it may ask: raises Forbidden or QuotaExceeded.
        """
        target = self._target(request.model, caller)
        if target is not None:
            require_allowed(target.name, caller)
            await self.pipelines.budgets.require(request, (target.name,), caller)
            with suppress(PrivacyRefused, TargetError), contained("counting", (ShortstopError,)):
                counted = await self._counted(request, target, caller)
                if counted is not None:
                    return counted
        return prompt_tokens(request)

    async def _counted(self, request: Request, target: Target, caller: Caller) -> int | None:
        """By `target`; None where it cannot count. Raises PrivacyRefused or TargetError."""
        engine, upstream = self.engines.get(target.name), self.remotes.upstreams.get(target.name)
        if engine is not None:
            return await backend_of(engine).count(request)
        if upstream is None or not upstream.counts:
            return None
        clearance = await self.pipelines.clearing.clear(request, caller)
        return await upstream.count(
            await self.pipelines.clearing.release(request, clearance, target)
        )

    def _target(self, model: str, caller: Caller) -> Target | None:
        """The model of that name, or the vendor's name for it; `auto` and `local` are the local one
        that is asked first."""
        if model in (AUTO, LOCAL):
            names = filter(None, (self.preferred, *self.engines))
            chats = (self.models.targets.get(name) for name in names)
            return next((one for one in chats if one and caller.may_use(one.name)), None)
        targets = {**self.models.targets, **self.pipelines.embedding.targets}
        same = (target for target in targets.values() if target.model == model)
        return targets.get(model) or next(same, None)
