"""Keys' money with the prices of the books."""

from __future__ import annotations

from dataclasses import dataclass

from shortstop.accounts.accounts import Accounts, AtMost
from shortstop.types import Admission, Caller, Request, Trace


@dataclass(frozen=True, slots=True)
class Budgets:
    """Implements ports.Purser: the accounts' purses, with what `at_most` says a plan can cost."""

    accounts: Accounts
    at_most: AtMost

    async def reserve(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        await self.accounts.reserved(request, plan, caller, self.at_most)

    async def require(self, request: Request, plan: tuple[str, ...], caller: Caller) -> None:
        await self.accounts.require(request, plan, caller, self.at_most)

    def settle(self, trace: Trace, admission: Admission) -> None:
        self.accounts.settle(trace, admission)
