"""One rule over all choices: answer here, try local then look, ask the frontier.

Each choice is worth minus what it is expected to cost: money, waiting, and lost quality at the
operator's price. The cheapest wins; what must not happen (contract, privacy) is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

Way = Literal["answer-here", "try-and-look", "ask-frontier"]

CAUGHT = 0.5
"""Share of bad local answers that a look catches, until the gate has learned its own."""
MISTAKEN = 0.1
"""Share of good local answers that a look sends away."""


class Option(NamedTuple):
    """A target with what is expected of it: `gap` is the frontier's quality minus its own."""

    name: str
    gap: float
    usd: float
    seconds: float


class QualityPrice(NamedTuple):
    """The operator's trade-off."""

    usd_per_point: float
    usd_per_second: float


class PricedChoice(NamedTuple):
    way: Way
    first: str
    cost: float


def choose(
    local: Sequence[Option], frontier: Sequence[Option], price: QualityPrice, *, may_skip_look: bool
) -> PricedChoice:
    """The cheapest way over any number of targets. Needs at least one of each."""
    asked = min(
        [PricedChoice("ask-frontier", r.name, _direct(r, price)) for r in frontier], key=_COST
    )
    choices = [asked]
    for option in local:
        choices.append(
            PricedChoice("try-and-look", option.name, _looked(option, asked.cost, price))
        )
        if may_skip_look:
            choices.append(PricedChoice("answer-here", option.name, _direct(option, price)))
    return min(choices, key=_COST)


_COST = attrgetter("cost")


def _direct(option: Option, price: QualityPrice) -> float:
    lost = max(option.gap, 0.0) * price.usd_per_point
    return option.usd + option.seconds * price.usd_per_second + lost


def _looked(option: Option, asked: float, price: QualityPrice) -> float:
    gap = max(option.gap, 0.0)
    sent_on = gap * CAUGHT + (1.0 - gap) * MISTAKEN
    own = option.usd + option.seconds * price.usd_per_second
    lost = gap * (1.0 - CAUGHT) * price.usd_per_point
    return own + lost + sent_on * asked
