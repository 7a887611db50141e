"""The organisations and teams of one gateway: added, changed, looked up, and their windows."""

from __future__ import annotations

import logging

import msgspec
from msgspec.structs import replace

from shortstop.accounts.calendar import BudgetSpan, purse_window, span
from shortstop.accounts.teams import (
    AnyGroup,
    Group,
    GroupChange,
    Organisation,
    OrganisationRequest,
    Team,
    TeamRequest,
    require_open,
)
from shortstop.errors import Conflict, InvalidRequest, NotFound, StoreError, StoreUnavailable
from shortstop.money import pico
from shortstop.ports import Clock
from shortstop.ports.stores import AccountStore
from shortstop.types.accounts import BudgetLevel, ChangedGroup, PurseWindow

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(Group).decode
_LISTED = "`shortstop teams list` shows them."


class TeamBook:
    """Answers from memory; `load` reads what other processes have changed."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._groups: dict[str, Group] = {}
        self._spans: dict[str, tuple[Group, BudgetSpan]] = {}
        self._damaged = 0

    def load(self) -> None:
        """Raises StoreError."""
        groups: dict[str, Group] = {}
        damaged = 0
        for record in self._store.groups():
            try:
                group = _decode(record)
                groups[group.id] = group
            except (msgspec.DecodeError, UnicodeError):
                damaged += 1
        if damaged and damaged != self._damaged:
            log.error("%d teams or organisations are damaged: their keys are refused", damaged)
        self._damaged = damaged
        self._groups, self._spans = groups, {}

    # ------------------------------------------------------------ who there is

    def get(self, id: str) -> Group | None:
        return self._groups.get(id)

    def organisations(self) -> list[Organisation]:
        """Oldest first."""
        return self._all(Organisation)

    def teams(self, organisation: str | None = None) -> list[Team]:
        """Oldest first; of the organisation with this id, if it is given."""
        return [team for team in self._all(Team) if organisation in (None, team.organisation)]

    def organisation(self, named: str) -> Organisation:
        """By its id or its name. Raises NotFound."""
        found = [one for one in self.organisations() if named in (one.id, one.name)]
        return _only(found, "organisation", named)

    def team(self, named: str) -> Team:
        """By its id, its name, or `ORGANISATION/NAME`. Raises NotFound, also where several teams
        have the name."""
        return _only([t for t in self.teams() if named in (t.id, t.name, self.full_name(t))],
                     "team", named)  # fmt: skip

    def group(self, named: str) -> Group:
        """A team or an organisation by its id or name. Raises as `team` does."""
        known = self._groups.get(named)
        if known is not None:
            return known
        if any(one.name == named for one in self.organisations()):
            if any(team.name == named for team in self.teams()):
                raise InvalidRequest(
                    f"An organisation and a team are called {named!r}.", hint="Give the id."
                )
            return self.organisation(named)
        return self.team(named)

    def full_name(self, group: Group) -> str:
        """`ORGANISATION/NAME` of a team, the name of an organisation."""
        if isinstance(group, Organisation):
            return group.name
        above = self._groups.get(group.organisation)
        return f"{above.name if above else group.organisation}/{group.name}"

    def _all(self, kind: type[AnyGroup]) -> list[AnyGroup]:
        found = [group for group in self._groups.values() if isinstance(group, kind)]
        return sorted(found, key=lambda group: (group.created, group.id))

    # ------------------------------------------------------------ changes

    def add_organisation(self, wanted: OrganisationRequest) -> Organisation:
        """Raises InvalidRequest, Conflict where the name is taken, or StoreError."""
        self.load()
        made = wanted.group(self._clock.time())
        self._require_free(made)
        self._store.add_group(made.id, "", made.name, _encoded(made))
        self.load()
        return made

    def add_team(self, wanted: TeamRequest) -> Team:
        """Raises InvalidRequest, NotFound, Conflict or StoreError."""
        self.load()
        above = require_open(self.organisation(wanted.organisation))
        made = wanted.group(above, self._clock.time())
        self._require_free(made)
        self._store.add_group(made.id, made.organisation, made.name, _encoded(made))
        self.load()
        return made

    def change(self, id: str, wanted: GroupChange) -> Group:
        """What was spent in the period under way goes on counting; every process goes by the change
        within a second. Raises InvalidRequest, NotFound, Conflict or StoreError."""
        self.load()
        now = self._clock.time()

        def changed(record: str) -> ChangedGroup:
            group = _decode(record)
            new = wanted.of(group)
            self._require_free(new)
            before, after = (purse_window(_span(one, now), now) for one in (group, new))
            return ChangedGroup(new.name, _encoded(new), before, after)

        self._store.change_group(id, changed)
        self.load()
        return self.group(id)

    def close(self, id: str) -> Group:
        """For good: an organisation once its teams are closed. Its name stays taken, until it is
        given another one. Raises NotFound, Conflict or StoreError."""
        self.load()
        now = self._clock.time()
        left = [team.name for team in self.teams(id) if team.closed is None]
        if left:
            raise Conflict(
                f"{len(left)} teams of this organisation are open, {left[0]!r} among them.",
                hint="Close them first.",
            )

        def closed(record: str) -> ChangedGroup:
            group = _decode(record)
            window = purse_window(_span(group, now), now)
            new = replace(group, closed=now if group.closed is None else group.closed)
            return ChangedGroup(new.name, _encoded(new), window, window)

        self._store.change_group(id, closed)
        self.load()
        return self.group(id)

    def _require_free(self, group: Group) -> None:
        others = (one for one in self._groups.values() if one.id != group.id)
        if any(_place(one) == _place(group) for one in others):
            raise Conflict(f"The {group.kind} {group.name!r} exists already.")

    # ------------------------------------------------------------ budgets

    def levels(self, team: str) -> list[BudgetLevel]:
        """The budgets of a team and of its organisation. Raises StoreError where they are not
        known: then nothing may be spent."""
        groups: list[Group] = []
        found = self._groups.get(team)
        if isinstance(found, Team):
            above = self._groups.get(found.organisation)
            groups = [found] if above is None else [found, above]
        if len(groups) < 2:
            raise StoreUnavailable(
                "The budget of this key's team cannot be read now.", retry_after=1.0
            )
        return [self.level(group) for group in groups]

    def level(self, group: Group) -> BudgetLevel:
        """Raises StoreError where its time zone is not known on this machine."""
        now = self._clock.time()
        return BudgetLevel(group.id, pico(group.budget_usd), purse_window(self.span(group), now))

    def window(self, purse: str) -> PurseWindow | None:
        """A group's window now; None where there is no such group."""
        group = self._groups.get(purse)
        return None if group is None else self.level(group).window

    def span(self, group: Group) -> BudgetSpan:
        """The window of a group that contains this moment. Raises StoreError."""
        now = self._clock.time()
        known, found = self._spans.get(group.id, (None, None))
        if found is None or known is not group or not found.holds(now):
            found = _span(group, now)
            self._spans[group.id] = group, found
        return found


def _span(group: Group, now: float) -> BudgetSpan:
    try:
        return span(group.period, group.zone, now)
    except (ValueError, OSError) as error:
        raise StoreError(
            f"This machine does not know the time zone {group.zone!r}.",
            hint="Install its time zone database (tzdata).",
            status=503,
        ) from error


def _only(found: list[AnyGroup], kind: str, named: str) -> AnyGroup:
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidRequest(
            f"{len(found)} {kind}s are called {named!r}.", hint="Say ORGANISATION/TEAM, or its id."
        )
    raise NotFound(f"There is no {kind} {named!r}.", hint=_LISTED)


def _place(group: Group) -> tuple[str, str]:
    return (group.organisation if isinstance(group, Team) else "", group.name)


def _encoded(group: Group) -> str:
    return msgspec.json.encode(group).decode()
