"""From how many requests a day a machine pays for itself: pure arithmetic, Decimal money.

All-LLM's bill is what every request costs at the frontier. What a local answer avoids is its share
of that bill, which is smaller than its share of requests where the hard ones are the long ones. Of
it a part is still spent on comparing: `audited` of the local answers are asked for again.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from msgspec import Struct
from msgspec.structs import replace

from shortstop.config import HardwareConfig
from shortstop.ledger.hardware import DAYS_PER_MONTH, MachineCost, exact

_ONE = Decimal(1)
_SECONDS_PER_DAY = 86_400


class HostMachine(Struct, frozen=True):
    """Something to buy or to rent. `tokens_per_second` is what it writes at full load; None: not
    known, or nothing is written token by token, as with label heads."""

    name: str
    hardware: HardwareConfig
    tokens_per_second: float | None = None

    @classmethod
    def configured(cls, hardware: HardwareConfig) -> HostMachine:
        return cls("this machine, as [hardware] says", hardware)


_ASSUMED = HardwareConfig(price_usd=4000, watts_idle=80, watts_busy=250, pue=1.2)
LISTED = (
    HostMachine("16-core CPU server, 1B model", _ASSUMED, 300.0),
    HostMachine(
        "workstation GPU, 8B model",
        replace(_ASSUMED, price_usd=8000, watts_idle=60, watts_busy=500),
        1500.0,
    ),
    HostMachine(
        "H100 slot bought, 8B model",
        replace(_ASSUMED, price_usd=40_000, watts_idle=150, watts_busy=1000),
        8000.0,
    ),
    HostMachine(
        "H100 rented at $2.50 an hour, 8B model",
        HardwareConfig(
            price_usd=0, upkeep_per_year=0, watts_idle=0, watts_busy=0, care_usd_per_month=1825
        ),
        8000.0,
    ),
)
"""Prices, watts and speeds are assumptions, written out in docs/backtest.md."""


class Flow(Struct, frozen=True):
    """A month of traffic: what all-LLM costs, and what the local answers avoid of it, before what
    is compared again. `care` is people's time, in US dollars a month, however many machines there
    are. `output_tokens` are those of a local answer that is written by a model."""

    requests_per_day: Decimal
    bill: Decimal
    avoided: Decimal
    local_share: Decimal
    audited: Decimal = Decimal("0.05")
    care: Decimal = Decimal(0)
    output_tokens: int = 300

    @property
    def kept(self) -> Decimal:
        """US dollars a month that are not spent, comparisons taken off."""
        return self.avoided * (_ONE - self.audited)

    @property
    def per_request(self) -> Decimal:
        """US dollars avoided a request, over all requests."""
        month = self.requests_per_day * DAYS_PER_MONTH
        return self.kept / month if month else Decimal(0)

    def at_price(self, factor: Decimal) -> Flow:
        """The same traffic where models cost so much of what they cost now."""
        return replace(self, bill=self.bill * factor, avoided=self.avoided * factor)


def split(requests_per_day: Decimal, bill: Decimal, local_share: Decimal, harder: Decimal) -> Flow:
    """Where so many of the requests go local, and one that does not costs `harder` times as much
    as one that does."""
    local, rest = local_share, (_ONE - local_share) * harder
    spend = local / (local + rest) if local + rest else Decimal(0)
    return Flow(requests_per_day, bill, bill * spend, local_share)


class MachineVerdict(Struct, frozen=True):
    """What a machine makes of a flow. Money in US dollars a month. `machines` is how many it takes;
    `break_even` the requests a day from which the first pays for itself, None: never;
    `payback_months` until what it cost to buy has come in again, None: never, 0: nothing to buy."""

    machine: str
    machines: int
    month: Decimal
    saved: Decimal
    saved_share: Decimal | None
    break_even: Decimal | None
    capacity: Decimal | None
    payback_months: Decimal | None


def verdict(flow: Flow, machine: HostMachine) -> MachineVerdict:
    """What is saved by answering on so many of these machines as it takes."""
    cost = MachineCost(machine.hardware)
    capacity = _capacity(flow, machine)
    count = _machines(flow, capacity)
    month = cost.usd_per_month * count + flow.care
    saved = flow.kept - month
    price = exact(machine.hardware.price_usd) * count
    income = flow.kept - cost.running_usd_per_month * count - flow.care
    return MachineVerdict(
        machine=machine.name,
        machines=count,
        month=month,
        saved=saved,
        saved_share=saved / flow.bill if flow.bill else None,
        break_even=cost.break_even(flow.per_request, flow.care),
        capacity=capacity,
        payback_months=price / income if income > 0 else None,
    )


def _capacity(flow: Flow, machine: HostMachine) -> Decimal | None:
    """Local answers a day at the utilisation that its cost was computed with."""
    if machine.tokens_per_second is None or not flow.output_tokens:
        return None
    tokens = exact(machine.tokens_per_second) * exact(machine.hardware.utilisation)
    return tokens * _SECONDS_PER_DAY / flow.output_tokens


def _machines(flow: Flow, capacity: Decimal | None) -> int:
    if capacity is None:
        return 1
    wanted = flow.requests_per_day * flow.local_share / capacity
    return max(1, int(wanted.to_integral_value(ROUND_CEILING)))
