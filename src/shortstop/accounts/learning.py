"""Who pays for calls that are made only to learn: shadow runs, audits, judges."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from shortstop.accounts.accounts import Accounts, AtMost
from shortstop.accounts.purse import Allowance, Cap
from shortstop.errors import QuotaExceeded
from shortstop.types import Admission, Caller, Request, Trace


@dataclass(frozen=True, slots=True)
class LearningBudgets:
    """Implements ports.Purser for such calls, by the same rules as for requests.

    The budget of the key whose request is learned from pays, where `paid_by` says so and it has
    one; else the operator, for each tenant up to `cap` US dollars a day (None: without end).
    """

    accounts: Accounts
    at_most: AtMost
    paid_by: Literal["key", "operator"] = "key"
    cap: Decimal | None = None

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        """Raises QuotaExceeded."""
        payer = self._payer(caller.tenant, caller.key)
        if payer is None:
            return
        amount = self.at_most(request, plan)
        if amount is None or await self.accounts.purse.held(request.id, payer, amount) is not None:
            whose = "its team's budget"
            if payer.budget_usd is not None:
                whose = f"its budget, ${payer.budget_usd} a {payer.period}"
            raise QuotaExceeded(
                f"Learning from this tenant's traffic has used up {whose}, or its price is"
                " unknown.",
                hint="Raise the key's budget or `routing.learning_usd_per_day`.",
            )

    def settle(self, trace: Trace, admission: Admission) -> None:
        """Never raises."""
        payer = self._payer(trace.tenant, trace.key) or self._mover(trace.key)
        if payer is not None:
            self.accounts.pay(trace, payer)

    def _mover(self, key: str | None) -> Allowance | None:
        """The key, where it may have been in a team when the call began."""
        owner = self.accounts.keys.get(key) if self.paid_by == "key" and key is not None else None
        return owner if owner is not None and owner.owes(self.accounts.now) else None

    def _payer(self, tenant: str, key: str | None) -> Allowance | None:
        if self.paid_by == "key" and key is not None:
            owner = self.accounts.keys.get(key)
            if owner is not None and owner.budgeted:
                return owner
        return None if self.cap is None else Cap(f"learning:{tenant}", self.cap)


def judges_cap(usd: Decimal, night: float | None) -> Cap:
    """What the judge of the night that began then may cost; None: of a day's looks."""
    if night is None:
        return Cap("looks", usd)
    return Cap(f"night:{night:.0f}", usd, "total")


@dataclass(frozen=True, slots=True)
class NightBudget:
    """Implements ports.Purser for what one night asks: the operator pays `payer`'s amount in all,
    whoever's traffic is read. It lasts over restarts."""

    accounts: Accounts
    at_most: AtMost
    payer: Cap

    @property
    def spent(self) -> Decimal:
        """US dollars. Raises StoreError."""
        return self.accounts.purse.balance(self.payer).spent

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        """Raises QuotaExceeded."""
        amount = self.at_most(request, plan)
        if amount is None:
            raise QuotaExceeded(f"The price of {plan[0]} is not known: see `[prices]`.")
        if await self.accounts.purse.held(request.id, self.payer, amount) is not None:
            raise QuotaExceeded(f"This night's ${self.payer.budget_usd} are spent.")

    def settle(self, trace: Trace, admission: Admission) -> None:
        """Never raises."""
        self.accounts.pay(trace, self.payer)
