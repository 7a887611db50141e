"""`shortstop keys`: make, list, rotate, move and revoke the API keys of this machine's gateway."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from shortstop.accounts import Grant, Key, Period
from shortstop.cli.desk import AnyAccounts, desk, dollars_in
from shortstop.cli.key_options import (
    Budget,
    ConsoleOption,
    Expires,
    KeyArgument,
    PeriodOption,
    Role,
    Rpm,
    Service,
    Targets,
    TeamOption,
    Tenant,
    Tpm,
)
from shortstop.cli.options import AsJson, ConfigFile, GatewayUrl
from shortstop.cli.output import Grid, Part, Terminal, print_json, say
from shortstop.console.durations import seconds_in
from shortstop.errors import InvalidRequest

keys_app = typer.Typer(
    help="Who may use the gateway, how often, and for how much money. Takes effect at once.",
    no_args_is_help=True,
)

FROM_NOW_ON = (
    "It is the first: from now on the gateway asks everybody for a key, also once this one is"
    " revoked, unless `auth` under [server] says otherwise."
)
STILL_ASKS = (
    "The gateway goes on asking everybody for one, unless `auth` under [server] says otherwise."
)

NO_KEYS = (
    "There are no keys: whoever can reach the gateway may use it, unless `auth` under [server] says"
    " otherwise. `shortstop keys create NAME` makes the first."
)


@keys_app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What people call it: a person, team or program.")],
    tenant: Tenant = "default",
    team: TeamOption = None,
    service: Service = False,
    role: Role = "user",
    console: ConsoleOption = None,
    target: Targets = [],  # noqa: B006 - typer copies it
    rpm: Rpm = None,
    tpm: Tpm = None,
    budget: Budget = None,
    period: PeriodOption = "month",
    run_usd: Annotated[float | None, typer.Option(help="US dollars of one agent's run.")] = None,
    run_steps: Annotated[int | None, typer.Option(min=1, help="Steps of one run.")] = None,
    run_time: Annotated[str | None, typer.Option(help="Time of one run: 90s, 30m, 12h.")] = None,
    expires: Expires = None,
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Create a key. Its secret is shown once and stored nowhere.

    From the first key on the gateway requires one of everybody.
    """
    fields = {
        "name": name,
        "tenant": tenant,
        "team": team,
        "service": service,
        "role": role,
        "console": console,
        "targets": target,
        "rpm": rpm,
        "tpm": tpm,
        "budget_usd": None if budget is None else dollars_in(budget),
        "period": period,
        "run_usd": run_usd,
        "run_steps": run_steps,
        "run_seconds": _seconds(run_time),
        "expires": _expiry(expires),
    }
    try:
        grant = msgspec.convert(fields, Grant)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"No key can be created from this: {error}.") from error
    with desk(config, gateway) as at:
        first = not at.accounts.keys.any
        whose = ""
        if team is not None:
            at.accounts.teams.load()
            whose = f" in the team {at.accounts.teams.team(team).id}"
        at.note(f"make key {name}{whose}", needed=team is not None)
        secret, key = at.accounts.create(grant)
    if as_json:
        print_json({"secret": secret, **_plain(key)})
        return
    say(secret)
    say(f"Key {key.id} for {key.name!r}. This is the only time that the secret is shown.", err=True)
    if first:
        say(FROM_NOW_ON, err=True)


@keys_app.command("list")
def list_command(
    team: Annotated[str | None, typer.Option("--team", help="Only this team's.")] = None,
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show all keys, what they may do and what they have spent in this period."""
    with desk(config, gateway) as at:
        accounts = at.accounts
        accounts.teams.load()
        id = accounts.teams.team(team).id if team is not None else None
        keys = [key for key in accounts.keys.all() if team is None or key.team == id]
        rows = [(key, accounts.balance(key)) for key in keys]
        teams = {one.id: accounts.teams.full_name(one) for one in accounts.teams.teams()}
        old = {key.id: _replaced(accounts, key) for key in keys}
    if as_json:
        print_json(
            [
                {**_plain(key), "spent_usd": balance.spent, "replaced": old[key.id]}
                for key, balance in rows
            ]
        )
        return
    if not rows:
        say(NO_KEYS if team is None else f"No key is in the team {team}.")
        return
    table = Grid("Keys")
    named = ["team"] if any(key.team is not None for key, _ in rows) else []
    table.columns(
        "id", "name", "secret", "tenant", *named, "role", "may use", "limits", "spent", "state"
    )
    for key, balance in rows:
        table.row(
            key.id,
            key.name,
            f"…{key.tail}",
            key.tenant,
            *[teams.get(key.team or "", key.team or "") for _ in named],
            f"{key.role}, service" if key.service else key.role,
            ", ".join(key.targets) or "all",
            _limits(key),
            f"${balance.spent:.4f}" if key.budget_usd is not None else "",
            _state(key, old[key.id]),
        )
    Terminal().table(table)


@keys_app.command("rotate")
def rotate_command(
    key: KeyArgument,
    grace: Annotated[
        str | None, typer.Option(help="How long the old secret stays good: 30m, 24h, 7d.")
    ] = None,
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret, shown once. Name, limits and what was spent stay."""
    seconds = _seconds(grace) or 0.0
    with desk(config, gateway) as at:
        found = at.active(key)
        lasts = f", the old secret good for {grace}" if grace else ""
        at.note(f"rotate key {found.id}{lasts}", needed=found.team is not None)
        secret, rotated = at.accounts.rotate(found.id, seconds)
        replaced = _replaced(at.accounts, rotated)
    if as_json:
        print_json({"secret": secret, **_plain(rotated), "replaced": replaced})
        return
    say(secret)
    old = f"until {_date(time.time() + seconds)}" if seconds else "no longer"
    say(f"Key {rotated.id} for {rotated.name!r}. Its old secret is good {old}.", err=True)


@keys_app.command("move")
def move_command(
    key: KeyArgument,
    team: TeamOption = None,
    out: Annotated[bool, typer.Option("--out", help="Take it out of its team.")] = False,
    gateway: GatewayUrl = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a key into a team, or take it out. What it has begun counts where it began."""
    if (team is None) != out:
        raise InvalidRequest("Say `--team TEAM`, or `--out` to take it out of its team.")
    with desk(config, gateway) as at:
        found = at.active(key)
        at.accounts.teams.load()
        to = at.accounts.teams.team(team).id if team is not None else None
        at.note(f"move key {found.id} {f'to the team {to}' if to else 'out'}", needed=True)
        moved = at.accounts.move(found.id, to)
    if as_json:
        print_json(_plain(moved))
        return
    say(f"Moved {moved.id} {f'to {team}' if team else 'out of its team'}.")


@keys_app.command("revoke")
def revoke_command(
    key: KeyArgument, gateway: GatewayUrl = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Revoke a key for good. Running gateways refuse it within a second."""
    with desk(config, gateway) as at:
        found = at.active(key)
        at.note(f"revoke key {found.id}", needed=False)
        revoked = at.accounts.keys.revoke(found.id)
        last = not any(key.active(time.time()) for key in at.accounts.keys.all())
    if as_json:
        print_json(_plain(revoked))
        return
    say(f"Revoked {revoked.id}.")
    if last:
        say(f"No key is valid now. {STILL_ASKS}", err=True)


def _plain(key: Key) -> dict[str, object]:
    return msgspec.structs.asdict(key)


def _limits(key: Key) -> str:
    limits = [
        f"{limit:,} {unit}/min"
        for limit, unit in ((key.rpm, "requests"), (key.tpm, "tokens"))
        if limit is not None
    ]
    if key.budget_usd is not None:
        limits.append(f"${key.budget_usd} {_every(key.period)}")
    runs = (
        (key.run_usd, f"${key.run_usd}"),
        (key.run_steps, f"{key.run_steps} steps"),
        (key.run_seconds, f"{key.run_seconds} s"),
    )
    limits += [f"{limit} a run" for given, limit in runs if given is not None]
    return ", ".join(limits) or "none"


def _every(period: Period) -> str:
    return "in all" if period == "total" else f"a {period}"


def _state(key: Key, replaced: list[dict[str, Any]]) -> Part:
    if key.revoked is not None:
        return "revoked", "red"
    old = "".join(f"; …{one['tail']} until {_date(one['until'])}" for one in replaced)
    if key.expires is None:
        return f"active{old}", "green"
    until = f"until {_date(key.expires)}{old}"
    return until if key.active(time.time()) else ("expired", "red")


def _date(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):  # kept by an earlier version
        return "a time without a date"


def _replaced(accounts: AnyAccounts, key: Key) -> list[dict[str, Any]]:
    """The old secrets that are still good: their ends, and until when."""
    return [msgspec.structs.asdict(one) for one in accounts.keys.replaced(key.id)]


def _expiry(text: str | None) -> float | None:
    """When a key that lasts so long expires, as Unix time in seconds."""
    seconds = _seconds(text)
    return None if seconds is None else time.time() + seconds


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = seconds_in(text)
    if seconds is None:
        raise InvalidRequest(f"{text!r} is not a length of time, such as 30m, 12h, 30d or 8w.")
    return seconds
