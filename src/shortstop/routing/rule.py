"""One rule over all choices: answer here, try local then look, ask the frontier.

Each choice is worth minus what it is expected to cost: money, waiting, and lost quality at the
operator's price. The cheapest wins; what must not happen (contract, privacy) is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Price(NamedTuple):
    """The operator's trade-off."""

    usd_per_point: float
    usd_per_second: float


class Choice(NamedTuple):
    way: Way
    first: str
    cost: float


def choose(
    local: Sequence[Option], frontier: Sequence[Option], price: Price, *, may_skip_look: bool
) -> Choice:
    """The cheapest way over any number of targets. Needs at least one of each."""
    best_remote = min((_direct(r, price) for r in frontier), key=lambda c: c.cost)
    asked = min(frontier, key=lambda r: _direct(r, price).cost)
    choices = [best_remote]
    for option in local:
        choices.append(_looked(option, asked, price))
        if may_skip_look:
            direct = _direct(option, price)
            choices.append(Choice("answer-here", option.name, direct.cost))
    return min(choices, key=lambda c: c.cost)


def _direct(option: Option, price: Price) -> Choice:
    lost = max(option.gap, 0.0) * price.usd_per_point
    return Choice("ask-frontier", option.name, option.usd + _waiting(option, price) + lost)


def _looked(option: Option, asked: Option, price: Price) -> Choice:
    gap = max(option.gap, 0.0)
    sent_on = gap * CAUGHT + (1.0 - gap) * MISTAKEN
    own = option.usd + _waiting(option, price)
    lost = gap * (1.0 - CAUGHT) * price.usd_per_point
    further = sent_on * _direct(asked, price).cost
    return Choice("try-and-look", option.name, own + lost + further)


def _waiting(option: Option, price: Price) -> float:
    return option.seconds * price.usd_per_second
