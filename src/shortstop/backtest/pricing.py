"""What a logged call cost, and what it would cost and take elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from shortstop.dialects.logs import LogLine
from shortstop.ledger import energy
from shortstop.ledger.prices import Entry, PriceSheet, Tiered
from shortstop.types import Span, Usage

NOTHING = Span()


class Cost(NamedTuple):
    """`usd` is None where neither the log nor the price sheet knows it. `cloud` holds the price at
    each of the other models; None: it has none for such an answer."""

    usd: Decimal | None
    cloud: tuple[Decimal | None, ...]
    joules: Span


class LogPrices:
    """The log's own figure where it holds one, else the list price of the day. `cloud` are the
    names of models to stand beside: those without a known price are left out."""

    def __init__(self, sheet: PriceSheet, cloud: Sequence[str], now: float) -> None:
        self._now = now
        self.version = sheet.version
        self._entry = lru_cache(maxsize=4096)(lambda name: sheet.entry(name))
        known = {name: entry for name in cloud if (entry := sheet.entry(name)) is not None}
        self.cloud = tuple(known)
        self._cloud = tuple(known.values())
        self._line = lru_cache(maxsize=4096)(lambda name: _line(self._entry(name), name))

    def of(self, line: LogLine, usage: Usage | None) -> Cost:
        entry = self._entry(line.model) if line.model else None
        at = line.at if line.at is not None else self._now
        listed = None if entry is None or usage is None else entry.cost(usage, at)
        usd = line.cost if line.cost or line.local else listed
        if usage is None:
            return Cost(usd, (), NOTHING)
        plain = replace(usage, served=()) if usage.served else usage
        cloud = tuple(one.cost(plain, at) for one in self._cloud)
        joules = NOTHING if line.local else self._line(line.model or "").joules(usage.completion)
        return Cost(usd, cloud, joules)


def _line(entry: Entry | None, model: str) -> energy.Line:
    if entry is None:
        return energy.load().line((model,), None)
    rate = entry.periods[-1].rates.output
    price = float(rate.base if isinstance(rate, Tiered) else rate)
    return energy.load().line((entry.model,), price)
