"""`shortstop keys`: make, list and revoke the API keys of this machine's gateway."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from shortstop import registry
from shortstop.accounts import Accounts, Grant, Key, Period
from shortstop.cli.models import AsJson
from shortstop.cli.serve import ConfigFile
from shortstop.config import load
from shortstop.errors import InvalidRequest, NotFound
from shortstop.stores import Paths, open_stores

SPANS = {"h": 3600, "d": 86_400, "w": 604_800}

keys_app = typer.Typer(
    help="Who may use the gateway, how often, and for how much money. Takes effect at once.",
    no_args_is_help=True,
)

Tenant = Annotated[str, typer.Option(help="Whose policy and books its requests belong to.")]
Targets = Annotated[
    list[str], typer.Option("--target", help="A model it may use; repeat. Default: all.")
]
Rpm = Annotated[int | None, typer.Option(min=1, help="Requests a minute.")]
Tpm = Annotated[int | None, typer.Option(min=1, help="Tokens a minute, prompt and answer.")]
Budget = Annotated[str | None, typer.Option(help="US dollars a period, such as 25 or 0.50.")]
PeriodOption = Annotated[str, typer.Option("--period", help="day, month or total; UTC.")]
Expires = Annotated[str | None, typer.Option(help="After how long it ends: 12h, 30d, 8w.")]


@contextmanager
def opened(config: Path | None) -> Iterator[Accounts]:
    settings = load(config, os.environ)
    paths = Paths.of(registry.home(settings.data_dir, os.environ), settings)
    accounts = Accounts(open_stores(paths).accounts(), time)
    try:
        yield accounts
    finally:
        accounts.close()


@keys_app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What people call it: a person, team or program.")],
    tenant: Tenant = "default",
    target: Targets = [],  # noqa: B006 - typer copies it
    rpm: Rpm = None,
    tpm: Tpm = None,
    budget: Budget = None,
    period: PeriodOption = "month",
    expires: Expires = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its secret is shown this once and kept nowhere; from the first key on, the
    gateway asks everybody for one."""
    said = {
        "name": name,
        "tenant": tenant,
        "targets": target,
        "rpm": rpm,
        "tpm": tpm,
        "budget_usd": _dollars(budget),
        "period": period,
        "expires": _moment(expires),
    }
    try:
        grant = msgspec.convert(said, Grant)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"That is no key: {error}.") from error
    with opened(config) as accounts:
        secret, key = accounts.create(grant)
    if as_json:
        typer.echo(msgspec.json.encode({"secret": secret, **_plain(key)}).decode())
        return
    typer.echo(secret)
    Console(stderr=True).print(
        f"Key {key.id} for {key.name!r}. This is the only time that the secret is shown."
    )


@keys_app.command("list")
def list_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show all keys, what they may and what they have spent in this period."""
    with opened(config) as accounts:
        found = [(key, accounts.balance(key)) for key in accounts.keys.all()]
    if as_json:
        rows = [{**_plain(key), "spent_usd": balance.spent} for key, balance in found]
        typer.echo(msgspec.json.encode(rows).decode())
        return
    if not found:
        typer.echo("There are no keys: the gateway lets everybody in who reaches it.")
        return
    table = Table(title="Keys")
    for column in ("id", "name", "secret", "tenant", "may use", "limits", "spent", "state"):
        table.add_column(column, overflow="fold")
    for key, balance in found:
        table.add_row(
            key.id,
            key.name,
            f"…{key.tail}",
            key.tenant,
            ", ".join(key.targets) or "all",
            _limits(key),
            f"${balance.spent:.4f}" if key.budget_usd is not None else "",
            _state(key),
        )
    Console().print(table)


@keys_app.command("revoke")
def revoke_command(
    key: Annotated[str, typer.Argument(help="Its id (key_...) or its name.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """End a key for good. Running gateways refuse it within a second."""
    with opened(config) as accounts:
        known = accounts.keys.all()
        matching = [k for k in known if key in (k.id, k.name) and k.revoked is None]
        if len(matching) != 1:
            what = f"{len(matching)} keys are called" if matching else "No active key is called"
            raise NotFound(f"{what} {key!r}.", hint="`shortstop keys list` shows their ids.")
        revoked = accounts.keys.revoke(matching[0].id)
    said = msgspec.json.encode(_plain(revoked)).decode() if as_json else f"Revoked {revoked.id}."
    typer.echo(said)


def _plain(key: Key) -> dict[str, object]:
    return msgspec.structs.asdict(key)


def _limits(key: Key) -> str:
    said = [
        f"{limit:,} {unit}/min"
        for limit, unit in ((key.rpm, "requests"), (key.tpm, "tokens"))
        if limit is not None
    ]
    if key.budget_usd is not None:
        said.append(f"${key.budget_usd} {_every(key.period)}")
    return ", ".join(said) or "none"


def _every(period: Period) -> str:
    return "in all" if period == "total" else f"a {period}"


def _state(key: Key) -> str:
    if key.revoked is not None:
        return "[red]revoked[/]"
    if key.expires is None:
        return "[green]active[/]"
    until = datetime.fromtimestamp(key.expires, UTC).strftime("%Y-%m-%d %H:%M")
    return f"until {until} UTC" if key.active(time.time()) else "[red]expired[/]"


def _dollars(said: str | None) -> Decimal | None:
    if said is None:
        return None
    try:
        return Decimal(said.removeprefix("$"))
    except InvalidOperation:
        raise InvalidRequest(f"{said!r} is no amount of US dollars, such as 25 or 0.50.") from None


def _moment(said: str | None) -> float | None:
    if said is None:
        return None
    found = re.fullmatch(r"(\d+)([hdw])", said)
    if found is None:
        raise InvalidRequest(f"{said!r} is no length of time, such as 12h, 30d or 8w.")
    return time.time() + int(found[1]) * SPANS[found[2]]
