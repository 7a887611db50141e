"""Who has signed in, and what their groups make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from shortstop.config.sso import GroupRole, SsoConfig, SsoGroup
from shortstop.errors import Forbidden
from shortstop.types.console import ConsoleRole

LONGEST_NAME, LONGEST_SUBJECT = 100, 255
NAMES = ("email", "preferred_username", "upn", "name")
"""The claims by which people are called, the first that there is."""
RANK: Mapping[GroupRole, int] = {"team-lead": -1, "viewer": 0, "operator": 1, "admin": 2}


class Person(Struct, frozen=True, array_like=True):
    """Somebody whom the provider knows. `groups` are those that decide what they may do."""

    subject: str
    name: str
    groups: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """As whom what they do is written down: a name may change hands, a subject does not."""
        if self.name == self.subject:
            return f"sso {self.subject}"
        return f"{self.name} (sso {self.subject})"


class Rights(NamedTuple):
    """`console` is None where somebody leads a team and nothing else; `team` is the one that they
    lead, ORGANISATION/TEAM, whose keys have `team_tenant`."""

    console: ConsoleRole | None
    tenant: str
    team: str | None
    team_tenant: str

    @property
    def role(self) -> GroupRole:
        return self.console or "team-lead"


def person_in(claims: Mapping[str, Any], config: SsoConfig) -> Person:
    """Whose token it is. Raises Forbidden where none of their groups is one of ours, without
    saying which there are."""
    subject = _printable(claims["sub"], LONGEST_SUBJECT)
    told = (claims.get(name) for name in NAMES if _is_good(name, claims))
    name = next((_printable(one) for one in told if isinstance(one, str) and one.strip()), subject)
    groups = _vouched_groups(claims, config.groups_claim)
    person = Person(subject, name, _deciding(groups, config.groups))
    if not person.groups:
        raise _without_group(claims, config, len(groups))
    return person


def rights_of(person: Person, groups: Mapping[str, SsoGroup]) -> Rights | None:
    """What somebody may do by the groups as they are configured now; None: nothing any more."""
    mine = [groups[name] for name in person.groups if name in groups]
    best = _best(mine)
    lead = next((group for group in mine if group.role == "team-lead"), None)
    if best is None and lead is None:
        return None
    console: ConsoleRole | None = None
    if best is not None and best.role != "team-lead":
        console = best.role
    return Rights(
        console=console,
        tenant=best.tenant if best else "",
        team=lead.team if lead else None,
        team_tenant=lead.tenant if lead else "",
    )


def groups_in(claims: Mapping[str, Any], claim: str) -> list[str]:
    """The names in a claim that holds one, or a list of them: by its own name, else by a path."""
    value = _at(claims, claim)
    found = [value] if isinstance(value, str) else value
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _at(claims: Any, path: str) -> Any:
    """What stands at a path, whose names may hold dots themselves, as those of clients do."""
    if not isinstance(claims, dict):
        return None
    if (value := claims.get(path)) is not None:
        return value
    dots = (place for place, sign in enumerate(path) if sign == ".")
    found = (_at(claims.get(path[:dot]), path[dot + 1 :]) for dot in dots)
    return next((value for value in found if value is not None), None)


def _vouched_groups(claims: Mapping[str, Any], claim: str) -> list[str]:
    """Raises Forbidden where rights would hang on an address that anybody may have written."""
    if claim == "email" and claims.get("email_verified") not in (True, "true"):
        raise Forbidden(
            "The provider does not say that it has verified your address, on which your rights"
            " here depend.",
            hint="Have it verified there, or ask the operator for another `groups_claim`.",
            code="sso_no_group",
        )
    return groups_in(claims, claim)


def _deciding(mine: Sequence[str], groups: Mapping[str, SsoGroup]) -> tuple[str, ...]:
    """The group with the highest role, and the first by which a team is led."""
    known = {name: group for name, group in groups.items() if name in set(mine)}
    best = _best(list(known.values()))
    lead = next((group for group in known.values() if group.role == "team-lead"), None)
    return tuple(name for name, group in known.items() if group is best or group is lead)


def _best(groups: Sequence[SsoGroup]) -> SsoGroup | None:
    """The first of those with the highest role in the console."""
    inside = [group for group in groups if group.role != "team-lead"]
    return max(inside, key=lambda group: RANK[group.role], default=None)


def _without_group(claims: Mapping[str, Any], config: SsoConfig, count: int) -> Forbidden:
    """Names the one group that would let them in to the least, and no other."""
    claim = config.groups_claim
    least = min(config.groups, key=lambda name: abs(RANK[config.groups[name].role]), default="")
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, dict) and claim in elsewhere:  # Entra, from 200 groups on
        why = f"The provider leaves out the claim `{claim}`: your account is in too many groups."
        hint = "The operator can have it send only the groups that are assigned to this gateway."
    else:
        many = f"names {count} of your groups" if count else "names none of your groups"
        why = f"The provider {many} in the claim `{claim}`, and the group {least!r} is missing."
        hint = "Ask whoever administers the accounts for it, and sign in again."
    return Forbidden(why, hint=hint, code="sso_no_group")


def _is_good(name: str, claims: Mapping[str, Any]) -> bool:
    """An address that the provider says it has not verified is anybody's."""
    return name != "email" or claims.get("email_verified") not in (False, "false")


def _printable(text: str, longest: int = LONGEST_NAME) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text.strip())
    return shown[:longest] or "?"
