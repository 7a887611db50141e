"""The purser of the pipeline: accounts' money at the books' prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from shortstop.accounts import Accounts, Grant
from shortstop.accounts.budgets import Budgets
from shortstop.accounts.teams import OrganisationRequest, TeamRequest
from shortstop.errors import QuotaExceeded, TeamBudgetExceeded, Unauthenticated
from shortstop.ports import Purser
from shortstop.ports.stores import AccountStore
from shortstop.types import UNMETERED, Admission, Caller, Request
from shortstop.types.batches import LinePlace
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


def _line(caller: Caller, number: int = 0) -> Caller:
    return replace(caller, line=LinePlace("batch_1", number))


async def test_lines_of_batches_have_a_budget_of_their_own(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    caller = accounts.identify(secret)
    purser = Budgets(accounts, lambda request, plan: Decimal("0.75"), lines=Decimal(2))
    admission = await accounts.admitted_request(_line(caller), request("a"))
    assert admission.line
    for name in "ab":
        await purser.reserve(request(name), PLAN, _line(caller))
    with pytest.raises(QuotaExceeded, match=r"batches of this key may cost \$2 a day"):
        await purser.reserve(request("c"), PLAN, _line(caller))
    await purser.reserve(request("d"), PLAN, caller)
    purser.settle(trace("a", key.id, Decimal("0.25"), tokens=10), admission)
    purser.settle(trace("d", key.id, Decimal("0.5"), tokens=10), UNMETERED)
    assert accounts.balance(key).spent == Decimal("0.5")
    await purser.reserve(request("e"), PLAN, _line(caller))
    for name in "be":
        purser.settle(trace(name, key.id, Decimal("0.75"), tokens=10), admission)
    with pytest.raises(QuotaExceeded):
        await purser.reserve(request("f"), PLAN, _line(caller))
    clock.advance(86_400)
    for name in "fg":
        await purser.reserve(request(name), PLAN, _line(caller))


async def test_a_team_pays_for_lines_too(store: AccountStore, clock: FakeClock) -> None:
    accounts = Accounts(store, clock)
    acme = accounts.teams.add_organisation(OrganisationRequest(name="acme", budget_usd=9))
    team = TeamRequest(name="sales", organisation=acme.id, budget_usd=1)
    secret, _ = accounts.create(Grant(name="a", team=accounts.teams.add_team(team).id))
    caller = accounts.identify(secret)
    purser = Budgets(accounts, lambda request, plan: Decimal("0.75"), lines=Decimal(5))
    await purser.reserve(request("a"), PLAN, _line(caller))
    with pytest.raises(TeamBudgetExceeded):
        await purser.reserve(request("b"), PLAN, _line(caller))
    purser.settle(trace("a", caller.key or "", Decimal("0.1"), tokens=1), Admission(line=True))
    await purser.reserve(request("b"), PLAN, _line(caller))


async def test_without_such_a_budget_the_keys_own_pays_for_lines(
    store: AccountStore, clock: FakeClock
) -> None:
    accounts = Accounts(store, clock)
    secret, key = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    caller = _line(accounts.identify(secret))
    purser = Budgets(accounts, lambda request, plan: Decimal("0.75"))
    await purser.reserve(request("a"), PLAN, caller)
    purser.settle(trace("a", key.id, Decimal("0.5"), tokens=1), Admission(line=True))
    assert accounts.balance(key).spent == Decimal("0.5")
