"""Money as whole pico-dollars (1e-12 US dollars): what databases keep and budgets count.

A list price per million tokens with up to six decimals is a whole number of them a token, so sums
of integers are exact where sums of floats are not.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

PICO = Decimal("1e-12")
"""One pico-dollar, in US dollars: the smallest amount that is kept."""

_PER_DOLLAR = 10**12


def pico(amount: Decimal) -> int:
    """US dollars -> the nearest whole number of pico-dollars."""
    return int((amount * _PER_DOLLAR).to_integral_value())


def pico_up(amount: Decimal) -> int:
    """US dollars -> whole pico-dollars, rounded up: the least that covers `amount`."""
    return int((amount * _PER_DOLLAR).to_integral_value(ROUND_CEILING))


def dollars(amount: int) -> Decimal:
    """Whole pico-dollars -> US dollars, exactly."""
    return Decimal(amount) / _PER_DOLLAR
