"""The accounts of a running gateway, through its administration's routes: what commands otherwise
do to the accounts in a data folder. The gateway says who may what, and writes it down."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from shortstop.accounts import Grant, Key
from shortstop.accounts.keys import ReplacedSecret
from shortstop.accounts.purse import Balance
from shortstop.accounts.teambook import TeamBook
from shortstop.accounts.teams import (
    Group,
    GroupBalance,
    GroupChange,
    Organisation,
    OrganisationRequest,
    Team,
    TeamRequest,
)
from shortstop.cli.remote import call
from shortstop.errors import Forbidden
from shortstop.server.answers import CreatedKey, KeyBalance, KeyDetails, KeyList

T = TypeVar("T")
NO_TEAMS = "A team's lead sees and changes the keys of the own team alone."


class _GroupDocuments(Struct, frozen=True):
    data: list[Raw]


class _FullName(Struct, frozen=True):
    """`full_name` is not told by an earlier version."""

    full_name: str = ""


class _Reached:
    """One gateway, and what is shown to it. `leads`: a team's lead is signed in."""

    def __init__(self, url: str, token: str, *, leads: bool) -> None:
        self._url = url
        self._token = token
        self.leads = leads
        self.keys = "/admin/team/keys" if leads else "/admin/keys"

    def ask(self, method: str, path: str, into: type[T], document: object = None) -> T:
        """Raises the gateway's refusal, and ConfigError where there is no gateway."""
        body = None if document is None else msgspec.json.encode(document)
        return asyncio.run(call(self._url, method, path, into, body, self._token))


class GatewayKeys:
    """What commands need of `accounts.KeyBook`."""

    def __init__(self, reached: _Reached) -> None:
        self._reached = reached
        self._replaced: dict[str, list[ReplacedSecret]] = {}

    def all(self) -> list[Key]:
        found = self._reached.ask("GET", self._reached.keys, KeyList).data
        self._replaced = {one.id: list(one.replaced) for one in found}
        return [_key(one) for one in found]

    @property
    def any(self) -> bool:
        return self._reached.leads or bool(self.all())

    def replaced(self, id: str) -> list[ReplacedSecret]:
        return self._replaced.get(id, [])

    def note(self, made: KeyDetails) -> Key:
        """A key as the gateway has just told it."""
        self._replaced[made.id] = list(made.replaced)
        return _key(made)

    def revoke(self, id: str) -> Key:
        return self.note(self._reached.ask("DELETE", f"{self._reached.keys}/{id}", KeyDetails))


class GatewayTeams(TeamBook):
    """The teams of a gateway; it is changed there."""

    def __init__(self, reached: _Reached) -> None:
        super().__init__(self, time)  # type: ignore[arg-type]
        self._reached = reached
        self.balances: dict[str, GroupBalance] = {}
        self._full_names: dict[str, str] = {}

    def full_name(self, group: Group) -> str:
        """As the gateway says: a lead is not told of the organisation itself."""
        return self._full_names.get(group.id) or super().full_name(group)

    def groups(self) -> list[str]:
        """As a store has them: `load` reads them here."""
        if self._reached.leads:
            found = [self._reached.ask("GET", "/admin/team", Raw)]
        else:
            found = self._reached.ask("GET", "/admin/teams", _GroupDocuments).data
        for one in found:
            self._told(bytes(one))
        return [bytes(one).decode() for one in found]

    def add_organisation(self, wanted: OrganisationRequest) -> Organisation:
        made = self._changed("POST", "/admin/organisations", wanted)
        assert isinstance(made, Organisation)
        return made

    def add_team(self, wanted: TeamRequest) -> Team:
        made = self._changed("POST", "/admin/teams", wanted)
        assert isinstance(made, Team)
        return made

    def change(self, id: str, wanted: GroupChange) -> Group:
        return self._changed("PATCH", f"/admin/teams/{id}", wanted)

    def close(self, id: str) -> Group:
        return self._changed("DELETE", f"/admin/teams/{id}", None)

    def _changed(self, method: str, path: str, wanted: object) -> Group:
        if self._reached.leads:
            raise Forbidden(NO_TEAMS)
        changed = self._told(bytes(self._reached.ask(method, path, Raw, wanted)))
        self.load()
        return changed

    def _told(self, document: bytes) -> Group:
        group: Group = msgspec.json.decode(document, type=Group)
        self._full_names[group.id] = msgspec.json.decode(document, type=_FullName).full_name
        self.balances[group.id] = msgspec.json.decode(document, type=GroupBalance)
        return group


class GatewayAccounts:
    """What commands need of `accounts.Accounts`."""

    def __init__(self, url: str, token: str, *, leads: bool) -> None:
        self._reached = _Reached(url, token, leads=leads)
        self.keys, self.teams = GatewayKeys(self._reached), GatewayTeams(self._reached)

    def create(self, grant: Grant) -> tuple[str, Key]:
        fields = msgspec.structs.asdict(grant)
        usual = msgspec.structs.asdict(Grant(name=grant.name))
        said = {n: value for n, value in fields.items() if n == "name" or value != usual[n]}
        return self._made(self._reached.keys, said)

    def rotate(self, id: str, grace: float) -> tuple[str, Key]:
        return self._made(f"{self._reached.keys}/{id}/rotate", {"grace_seconds": grace})

    def move(self, id: str, team: str | None) -> Key:
        if self._reached.leads:
            raise Forbidden(NO_TEAMS)
        path = f"{self._reached.keys}/{id}"
        return self.keys.note(self._reached.ask("PATCH", path, KeyDetails, {"team": team}))

    def balance(self, key: Key) -> Balance:
        told = self._reached.ask("GET", f"{self._reached.keys}/{key.id}", KeyBalance)
        return Balance(told.spent_usd, told.held_usd, "")

    def group_balance(self, group: Group) -> GroupBalance:
        return self.teams.balances[group.id]

    def close_group(self, id: str) -> tuple[Group, list[Key]]:
        """The group, and its keys that are revoked by that."""
        mine = [key for key in self.keys.all() if key.team == id and key.revoked is None]
        return self.teams.close(id), mine

    def close(self) -> None:
        """Nothing is open."""

    def _made(self, path: str, document: dict[str, Any]) -> tuple[str, Key]:
        made = self._reached.ask("POST", path, CreatedKey, document)
        return made.secret, self.keys.note(made)


def _key(told: KeyDetails) -> Key:
    """Without what the answer says beside it."""
    fields = {name: getattr(told, name) for name in Key.__struct_fields__}
    budget = told.budget_usd
    return Key(**{**fields, "budget_usd": None if budget is None else Decimal(budget)})
