"""`shortstop keys`: make, list and revoke the API keys of this machine's gateway."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shortstop.accounts import Accounts, Grant, Key, Period
from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import Grid, Part, Terminal, print_json, say
from shortstop.config import load
from shortstop.console.durations import seconds_in
from shortstop.errors import InvalidRequest, NotFound
from shortstop.stores import open_stores

keys_app = typer.Typer(
    help="Who may use the gateway, how often, and for how much money. Takes effect at once.",
    no_args_is_help=True,
)

Tenant = Annotated[str, typer.Option(help="Whose policy and costs its requests count towards.")]
Role = Annotated[str, typer.Option(help="As whom its feedback counts: user, reviewer or judge.")]
ConsoleOption = Annotated[
    str | None,
    typer.Option("--console", help="What it may do in the console: viewer, operator or admin."),
]
Targets = Annotated[
    list[str], typer.Option("--target", help="A model it may use; repeat. Default: all.")
]
Rpm = Annotated[int | None, typer.Option(min=1, help="Requests a minute.")]
Tpm = Annotated[int | None, typer.Option(min=1, help="Tokens a minute, prompt and answer.")]
Budget = Annotated[str | None, typer.Option(help="US dollars a period, such as 25 or 0.50.")]
PeriodOption = Annotated[Period, typer.Option("--period", help="day, month or total; UTC.")]
Expires = Annotated[str | None, typer.Option(help="After how long it expires: 30m, 12h, 30d, 8w.")]


FROM_NOW_ON = (
    "It is the first: from now on the gateway asks everybody for a key, also once this one is"
    " revoked, unless `auth` under [server] says otherwise."
)
STILL_ASKS = (
    "The gateway goes on asking everybody for one, unless `auth` under [server] says otherwise."
)


@contextmanager
def opened(config: Path | None) -> Iterator[Accounts]:
    """The accounts of the gateway that `config` describes, closed with the block."""
    settings = load(config, os.environ)
    paths = data_paths(settings, os.environ)
    accounts = Accounts(open_stores(paths).accounts(), time)
    try:
        yield accounts
    finally:
        accounts.close()


@keys_app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What people call it: a person, team or program.")],
    tenant: Tenant = "default",
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
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Create a key. Its secret is shown once and stored nowhere; from the first key on, the
    gateway requires one of everybody."""
    fields = {
        "name": name,
        "tenant": tenant,
        "role": role,
        "console": console,
        "targets": target,
        "rpm": rpm,
        "tpm": tpm,
        "budget_usd": _dollars(budget),
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
    with opened(config) as accounts:
        first = not accounts.keys.any
        secret, key = accounts.create(grant)
    if as_json:
        print_json({"secret": secret, **_plain(key)})
        return
    say(secret)
    say(f"Key {key.id} for {key.name!r}. This is the only time that the secret is shown.", err=True)
    if first:
        say(FROM_NOW_ON, err=True)


@keys_app.command("list")
def list_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show all keys, what they may do and what they have spent in this period."""
    with opened(config) as accounts:
        rows = [(key, accounts.balance(key)) for key in accounts.keys.all()]
    if as_json:
        print_json([{**_plain(key), "spent_usd": balance.spent} for key, balance in rows])
        return
    if not rows:
        say("There are no keys: whoever can reach the gateway may use it.")
        return
    table = Grid("Keys")
    table.columns("id", "name", "secret", "tenant", "role", "may use", "limits", "spent", "state")
    for key, balance in rows:
        table.row(
            key.id,
            key.name,
            f"…{key.tail}",
            key.tenant,
            key.role,
            ", ".join(key.targets) or "all",
            _limits(key),
            f"${balance.spent:.4f}" if key.budget_usd is not None else "",
            _state(key),
        )
    Terminal().table(table)


@keys_app.command("revoke")
def revoke_command(
    key: Annotated[str, typer.Argument(help="Its id (key_...) or its name.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key for good. Running gateways refuse it within a second."""
    with opened(config) as accounts:
        active = [k for k in accounts.keys.all() if k.revoked is None]
        matching = [k for k in active if key in (k.id, k.name)]
        if len(matching) != 1:
            what = f"{len(matching)} keys are called" if matching else "No active key is called"
            raise NotFound(f"{what} {key!r}.", hint="`shortstop keys list` shows their ids.")
        revoked = accounts.keys.revoke(matching[0].id)
        last = not any(key.active(time.time()) for key in accounts.keys.all())
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


def _state(key: Key) -> Part:
    if key.revoked is not None:
        return "revoked", "red"
    if key.expires is None:
        return "active", "green"
    until = datetime.fromtimestamp(key.expires, UTC).strftime("%Y-%m-%d %H:%M")
    return f"until {until} UTC" if key.active(time.time()) else ("expired", "red")


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise InvalidRequest(
            f"{text!r} is not an amount of US dollars, such as 25 or 0.50."
        ) from None


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
