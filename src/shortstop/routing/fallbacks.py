"""Who answers in place of a model that cannot, as `[routing.fallbacks]` says, if it may and can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shortstop.config import FallbackConfig
from shortstop.ports import Instead
from shortstop.routing.constraints import needs
from shortstop.types import Caller, Request, Target


class Fallbacks:
    """For the `targets` of one configuration. Who answers in another's place has none itself."""

    def __init__(self, table: Mapping[str, FallbackConfig], targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._table: Instead = {
            (name, failure): tuple(names)
            for name, config in table.items()
            for failure, names in config.by_class().items()
            if names
        }
        self._with_any = frozenset(name for name, _ in self._table)

    def of(self, plan: Iterable[str], request: Request, caller: Caller) -> Instead:
        """Those of a plan's targets that the caller may use and that can give what is asked. What
        privacy says of them is asked when it comes to them."""
        planned = self._with_any.intersection(plan)
        if not planned:
            return {}
        wanted = needs(request)
        fit = {
            (name, failure): tuple([one for one in names if self._may(one, wanted, caller)])
            for (name, failure), names in self._table.items()
            if name in planned
        }
        return {place: names for place, names in fit.items() if names}

    def unpaid(self, instead: Instead) -> Instead:
        """Those that nobody bills."""
        local = {
            place: tuple([name for name in names if self._targets[name].local])
            for place, names in instead.items()
        }
        return {place: names for place, names in local.items() if names}

    def _may(self, name: str, wanted: frozenset[str], caller: Caller) -> bool:
        target = self._targets.get(name)
        if target is None or not target.serves:
            return False
        return caller.may_use(name) and wanted <= target.abilities
