"""`shortstop teams`: who shares which budget, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer
from msgspec import UNSET
from msgspec.structs import asdict

from shortstop.accounts.calendar import GroupPeriod, told
from shortstop.accounts.teams import (
    Group,
    GroupBalance,
    GroupChange,
    OrganisationRequest,
    Team,
    TeamRequest,
)
from shortstop.cli.desk import AnyAccounts, desk, dollars_in
from shortstop.cli.options import AsJson, ConfigFile, GatewayUrl
from shortstop.cli.output import Grid, Terminal, print_json, say
from shortstop.cli.team_report import team_report_command
from shortstop.errors import InvalidRequest

teams_app = typer.Typer(
    help="Budgets that keys share: a key may be in a team, a team is in an organisation. Takes"
    " effect within a second.",
    no_args_is_help=True,
)

teams_app.command("report")(team_report_command)

Name = Annotated[str, typer.Argument(help="What people call it, without a slash.")]
Named = Annotated[str, typer.Argument(help="NAME, ORGANISATION/TEAM, or the id.")]
Budget = Annotated[str, typer.Option(help="US dollars a period, such as 500 or 0.50.")]
PeriodOption = Annotated[
    GroupPeriod, typer.Option("--period", help="day, week (from Monday), month or total.")
]
Zone = Annotated[
    str, typer.Option("--zone", help="In whose time the period begins anew: Europe/Berlin.")
]


@teams_app.command("create-organisation")
def create_organisation_command(
    name: Name,
    budget: Budget,
    period: PeriodOption = "month",
    zone: Zone = "UTC",
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Create an organisation: all of its teams share its budget."""
    fields = {"name": name, "budget_usd": budget, "period": period, "zone": zone}
    wanted = _converted(fields, OrganisationRequest)
    with desk(config, gateway) as at:
        at.note(f"make organisation {name}", needed=True)
        made = at.accounts.teams.add_organisation(wanted)
        _show(at.accounts, made, as_json)


@teams_app.command("create")
def create_command(
    name: Name,
    organisation: Annotated[str, typer.Option("--organisation", "--org", help="Its name or id.")],
    budget: Budget,
    period: PeriodOption = "month",
    zone: Zone = "UTC",
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Create a team in an organisation: all of its keys share its budget."""
    fields = {"name": name, "budget_usd": budget, "period": period, "zone": zone}
    wanted = _converted({**fields, "organisation": organisation}, TeamRequest)
    with desk(config, gateway) as at:
        at.accounts.teams.load()
        above = at.accounts.teams.organisation(organisation)
        at.note(f"make team {name} in {above.id}", needed=True)
        made = at.accounts.teams.add_team(wanted)
        _show(at.accounts, made, as_json)


@teams_app.command("change")
def change_command(
    named: Named,
    name: Annotated[str | None, typer.Option("--name", help="Its name from now on.")] = None,
    budget: Annotated[str | None, typer.Option(help="US dollars a period.")] = None,
    period: Annotated[
        GroupPeriod | None, typer.Option("--period", help="day, week, month or total.")
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="An IANA time zone.")] = None,
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Change a team or an organisation. What was spent in this period goes on counting."""
    said = {"name": name, "budget_usd": budget, "period": period, "zone": zone}
    changes = {what: value for what, value in said.items() if value is not None}
    if not changes:
        raise InvalidRequest("Say what is to be changed: see `shortstop teams change --help`.")
    wanted = _converted(changes, GroupChange)
    with desk(config, gateway) as at:
        at.accounts.teams.load()
        group = at.accounts.teams.group(named)
        at.note(f"change {group.id}: {wanted.words()}", needed=True)
        _show(at.accounts, at.accounts.teams.change(group.id, wanted), as_json)


@teams_app.command("close")
def close_command(
    named: Named, gateway: GatewayUrl = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Close a team for good and revoke its keys, or an organisation whose teams are closed.

    Its rows and books stay; its name stays taken until `teams change --name` gives it another.
    """
    with desk(config, gateway) as at:
        at.accounts.teams.load()
        group = at.accounts.teams.group(named)
        at.note(f"close {group.id} and revoke its keys", needed=True)
        closed, revoked = at.accounts.close_group(group.id)
        name = at.accounts.teams.full_name(closed)
    if as_json:
        print_json({"kind": closed.kind, **asdict(closed), "revoked": [k.id for k in revoked]})
        return
    say(f"Closed the {closed.kind} {name} ({closed.id}); {len(revoked)} keys were revoked.")


@teams_app.command("list")
def list_command(
    gateway: GatewayUrl = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Show organisations and teams, what each has spent in its period and has left."""
    with desk(config, gateway) as at:
        teams = at.accounts.teams
        teams.load()
        groups: list[Group] = []
        for organisation in teams.organisations():
            groups += [organisation, *teams.teams(organisation.id)]
        groups += [
            team for team in teams.teams() if team not in groups
        ]  # a lead sees the team alone
        rows = [(group, at.accounts.group_balance(group)) for group in groups]
        names = {group.id: teams.full_name(group) for group in groups}
        keys = [key.team for key in at.accounts.keys.all() if key.revoked is None]
    if as_json:
        print_json([_plain(group, balance) for group, balance in rows])
        return
    if not rows:
        say("There are no teams: `shortstop teams create-organisation` makes the first.")
        return
    table = Grid("Teams")
    table.columns("id", "name", "budget", "spent", "set aside", "left", "begins anew", "keys")
    for group, balance in rows:
        table.row(
            group.id,
            f"{names[group.id]}{_closed(group)}",
            _budget(group),
            f"${balance.spent_usd:.4f}",
            f"${balance.held_usd:.4f}",
            f"${balance.left_usd:.4f}",
            _resets(group, balance),
            str(keys.count(group.id)) if isinstance(group, Team) else "",
        )
    Terminal().table(table)


@teams_app.command("show")
def show_command(
    named: Named, gateway: GatewayUrl = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Show one team or organisation, what it has spent in its period and has left."""
    with desk(config, gateway) as at:
        at.accounts.teams.load()
        _show(at.accounts, at.accounts.teams.group(named), as_json)


def _show(accounts: AnyAccounts, group: Group, as_json: bool) -> None:
    balance = accounts.group_balance(group)
    if as_json:
        print_json(_plain(group, balance))
        return
    name = accounts.teams.full_name(group)
    say(f"{group.kind.capitalize()} {name}{_closed(group)} ({group.id}): {_budget(group)}")
    say(
        f"spent ${balance.spent_usd:.4f}, set aside ${balance.held_usd:.4f},"
        f" left ${balance.left_usd:.4f}; begins anew: {_resets(group, balance)}"
    )


def _plain(group: Group, balance: GroupBalance) -> dict[str, Any]:
    return {"kind": group.kind, **asdict(group), **asdict(balance)}


def _closed(group: Group) -> str:
    return "" if group.closed is None else ", closed"


def _budget(group: Group) -> str:
    return f"${group.budget_usd} {'in all' if group.period == 'total' else f'a {group.period}'}"


def _resets(group: Group, balance: GroupBalance) -> str:
    return "never" if balance.resets is None else told(balance.resets, group.zone)


def _converted(fields: Mapping[str, Any], into: type[Any]) -> Any:
    """Raises InvalidRequest."""
    if fields.get("budget_usd", UNSET) is not UNSET:
        fields = {**fields, "budget_usd": f"{dollars_in(fields['budget_usd']):f}"}
    try:
        return msgspec.convert(fields, into)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"That cannot be: {error}.") from error
