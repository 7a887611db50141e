"""Organisations and teams: who shares a budget. A key may be in a team, a team is in an
organisation."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from shortstop.accounts.calendar import BudgetSpan, GroupPeriod, require_zone, told
from shortstop.accounts.keys import BUDGET_LIMIT, Budget, Name, require_amount
from shortstop.errors import (
    Conflict,
    InvalidRequest,
    OrganisationBudgetExceeded,
    QuotaExceeded,
    TeamBudgetExceeded,
)

GroupKind = Literal["team", "organisation"]
_ID_MARKS = ("team_", "org_", "key_")

_Budget = Annotated[Budget, Meta(description="US dollars a period, as decimal text or a number.")]
_Period = Annotated[GroupPeriod, Meta(description="What the budget is for; weeks begin on Monday.")]
_Zone = Annotated[
    str,
    Meta(
        max_length=100,
        description="The IANA time zone in which the period begins anew.",
        examples=["Europe/Berlin"],
    ),
]


class BudgetGroup(Struct, frozen=True, kw_only=True):
    """Who shares a budget: `budget_usd` US dollars a `period`, which begins anew in the time of
    `zone`. `created` and `closed` are Unix time in seconds; what is closed spends nothing more, and
    stays in the books."""

    id: str
    name: str
    budget_usd: Decimal
    created: float
    period: GroupPeriod = "month"
    zone: str = "UTC"
    closed: float | None = None


class Organisation(BudgetGroup, frozen=True, kw_only=True, tag_field="kind", tag="organisation"):
    """All of its teams share its budget."""

    @property
    def kind(self) -> GroupKind:
        return "organisation"


class Team(BudgetGroup, frozen=True, kw_only=True, tag_field="kind", tag="team"):
    """All of its keys share its budget; `organisation` is an id."""

    organisation: str

    @property
    def kind(self) -> GroupKind:
        return "team"


Group = Organisation | Team
AnyGroup = TypeVar("AnyGroup", bound=Organisation | Team)


class _GroupRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    budget_usd: _Budget
    period: _Period = "month"
    zone: _Zone = "UTC"

    def __post_init__(self) -> None:
        """Raises ValueError when the budget is a text and no amount."""
        require_amount(self.budget_usd)


class OrganisationRequest(_GroupRequest, frozen=True, kw_only=True):
    """An organisation to create."""

    def group(self, created: float) -> Organisation:
        """Raises InvalidRequest."""
        made = Organisation(
            id="org_" + secrets.token_hex(6),
            name=self.name,
            budget_usd=Decimal(str(self.budget_usd)),
            created=created,
            period=self.period,
            zone=self.zone,
        )
        return required(made)


class TeamRequest(_GroupRequest, frozen=True, kw_only=True):
    """A team to create."""

    organisation: Annotated[str, Meta(description="The organisation's id or name.")]

    def group(self, organisation: Organisation, created: float) -> Team:
        """Raises InvalidRequest."""
        made = Team(
            id="team_" + secrets.token_hex(6),
            organisation=organisation.id,
            name=self.name,
            budget_usd=Decimal(str(self.budget_usd)),
            created=created,
            period=self.period,
            zone=self.zone,
        )
        return required(made)


class GroupChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed of an organisation or a team. What was spent in the period under way
    goes on counting."""

    name: Name | UnsetType = UNSET
    budget_usd: _Budget | UnsetType = UNSET
    period: _Period | UnsetType = UNSET
    zone: _Zone | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raises ValueError when the budget is a text and no amount."""
        require_amount(None if self.budget_usd is UNSET else self.budget_usd)

    def words(self) -> str:
        """What is changed, for people."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return ", ".join(f"{name} {value}" for name, value in fields if value is not UNSET)

    def of(self, group: Group) -> Group:
        """Raises InvalidRequest, and Conflict for more than another name of what is closed."""
        if any(getattr(self, name) is not UNSET for name in ("budget_usd", "period", "zone")):
            require_open(group)
        changes = {
            name: Decimal(str(value)) if name == "budget_usd" else value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not UNSET
        }
        return required(replace(group, **changes))


def require_open(group: AnyGroup) -> AnyGroup:
    """Raises Conflict for a closed one."""
    if group.closed is not None:
        raise Conflict(
            f"The {group.kind} {group.name!r} is closed, for good.", hint="Make another one."
        )
    return group


def required(group: AnyGroup) -> AnyGroup:
    """The group, if it can be one. Raises InvalidRequest."""
    require_zone(group.zone)
    name = group.name
    if not name.isprintable() or "/" in name or name != name.strip():
        raise InvalidRequest(
            "A name has no slash, no line break, and no blank at its ends.", param="name"
        )
    if name.startswith(_ID_MARKS):
        raise InvalidRequest(f"{name!r} cannot be a name: it looks like an id.", param="name")
    if not (group.budget_usd.is_finite() and 0 < group.budget_usd < BUDGET_LIMIT):
        raise InvalidRequest(
            f"${group.budget_usd} is not a valid budget.",
            hint=f"Give US dollars above 0 and below {BUDGET_LIMIT:,}.",
            param="budget_usd",
        )
    return group


class GroupBalance(Struct, frozen=True):
    """US dollars of all keys of a group: spent in this window, set aside for requests under way,
    and left. `resets` is when it begins anew, Unix time in seconds; None: never."""

    spent_usd: Decimal
    held_usd: Decimal
    left_usd: Decimal
    resets: float | None


def group_full(group: Group, window: BudgetSpan, amount: Decimal) -> QuotaExceeded:
    """Says which level is full and until when, and nothing of what others have spent there."""
    error = TeamBudgetExceeded if isinstance(group, Team) else OrganisationBudgetExceeded
    ends = "It is not for a period: it does not begin anew."
    if window.end is not None:
        ends = f"It begins anew at {told(window.end, group.zone)} ({group.zone})."
    return error(
        f"The budget of this key's {group.kind} {group.name!r} does not cover this request, which"
        f" may cost ${amount:.6f}. {ends}",
        hint="Lower max_tokens, or ask who administers the budget.",
    )
