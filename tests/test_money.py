"""Money: integers lose nothing, and what must cover an amount is rounded up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shortstop.money import PICO, dollars, pico, pico_up

AMOUNTS = st.decimals(min_value=0, max_value=1_000_000, places=12)


@given(AMOUNTS)
def test_money_is_exact(amount: Decimal) -> None:
    assert dollars(pico(amount)) == amount
    assert pico_up(amount) == pico(amount)


@given(st.decimals(min_value=0, max_value=1_000, places=15))
def test_what_covers_an_amount_is_rounded_up_and_what_is_kept_to_the_nearest(
    amount: Decimal,
) -> None:
    assert 0 <= dollars(pico_up(amount)) - amount < PICO
    assert abs(dollars(pico(amount)) - amount) <= PICO / 2


@given(AMOUNTS, AMOUNTS)
def test_sums_of_integers_are_sums_of_money(one: Decimal, other: Decimal) -> None:
    assert dollars(pico(one) + pico(other)) == one + other
