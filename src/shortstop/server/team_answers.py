"""The JSON that tells of teams, organisations and their keys."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from shortstop.accounts import Accounts, Key
from shortstop.accounts.calendar import GroupPeriod
from shortstop.accounts.teams import Group, Organisation
from shortstop.server.answers import KeyBalance, KeyDetails


class GroupDetails(Struct, frozen=True, kw_only=True):
    """A team or an organisation; `organisation` is a team's, by id, and `full_name`
    ORGANISATION/NAME, by names. Its budget in US dollars: spent in
    this period, set aside for requests under way, and left. It begins anew at `resets`, by the
    clocks of `zone` (null: never). Times are Unix time in seconds."""

    kind: Literal["team", "organisation"]
    id: str
    name: str
    full_name: str
    organisation: str | None
    budget_usd: Decimal
    period: GroupPeriod
    zone: str
    created: float
    closed: float | None
    spent_usd: Decimal
    held_usd: Decimal
    left_usd: Decimal
    resets: float | None


class GroupList(Struct, frozen=True):
    data: list[GroupDetails]


def group_details(accounts: Accounts, group: Group) -> GroupDetails:
    """Raises StoreError."""
    return GroupDetails(
        kind=group.kind,
        organisation=None if isinstance(group, Organisation) else group.organisation,
        id=group.id,
        name=group.name,
        full_name=accounts.teams.full_name(group),
        budget_usd=group.budget_usd,
        period=group.period,
        zone=group.zone,
        created=group.created,
        closed=group.closed,
        **asdict(accounts.group_balance(group)),
    )


def key_details(accounts: Accounts, key: Key) -> KeyDetails:
    return KeyDetails(**asdict(key), replaced=accounts.keys.replaced(key.id))


def key_balance(accounts: Accounts, key: Key) -> KeyBalance:
    """Raises StoreError."""
    balance = accounts.balance(key)
    return KeyBalance(
        **asdict(key),
        replaced=accounts.keys.replaced(key.id),
        spent_usd=balance.spent,
        held_usd=balance.held,
    )
