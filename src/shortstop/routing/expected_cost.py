"""One rule over all choices: try the local model and look at its answer, or ask the frontier.

Each choice is charged what it is expected to cost: money, waiting, and lost quality at the
operator's price. The cheapest wins; what must not happen (contract, privacy) is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

Way = Literal["try-and-look", "ask-frontier"]

CAUGHT_SHARE = 0.5
"""Share of bad local answers that a look catches, until the scorer has learned its own."""
MISTAKEN_SHARE = 0.1
"""Share of good local answers that a look sends away."""


class Option(NamedTuple):
    """A target with what is expected of one call: `gap` is the frontier's quality minus its own,
    in [-1, 1]; `usd` are US dollars."""

    name: str
    gap: float
    usd: float
    seconds: float


class QualityPrice(NamedTuple):
    """The operator's trade-off in US dollars: for one whole answer lost, and for a second."""

    usd_per_point: float
    usd_per_second: float


class PricedChoice(NamedTuple):
    """What to do, whom to ask first, and the expected cost in US dollars."""

    way: Way
    first: str
    cost: float


def choose(
    local: Sequence[Option], frontier: Sequence[Option], price: QualityPrice
) -> PricedChoice:
    """The cheapest way over any number of targets. Raises ValueError without a frontier option."""
    direct = min(
        [PricedChoice("ask-frontier", f.name, _direct(f, price)) for f in frontier], key=_COST
    )
    tries = [
        PricedChoice("try-and-look", option.name, _looked(option, direct.cost, price))
        for option in local
    ]
    return min([direct, *tries], key=_COST)


_COST = attrgetter("cost")


def _direct(option: Option, price: QualityPrice) -> float:
    lost = max(option.gap, 0.0) * price.usd_per_point
    return option.usd + option.seconds * price.usd_per_second + lost


def _looked(option: Option, frontier_cost: float, price: QualityPrice) -> float:
    gap = max(option.gap, 0.0)
    sent_on = gap * CAUGHT_SHARE + (1.0 - gap) * MISTAKEN_SHARE
    own = option.usd + option.seconds * price.usd_per_second
    lost = gap * (1.0 - CAUGHT_SHARE) * price.usd_per_point
    return own + lost + sent_on * frontier_cost
