"""The purser of the pipeline: accounts' money at the books' prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shortstop.accounts import Accounts, Grant
from shortstop.accounts.budgets import Budgets
from shortstop.errors import QuotaExceeded
from shortstop.ports import Purser
from shortstop.ports.stores import AccountStore
from shortstop.types import UNMETERED, Admission, Request
from tests.accounts.test_accounts import PLAN, request, trace
from tests.conftest import FakeClock


def test_what_the_plan_can_cost_is_set_aside_and_settled(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1), tpm=100))
    caller = accounts.identify(secret)
    plans: list[tuple[str, ...]] = []

    def at_most(request: Request, plan: tuple[str, ...]) -> Decimal | None:
        plans.append(plan)
        return Decimal("0.75")

    purser: Purser = Budgets(accounts, at_most)
    purser.reserve(request("a"), PLAN, caller)
    assert plans == [PLAN]
    with pytest.raises(QuotaExceeded):
        purser.reserve(request("b"), PLAN, caller)
    admission = accounts.admit(caller, 60)
    assert isinstance(admission, Admission)
    purser.settle(trace("a", key.id, Decimal("0.25"), tokens=10), admission)
    assert accounts.balance(key).spent == Decimal("0.25")
    assert accounts.admit(caller, 0).headers["x-ratelimit-remaining-tokens"] == "90"


def test_a_key_without_a_budget_is_asked_for_no_price(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    secret, key = accounts.create(Grant(name="a"))

    def never(request: Request, plan: tuple[str, ...]) -> Decimal | None:
        raise AssertionError("the price was asked for")

    purser = Budgets(accounts, never)
    purser.reserve(request("a"), PLAN, accounts.identify(secret))
    purser.settle(trace("a", key.id, Decimal(1)), UNMETERED)
