"""`[routing.fallbacks.MODEL]`: who answers in place of a model that cannot."""

from __future__ import annotations

from typing import ClassVar

from shortstop.config.section import Lifetime, Section
from shortstop.errors import FailureClass


class FallbackConfig(Section, frozen=True):
    """Models to ask, in order, in place of this one, also for clients that name it: where the
    prompt does not fit into its `context`, its vendor's `content_filter` objects, its account's
    `rate_limit` is reached on all keys, or it is out of order (`outage`). They have no fallbacks of
    their own for that request; privacy, keys, budgets and abilities hold for them as always.
    """

    lifetime: ClassVar[Lifetime] = "runtime"

    context: tuple[str, ...] = ()
    content_filter: tuple[str, ...] = ()
    rate_limit: tuple[str, ...] = ()
    outage: tuple[str, ...] = ()

    def by_class(self) -> dict[FailureClass, tuple[str, ...]]:
        return {
            "context": self.context,
            "content_filter": self.content_filter,
            "rate_limit": self.rate_limit,
            "outage": self.outage,
        }

    def names(self) -> tuple[str, ...]:
        """All of them, once each."""
        return tuple(dict.fromkeys(name for names in self.by_class().values() for name in names))
