"""The purser of the pipeline: accounts' money at the books' prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shortstop.accounts import Accounts, Grant
from shortstop.accounts.budgets import Budgets
from shortstop.errors import QuotaExceeded, Unauthenticated
from shortstop.ports import Purser
from shortstop.ports.stores import AccountStore
from shortstop.types import UNMETERED, Admission, Request
from tests.accounts.test_accounts import PLAN, request, trace
from tests.conftest import FakeClock
from tests.coroutines import at_once


async def test_what_the_plan_can_cost_is_set_aside_and_settled(
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
    await purser.reserve(request("a"), PLAN, caller)
    assert plans == [PLAN]
    with pytest.raises(QuotaExceeded):
        await purser.reserve(request("b"), PLAN, caller)
    admission = at_once(accounts.admitted(caller, 60))
    assert isinstance(admission, Admission)
    purser.settle(trace("a", key.id, Decimal("0.25"), tokens=10), admission)
    assert accounts.balance(key).spent == Decimal("0.25")
    assert at_once(accounts.admitted(caller, 0)).headers["x-ratelimit-remaining-tokens"] == "90"


async def test_a_key_without_a_budget_is_asked_for_no_price(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    secret, key = accounts.create(Grant(name="a"))

    def never(request: Request, plan: tuple[str, ...]) -> Decimal | None:
        raise AssertionError("the price was asked for")

    purser = Budgets(accounts, never)
    await purser.reserve(request("a"), PLAN, accounts.identify(secret))
    await purser.require(request("a"), PLAN, accounts.identify(secret))
    purser.settle(trace("a", key.id, Decimal(1)), UNMETERED)


async def test_what_costs_nothing_needs_a_budget_for_the_shortest_answer(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    caller = accounts.identify(secret)

    def by_length(request: Request, plan: tuple[str, ...]) -> Decimal | None:
        return Decimal(request.sampling.max_tokens or 1000) / 10

    purser = Budgets(accounts, by_length)
    for _ in range(3):
        await purser.require(request("a"), PLAN, caller)
    assert accounts.balance(key).held == 0, "nothing is set aside"
    assert accounts.purse.hold("b", key, Decimal("0.95"))
    with pytest.raises(QuotaExceeded, match="does not cover"):
        await purser.require(request("a"), PLAN, caller)
    unknown = Budgets(accounts, lambda request, plan: None)
    with pytest.raises(QuotaExceeded) as raised:
        await unknown.require(request("a"), PLAN, caller)
    assert raised.value.code == "unknown_price"


def test_where_no_key_is_valid_any_longer_the_way_back_is_told(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    _, key = accounts.create(Grant(name="a"))
    with pytest.raises(Unauthenticated) as raised:
        accounts.identify(None)
    assert "Authorization" in raised.value.hint
    accounts.keys.revoke(key.id)
    with pytest.raises(Unauthenticated) as raised:
        accounts.identify(None)
    assert "shortstop keys create" in raised.value.hint
    assert 'auth = "off"' in raised.value.hint
