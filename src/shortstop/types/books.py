"""What a request cost and what it would have cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

Basis = Literal["measured", "modelled", "vendor", "none"]


class Span(Struct, frozen=True):
    """A figure with its error bars: low <= value <= high, same unit."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    basis: Basis = "none"


class Bill(Struct, frozen=True):
    """What a request cost and what it would have cost. Money in US dollars.

    `cost` is None when a price was unknown (`unpriced` names the model): never silently zero.
    `counterfactual` is the same request answered by `baseline` alone.
    """

    cost: Decimal | None
    cost_local: Decimal
    cost_remote: Decimal | None
    counterfactual: Decimal | None
    baseline: str | None
    joules: Span = Span()
    counterfactual_joules: Span = Span()
    gco2: Span = Span()
    unpriced: tuple[str, ...] = ()
    prices: str = ""

    @property
    def saved(self) -> Decimal | None:
        if self.cost is None or self.counterfactual is None:
            return None
        return self.counterfactual - self.cost
