"""Groups of rows added up, so that a page asks the store once for parts and whole."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from shortstop.ledger.energy import plus
from shortstop.types import Span
from shortstop.types.report import Slice

_COUNTS = (
    "requests", "answered", "local", "pinned", "escalated", "failed", "refused", "cancelled",
    "prompt_tokens", "completion_tokens", "unpriced", "estimated",
)  # fmt: skip
_MONEY = ("cost", "cost_local", "counterfactual")
_SPANS = ("joules", "counterfactual_joules", "gco2")


def whole(parts: Sequence[Slice]) -> Slice:
    """The sum of groups that have no row in common. Percentiles do not add up, so it has none."""
    fields: dict[str, object] = {name: _total(parts, name) for name in _COUNTS}
    fields |= {name: sum((getattr(p, name) for p in parts), Decimal(0)) for name in _MONEY}
    return Slice("", **fields, **{name: _span(parts, name) for name in _SPANS})  # type: ignore[arg-type]


def _total(parts: Sequence[Slice], name: str) -> int:
    return sum(getattr(part, name) for part in parts)


def _span(parts: Sequence[Slice], name: str) -> Span:
    found = Span()
    for part in parts:
        found = plus(found, getattr(part, name))
    return found
