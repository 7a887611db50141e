"""The book of teams: found by id and name, each name once, and nothing that cannot be one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shortstop.accounts import Accounts
from shortstop.accounts.teams import GroupChange, OrganisationRequest, TeamRequest
from shortstop.errors import Conflict, InvalidRequest, NotFound
from shortstop.ports.stores import AccountStore
from tests.accounts.test_teams import found
from tests.conftest import FakeClock


@pytest.fixture
def accounts(store: AccountStore, clock: FakeClock) -> Accounts:
    return Accounts(store, clock)


def test_teams_are_found_by_their_ids_and_names(accounts: Accounts, clock: FakeClock) -> None:
    acme, sales = found(accounts)
    clock.advance(1)
    rival = accounts.teams.add_organisation(OrganisationRequest(name="rival", budget_usd=1))
    theirs = accounts.teams.add_team(TeamRequest(name="sales", organisation=rival.id, budget_usd=1))
    book = accounts.teams
    assert book.organisation("acme") == book.organisation(acme.id) == acme
    assert book.team(sales.id) == book.team("acme/sales") == sales
    assert book.team("rival/sales") == theirs
    with pytest.raises(InvalidRequest, match="2 teams are called 'sales'"):
        book.team("sales")
    for name in ("none", "acme", acme.id, "acme/none", ""):
        with pytest.raises(NotFound):
            book.team(name)
    assert book.teams() == [sales, theirs]
    assert book.teams(rival.id) == [theirs]


@pytest.mark.parametrize(
    "said",
    [
        {"budget_usd": "0"}, {"budget_usd": "-1"}, {"budget_usd": "1000000"}, {"budget_usd": "1e3"},
        {"budget_usd": 0}, {"budget_usd": 1e6}, {"period": "year"}, {"zone": "Berlin"},
        {"zone": "../etc/passwd"}, {"name": ""}, {"name": "a/b"}, {"name": " a"}, {"name": "a\n"},
        {"name": "a\x1b[31m"}, {"name": "team_1"}, {"name": "x" * 101}, {"colour": "red"},
    ],
)  # fmt: skip
def test_what_cannot_be_a_team_is_refused(accounts: Accounts, said: dict[str, Any]) -> None:
    found(accounts)
    fields = {"name": "new", "organisation": "acme", "budget_usd": "5", **said}
    with pytest.raises((InvalidRequest, msgspec.ValidationError)):
        accounts.teams.add_team(msgspec.convert(fields, TeamRequest))
    assert len(accounts.teams.teams()) == 1


def test_a_name_is_one_teams_in_its_organisation(accounts: Accounts) -> None:
    _, sales = found(accounts)
    support = accounts.teams.add_team(
        TeamRequest(name="support", organisation="acme", budget_usd=1)
    )
    with pytest.raises(Conflict, match="team 'sales' exists"):
        accounts.teams.add_team(TeamRequest(name="sales", organisation="acme", budget_usd=1))
    with pytest.raises(Conflict):
        accounts.teams.change(support.id, GroupChange(name="sales"))
    with pytest.raises(Conflict, match="organisation 'acme' exists"):
        accounts.teams.add_organisation(OrganisationRequest(name="acme", budget_usd=1))
    assert accounts.teams.change(sales.id, GroupChange(name="Sales")).name == "Sales"
