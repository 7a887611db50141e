"""When a machine pays for itself, against arithmetic done by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortstop.config import HardwareConfig
from shortstop.ledger.breakeven import LISTED, Flow, HostMachine, split, verdict

DAYS = 730 / 24
FREE = HardwareConfig(
    price_usd=0, upkeep_per_year=0, watts_idle=0, watts_busy=0, care_usd_per_month=500
)
BOX = HostMachine("a box for $500 a month", FREE)


@pytest.mark.parametrize(("price", "expected"), [(0.0005, 41_100), (0.002, 10_270), (0.01, 2_055)])
def test_a_box_for_500_dollars_at_80_percent_local(price: float, expected: int) -> None:
    """By hand: 500 / (30.4 days x 0.8 x price)."""
    bill = Decimal(str(1000 * DAYS * price))
    flow = split(Decimal(1000), bill, Decimal("0.8"), Decimal(1))
    found = verdict(
        Flow(flow.requests_per_day, bill, flow.avoided, flow.local_share, Decimal(0)), BOX
    )
    assert found.break_even is not None
    assert float(found.break_even) == pytest.approx(expected, rel=0.01)


def test_hard_requests_that_are_long_shrink_the_saving() -> None:
    """80 % local is 57 % of a bill where a request that stays costs three times as much."""
    shares = [
        float(split(Decimal(1), Decimal(1), Decimal("0.8"), Decimal(h)).avoided) for h in (1, 2, 3)
    ]
    assert shares == pytest.approx([0.8, 0.8 / 1.2, 0.8 / 1.4])


def test_people_are_paid_once_and_machines_as_often_as_it_takes() -> None:
    flow = Flow(
        Decimal(100_000), Decimal(30_000), Decimal(24_000), Decimal("0.8"), care=Decimal(1500)
    )
    cpu = verdict(flow, LISTED[0])
    assert (
        cpu.machines == 4
    )  # 80,000 answers of 300 tokens at 300 tokens/s and 30 % use: 25,920 each
    alone = verdict(Flow(Decimal(1000), Decimal(300), Decimal(240), Decimal("0.8")), LISTED[0])
    assert cpu.month == alone.month * 4 + 1500
    assert cpu.saved == flow.kept - cpu.month
    assert cpu.payback_months is not None
    assert 0 < cpu.payback_months < 2


def test_what_saves_nothing_never_pays() -> None:
    found = verdict(Flow(Decimal(10), Decimal(0), Decimal(0), Decimal(0)), BOX)
    assert (found.break_even, found.payback_months, found.saved_share) == (None, None, None)
    assert found.saved == -500


@given(
    requests=st.integers(1, 10**7),
    bill=st.integers(0, 10**6),
    local=st.decimals(0, 1, places=3),
    harder=st.decimals("0.1", 10, places=2),
)
def test_at_its_break_even_a_machine_saves_nothing(
    requests: int, bill: int, local: Decimal, harder: Decimal
) -> None:
    flow = split(Decimal(requests), Decimal(bill), local, harder)
    assert 0 <= flow.avoided <= flow.bill
    even = verdict(flow, BOX).break_even
    if even is not None:
        factor = even / requests
        there = Flow(even, flow.bill * factor, flow.avoided * factor, local)
        assert verdict(there, BOX).saved == pytest.approx(0, abs=1e-9)
    assert verdict(flow.at_price(Decimal("0.2")), BOX).saved <= verdict(flow, BOX).saved
