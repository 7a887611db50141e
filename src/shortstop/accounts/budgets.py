"""Keys' money with the prices of the books."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shortstop.accounts.accounts import Accounts, AtMost, known
from shortstop.accounts.purse import Cap
from shortstop.errors import QuotaExceeded
from shortstop.types import Admission, Caller, Request, Trace


@dataclass(frozen=True, slots=True)
class Budgets:
    """Implements ports.Purser: the accounts' purses, with what `at_most` says a plan can cost.

    `lines` is the daily budget of each key's batches, US dollars; None: the key's own pays.
    """

    accounts: Accounts
    at_most: AtMost
    lines: Decimal | None = None

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        payer = None if caller.line is None else self._of_lines(caller.key)
        if payer is None:
            await self.accounts.reserved(request, plan, caller, self.at_most)
            return
        amount = known(self.at_most(request, plan))
        full = await self.accounts.held(request, payer, amount, caller)
        if full is not None:
            raise self.accounts.shared_full(full, amount) or _lines_full(payer, amount)

    async def require(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        await self.accounts.require(request, plan, caller, self.at_most)

    def settle(self, trace: Trace, admission: Admission) -> None:
        payer = self._of_lines(trace.key) if admission.line else None
        if payer is not None:
            self.accounts.pay(trace, payer)
        self.accounts.settle(trace, admission)

    def _of_lines(self, id: str | None) -> Cap | None:
        """None where there is no such budget: also where nobody needs a key."""
        if id is None or self.lines is None:
            return None
        key = self.accounts.keys.get(id)
        return None if key is None else Cap(f"batches:{key.id}", self.lines, team=key.team)


def _lines_full(payer: Cap, amount: Decimal) -> QuotaExceeded:
    return QuotaExceeded(
        f"The batches of this key may cost ${payer.budget_usd} a day, which does not cover this"
        f" line: it may cost ${amount:.6f}.",
        hint="Send the rest tomorrow, or raise `usd_per_day` under [batches].",
    )
