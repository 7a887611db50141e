"""Organisations and teams: what a request needs room in, what a refusal says, and what moves."""

from __future__ import annotations

import sqlite3
from contextlib import closing, nullcontext
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortstop.accounts import Accounts, Grant, Key
from shortstop.accounts.keys import LONGEST_HOLD
from shortstop.accounts.learning import LearningBudgets
from shortstop.accounts.teams import (
    GroupChange,
    Organisation,
    OrganisationRequest,
    Team,
    TeamRequest,
)
from shortstop.errors import (
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    StoreError,
    Unauthenticated,
)
from shortstop.ports.stores import AccountStore
from shortstop.types import UNMETERED, Caller
from tests.accounts.conftest import opened
from tests.accounts.test_accounts import dollars, request, trace
from tests.conftest import FakeClock
from tests.coroutines import at_once

PLAN = ("big",)


@pytest.fixture
def accounts(store: AccountStore, clock: FakeClock) -> Accounts:
    return Accounts(store, clock)


def found(
    accounts: Accounts, org: str = "100", team: str = "50", **said: Any
) -> tuple[Organisation, Team]:
    """The organisation `acme` with its team `sales`."""
    above = accounts.teams.add_organisation(
        OrganisationRequest(name="acme", budget_usd=org, **said)
    )
    wanted = TeamRequest(name="sales", organisation="acme", budget_usd=team, **said)
    return above, accounts.teams.add_team(wanted)


def member(accounts: Accounts, team: str = "sales", **said: Any) -> tuple[Key, Caller]:
    secret, key = accounts.create(Grant(name="anna", team=team, **said))
    return key, accounts.identify(secret)


def spend(accounts: Accounts, id: str, caller: Caller, usd: str) -> None:
    at_once(accounts.reserved(request(id), PLAN, caller, dollars(usd)))
    assert caller.key is not None
    accounts.settle(trace(id, caller.key, Decimal(usd)))


def spent(accounts: Accounts, *groups: Organisation | Team) -> list[Decimal]:
    return [accounts.group_balance(group).spent_usd for group in groups]


# ---------------------------------------------------------------- who there is


def test_programs_and_leads_belong_to_a_team(accounts: Accounts) -> None:
    found(accounts)
    for said in ({"service": True}, {"role": "team-lead"}):
        with pytest.raises(InvalidRequest, match="belong to a team"):
            accounts.create(msgspec.convert({"name": "nightly", **said}, Grant))
        _, key = accounts.create(msgspec.convert({"name": "n", "team": "sales", **said}, Grant))
        with pytest.raises(InvalidRequest, match="belongs to a team"):
            accounts.move(key.id, None)
    with pytest.raises(NotFound):
        accounts.create(Grant(name="a", team="none"))


def test_a_lead_gives_feedback_as_a_user(accounts: Accounts) -> None:
    found(accounts)
    assert member(accounts, role="team-lead")[1].role == "user"


# ---------------------------------------------------------------- all must have room


@pytest.mark.parametrize(
    ("own", "team", "org", "says"),
    [
        ("1", "50", "100", "budget of this key, $1 a month"),
        (None, "1", "100", "budget of this key's team 'sales'"),
        ("9", "1", "100", "budget of this key's team 'sales'"),
        ("9", "50", "1", "budget of this key's organisation 'acme'"),
    ],
)
async def test_a_refusal_says_which_level_is_full(
    accounts: Accounts, own: str | None, team: str, org: str, says: str
) -> None:
    found(accounts, org, team)
    _, caller = member(accounts, budget_usd=None if own is None else Decimal(own))
    spend(accounts, "r1", caller, "0.6")
    with pytest.raises(QuotaExceeded) as refused:
        at_once(accounts.reserved(request("r2"), PLAN, caller, dollars("0.6")))
    assert says in refused.value.message
    with pytest.raises(QuotaExceeded) as refused:
        await accounts.require(request("r2"), PLAN, caller, dollars("0.6"))
    assert says in refused.value.message
    at_once(accounts.reserved(request("r3"), PLAN, caller, dollars("0.4")))


@pytest.mark.parametrize("full", ["key", "team", "organisation"])
async def test_what_costs_nothing_goes_on_where_a_budget_was_overdrawn_or_lowered(
    accounts: Accounts, full: str
) -> None:
    """A vendor may bill more than was set aside."""
    _, sales = found(accounts, "1" if full == "organisation" else "100")
    own = "1" if full == "key" else None
    _, caller = member(accounts, budget_usd=None if own is None else Decimal(own))
    spend(accounts, "r1", caller, "1")
    at_once(accounts.reserved(request("r2"), PLAN, caller, dollars("0")))
    accounts.settle(trace("r2", caller.key or "", Decimal("0.5")))
    if full == "team":
        accounts.teams.change(sales.id, GroupChange(budget_usd="0.01"))
    for amount, covered in (("0", True), ("0.000000000001", False)):
        with nullcontext() if covered else pytest.raises(QuotaExceeded):
            at_once(accounts.reserved(request(f"r{amount}"), PLAN, caller, dollars(amount)))
        with nullcontext() if covered else pytest.raises(QuotaExceeded):
            await accounts.require(request("r3"), PLAN, caller, dollars(amount))


def test_and_when_it_begins_anew_but_nothing_of_what_others_spent(
    accounts: Accounts, clock: FakeClock
) -> None:
    clock.now = datetime(2026, 11, 27, 12, tzinfo=ZoneInfo("UTC")).timestamp()
    _, sales = found(accounts, "7.77", "5.55", zone="Europe/Berlin")
    accounts.teams.add_team(TeamRequest(name="secret", organisation="acme", budget_usd="4"))
    _, other = member(accounts, "secret")
    _, mine = member(accounts)
    spend(accounts, "r1", other, "3.33")
    with pytest.raises(QuotaExceeded) as refused:
        at_once(accounts.reserved(request("r2"), PLAN, mine, dollars("5.5")))
    error = refused.value
    assert (error.status, error.type, error.code) == (
        429, "insufficient_quota", "organisation_budget_exceeded",
    )  # fmt: skip
    assert "2026-12-01T00:00:00+01:00 (Europe/Berlin)" in error.message
    assert "$5.500000" in error.message, "what this request may cost"
    for told in ("7.77", "3.33", "4.44", "secret", "5.55"):
        assert told not in str(error)
    accounts.teams.change(sales.id, GroupChange(budget_usd="0.01", period="total"))
    with pytest.raises(QuotaExceeded, match="does not begin anew") as refused:
        at_once(accounts.reserved(request("r2"), PLAN, mine, dollars("5.5")))
    assert refused.value.code == "team_budget_exceeded"


def test_a_team_counts_the_whole_of_its_keys(accounts: Accounts) -> None:
    acme, sales = found(accounts, "10", "5")
    _, one = member(accounts, budget_usd=Decimal(4))
    _, other = member(accounts)
    spend(accounts, "r1", one, "3.5")
    at_once(accounts.reserved(request("r2"), PLAN, other, dollars("1.5")))
    balance = accounts.group_balance(sales)
    assert (balance.spent_usd, balance.held_usd, balance.left_usd) == (
        Decimal("3.5"), Decimal("1.5"), Decimal(0),
    )  # fmt: skip
    assert accounts.group_balance(acme).left_usd == Decimal(5)
    with pytest.raises(QuotaExceeded):
        at_once(accounts.reserved(request("r3"), PLAN, one, dollars("0.1")))


def test_an_unknown_price_needs_a_key_without_a_team(accounts: Accounts) -> None:
    found(accounts)
    with pytest.raises(QuotaExceeded, match="price"):
        at_once(accounts.reserved(request(), PLAN, member(accounts)[1], dollars(None)))
    secret, _ = accounts.create(Grant(name="free"))
    at_once(accounts.reserved(request(), PLAN, accounts.identify(secret), dollars(None)))


async def test_learning_uses_the_teams_budget_too(accounts: Accounts) -> None:
    acme, sales = found(accounts, "10", "1")
    key, caller = member(accounts)
    purser = LearningBudgets(accounts, dollars("0.6"))
    await purser.reserve(request("r1-shadow"), PLAN, caller)
    with pytest.raises(QuotaExceeded, match="its team's budget"):
        await purser.reserve(request("r2-shadow"), PLAN, caller)
    purser.settle(trace("r1-shadow", key.id, Decimal("0.25")), UNMETERED)
    assert spent(accounts, acme, sales) == [Decimal("0.25")] * 2


async def test_learning_that_was_begun_in_a_team_counts_there(accounts: Accounts) -> None:
    acme, sales = found(accounts, "10", "1")
    secret, key = accounts.create(Grant(name="anna", team="sales"))
    purser = LearningBudgets(accounts, dollars("0.6"))
    await purser.reserve(request("r1-shadow"), PLAN, accounts.identify(secret))
    accounts.move(key.id, None)
    await purser.reserve(request("r2-shadow"), PLAN, accounts.identify(secret))
    for id in ("r1-shadow", "r2-shadow"):
        purser.settle(trace(id, key.id, Decimal("0.25")), UNMETERED)
    assert spent(accounts, acme, sales) == [Decimal("0.25")] * 2
    assert accounts.group_balance(sales).held_usd == 0


def test_what_nobody_knows_of_is_spent_by_nobody(
    accounts: Accounts, file: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A team that cannot be read has no budget that anybody could keep to."""
    found(accounts)
    _, caller = member(accounts)
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE budget_groups SET record = '{' WHERE parent <> ''")
        db.commit()
    clock.advance(1.1)
    with pytest.raises(StoreError, match="cannot be read"):
        at_once(accounts.reserved(request(), PLAN, caller, dollars("0.1")))
    assert caplog.text.count("1 teams or organisations are damaged") == 1


# ---------------------------------------------------------------- moving


def test_what_was_begun_in_a_team_counts_there(accounts: Accounts, clock: FakeClock) -> None:
    acme, sales = found(accounts)
    support = accounts.teams.add_team(
        TeamRequest(name="support", organisation="acme", budget_usd=1)
    )
    secret, key = accounts.create(Grant(name="anna"))
    caller = accounts.identify(secret)
    for id, team, cost in (("r1", "sales", "0.1"), ("r2", "support", "0.2"), ("r3", None, "0.3")):
        at_once(accounts.reserved(request(id), PLAN, caller, dollars("0.5")))
        assert accounts.move(key.id, team).team == (team and accounts.teams.team(team).id)
        accounts.settle(trace(id, key.id, Decimal(cost)))
    assert spent(accounts, acme, sales, support) == [Decimal("0.5"), Decimal("0.2"), Decimal("0.3")]
    assert accounts.group_balance(acme).held_usd == 0
    clock.advance(LONGEST_HOLD)
    moved = accounts.keys.get(key.id)
    assert moved is not None
    assert not moved.owes(clock.time()), "no statement any more for a key without a budget"
    with pytest.raises(NotFound):
        accounts.move(key.id, "none")
    with pytest.raises(NotFound):
        accounts.move("key_none", "sales")


def test_another_process_goes_by_a_change_within_a_second(
    accounts: Accounts, file: Path, clock: FakeClock
) -> None:
    _, sales = found(accounts, "100", "1")
    _, caller = member(accounts)
    with closing(opened(file)) as store:
        Accounts(store, clock).teams.change(sales.id, GroupChange(budget_usd="5"))
        clock.advance(1.1)
        at_once(accounts.reserved(request("r1"), PLAN, caller, dollars("4")))


def test_an_earlier_version_refuses_keys_of_teams_and_knows_the_others(
    accounts: Accounts,
) -> None:
    """It knows no budget of a team, so it must not spend it. Records of other keys have not
    changed by a letter."""
    found(accounts)
    plain, _ = accounts.create(Grant(name="bob", budget_usd=Decimal(1))), member(accounts)
    accounts.rotate(plain[1].id)
    records = [msgspec.json.decode(row.record) for row in accounts._store.all_keys()]
    new = {"team", "service", "moved"}
    assert [set(record) & new for record in records if record["name"] == "bob"] == [set(), set()]
    assert [set(record) & new for record in records if record["name"] == "anna"] == [{"team"}]


def test_keys_without_teams_ask_for_no_team(accounts: Accounts, clock: FakeClock) -> None:
    secret, _ = accounts.create(Grant(name="a", budget_usd=Decimal(1)))
    asked: list[int] = []
    accounts.teams.load = lambda: asked.append(1)  # type: ignore[method-assign]
    for n in range(3):
        clock.advance(2)
        accounts.create(Grant(name="b"))
        spend(accounts, f"r{n}", accounts.identify(secret), "0.1")
    assert asked == []


# ---------------------------------------------------------------- resets


def test_a_month_begins_anew_in_the_teams_own_time(accounts: Accounts, clock: FakeClock) -> None:
    """In Berlin clocks go back on 25 October: the month has an hour more, and one reset."""
    berlin = ZoneInfo("Europe/Berlin")
    clock.now = datetime(2026, 10, 1, tzinfo=berlin).timestamp()
    acme, sales = found(accounts, "100", "1", zone="Europe/Berlin")
    end = accounts.group_balance(sales).resets
    assert end is not None
    assert end - clock.now == 31 * 86_400 + 3600
    _, caller = member(accounts)
    spend(accounts, "r0", caller, "0.9")
    for n in range(31 * 24 + 1):
        with pytest.raises(QuotaExceeded):
            at_once(accounts.reserved(request(f"r{n}"), PLAN, caller, dollars("0.2")))
        clock.advance(3600)
    spend(accounts, "r1", caller, "0.2")
    assert spent(accounts, acme, sales) == [Decimal("0.2")] * 2


def test_teams_of_one_organisation_may_live_elsewhere(accounts: Accounts, clock: FakeClock) -> None:
    clock.now = datetime(2026, 11, 27, 12, tzinfo=ZoneInfo("UTC")).timestamp()
    acme, _ = found(accounts)
    tokyo = accounts.teams.add_team(
        TeamRequest(
            name="tokyo", organisation="acme", budget_usd=1, period="day", zone="Asia/Tokyo"
        )
    )
    _, caller = member(accounts, "tokyo")
    spend(accounts, "r1", caller, "0.9")
    clock.advance(2.5 * 3600)
    assert spent(accounts, acme, tokyo) == [Decimal("0.9")] * 2
    clock.advance(3600)
    assert spent(accounts, acme, tokyo) == [Decimal("0.9"), 0]


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "Pacific/Kiritimati"}, {"zone": "Pacific/Pago_Pago"}, {"period": "day"},
        {"period": "week"}, {"period": "total"}, {"budget_usd": "1.5"}, {"name": "renamed"},
    ],
)  # fmt: skip
def test_a_change_makes_no_money(
    accounts: Accounts, file: Path, clock: FakeClock, change: dict[str, Any]
) -> None:
    """Also not for a process that still goes by what was before, and when it is changed back."""
    _, sales = found(accounts, "100", "1")
    _, caller = member(accounts)
    spend(accounts, "r1", caller, "0.9")
    with closing(opened(file)) as store:
        other = Accounts(store, clock)
        changed = accounts.teams.change(sales.id, GroupChange(**change))
        for one in (other, accounts, other):
            with pytest.raises(QuotaExceeded):
                at_once(one.reserved(request("r2"), PLAN, caller, dollars("0.7")))
    back = {name: getattr(sales, name) for name in change if name != "budget_usd"}
    changed = accounts.teams.change(changed.id, GroupChange(**back, budget_usd="1"))
    assert spent(accounts, changed) == [Decimal("0.9")]
    with pytest.raises(QuotaExceeded):
        at_once(accounts.reserved(request("r2"), PLAN, caller, dollars("0.7")))


# ---------------------------------------------------------------- whatever happens


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["hold", "settle", "release", "recover", "move", "change", "wait"]),
        st.decimals("0.000001", "0.6", places=6),
    ),
    max_size=30,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_no_interleaving_overshoots_a_level_or_loses_a_settlement(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, Decimal]]
) -> None:
    clock = FakeClock()
    with closing(opened(tmp_path_factory.mktemp("p") / "a.db")) as store:
        accounts = Accounts(store, clock)
        acme, sales = found(accounts, "2", "1")
        daily = accounts.teams.add_team(
            TeamRequest(name="daily", organisation="acme", budget_usd="1", period="day")
        )
        keys = [member(accounts, budget_usd=Decimal(1)) for _ in range(2)]
        keys.append(member(accounts, "daily"))
        paid: list[Decimal] = []
        amounts: dict[str, Decimal] = {}
        held: list[list[str]] = [[], [], []]
        days = 0
        for n, (who, act, amount) in enumerate(steps):
            key, caller = keys[who]
            if act == "hold":
                try:
                    at_once(
                        accounts.reserved(
                            request(f"r{n}"), PLAN, caller, lambda *_, most=amount: most
                        )
                    )
                except QuotaExceeded:
                    continue
                held[who].append(f"r{n}")
                amounts[f"r{n}"] = amount
            elif act in ("settle", "release") and held[who]:
                id = held[who].pop()
                cost = min(amount, amounts[id]) if act == "settle" else Decimal(0)
                accounts.settle(trace(id, key.id, cost))
                paid.append(cost)
            elif act == "recover":
                accounts.purse.recover()
            elif act == "move":
                accounts.move(key.id, ["sales", "daily"][n % 2])
            elif act == "change":
                period = ["day", "week", "month", "total"][n % 4]
                daily = accounts.teams.change(daily.id, GroupChange(period=period))  # type: ignore[arg-type]
            elif act == "wait" and days < 9:  # all of them in this month
                days += 1
                clock.advance(86_400)
                left = [id for ids in held for id in ids]
                assert accounts.purse.recover() == len(left), "nobody works for that long"
                paid += [amounts[id] for id in left]
                held = [[], [], []]
            for group in (acme, sales, daily):
                balance = accounts.group_balance(group)
                assert balance.spent_usd + balance.held_usd <= group.budget_usd
            assert accounts.group_balance(acme).spent_usd == sum(paid)


def test_a_key_that_came_late_is_refused_with_its_closed_team(accounts: Accounts) -> None:
    """Made by another process while the team was being closed."""
    _, team = found(accounts)
    secret, key = accounts.create(Grant(name="anna", team="sales"))
    assert accounts.identify(secret).key == key.id
    accounts.teams.close(team.id)
    with pytest.raises(Unauthenticated, match="'sales' of this API key is closed"):
        accounts.identify(secret)
    closed, revoked = accounts.close_group(team.id)
    assert (closed.closed, [one.id for one in revoked]) == (accounts.now, [key.id])
    balance = accounts.group_balance(closed)
    assert balance.left_usd == team.budget_usd, "its books stay"
