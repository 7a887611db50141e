"""What learning costs is somebody's, up to a bound, and never more than what was agreed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from shortstop.accounts import Accounts, Grant
from shortstop.accounts.learning import LearningBudgets
from shortstop.errors import QuotaExceeded
from shortstop.ports import Purser
from shortstop.ports.stores import AccountStore
from shortstop.types import UNMETERED, Caller
from tests.accounts.test_accounts import dollars, request, trace
from tests.conftest import FakeClock

BIG = ("big",)


@pytest.fixture
def accounts(store: AccountStore, clock: FakeClock) -> Accounts:
    return Accounts(store, clock)


async def test_the_key_whose_request_is_learned_from_pays(accounts: Accounts) -> None:
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    caller = accounts.identify(secret)
    purser: Purser = LearningBudgets(accounts, dollars("0.6"))
    await purser.reserve(request("r1-shadow"), BIG, caller)
    assert accounts.balance(key).held == Decimal("0.6")
    with pytest.raises(QuotaExceeded):
        await purser.reserve(request("r2-shadow"), BIG, caller)
    purser.settle(trace("r1-shadow", key.id, Decimal("0.25")), UNMETERED)
    assert (accounts.balance(key).spent, accounts.balance(key).held) == (Decimal("0.25"), 0)


async def test_without_a_budget_and_a_cap_nothing_is_asked(accounts: Accounts) -> None:
    secret, _ = accounts.create(Grant(name="a"))
    purser = LearningBudgets(accounts, dollars(None))
    for caller in (accounts.identify(secret), Caller()):
        await purser.reserve(request("r1-shadow"), BIG, caller)


async def test_the_operator_pays_for_each_tenant_up_to_the_cap_of_a_day(
    accounts: Accounts, clock: FakeClock
) -> None:
    secret, key = accounts.create(Grant(name="a", tenant="acme", budget_usd=Decimal(1)))
    purser = LearningBudgets(accounts, dollars("0.4"), "operator", Decimal("0.5"))
    acme, other = accounts.identify(secret), Caller("other")
    await purser.reserve(request("r1-shadow"), BIG, acme)
    with pytest.raises(QuotaExceeded, match=r"\$0.5 a day"):
        await purser.reserve(request("r2-shadow"), BIG, acme)
    await purser.reserve(request("r3-shadow"), BIG, other)
    assert accounts.balance(key).held == 0, "the key's own money is not touched"
    row = replace(trace("r1-shadow", key.id, Decimal("0.4")), tenant="acme")
    purser.settle(row, UNMETERED)
    clock.now += 86_400
    await purser.reserve(request("r4-shadow"), BIG, acme)


async def test_callers_without_a_budget_fall_to_the_operator_s_cap(accounts: Accounts) -> None:
    purser = LearningBudgets(accounts, dollars("0.4"), "key", Decimal("0.5"))
    await purser.reserve(request("r1-shadow"), BIG, Caller())
    with pytest.raises(QuotaExceeded):
        await purser.reserve(request("r2-shadow"), BIG, Caller())


async def test_what_has_no_price_is_not_asked_on_a_budget(accounts: Accounts) -> None:
    purser = LearningBudgets(accounts, dollars(None), "operator", Decimal(1))
    with pytest.raises(QuotaExceeded, match="price is unknown"):
        await purser.reserve(request("r1-shadow"), BIG, Caller())
